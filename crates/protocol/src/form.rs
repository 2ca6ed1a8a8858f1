//! What a site asks visitors before their first message, and what they answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

/// Words by language: a tag such as `es` or `pt-BR`.
pub type Words = BTreeMap<String, String>;

/// `GET` and `PUT` of `/v1/sites/{id}/forms`: what is asked while the desk is online, and what while it is offline.
/// Nothing is asked where there are no fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteForms {
    /// At most ten fields.
    pub online: Vec<FormField>,
    /// At most ten fields.
    pub offline: Vec<FormField>,
}

/// One thing that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormField {
    /// Its name within the form: 1 to 40 small letters of the English alphabet, digits and underscores.
    pub id: String,
    /// What kind of thing it is. Name, e-mail and phone are asked once at most.
    pub kind: FieldKind,
    /// Whether there is no first message without an answer.
    #[serde(default)]
    pub required: bool,
    /// What is asked, at most 200 characters. Empty for name, e-mail and phone: in the messenger's own words.
    #[serde(default)]
    pub label: Words,
    /// What can be chosen, 2 to 20; empty for all but a choice.
    #[serde(default)]
    pub choices: Vec<FormChoice>,
}

/// What kind of thing is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// The visitor's name. Becomes the contact's, unless it has one.
    Name,
    /// Their address. Likewise.
    Email,
    /// Their number. Likewise.
    Phone,
    /// A question of the site's own, answered in words.
    Text,
    /// A question of the site's own, answered by one of a few choices.
    Choice,
}

/// One answer that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormChoice {
    /// What agents read, 1 to 100 characters.
    pub value: String,
    /// What visitors read. In a language without one, it is the value.
    #[serde(default)]
    pub label: Words,
}

/// Which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FormKind {
    /// The one of a desk that is online.
    Online,
    /// The one of a desk that is offline.
    Offline,
}

/// A site's forms in the words of one visitor's language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct AskedForms {
    /// While the desk is online.
    pub online: Vec<Asked>,
    /// While it is offline.
    pub offline: Vec<Asked>,
}

impl AskedForms {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.online.is_empty() && self.offline.is_empty()
    }
}

/// One thing that is asked, in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Asked {
    /// Its name within the form.
    pub id: String,
    /// What kind of thing it is.
    pub kind: FieldKind,
    /// Whether there is no first message without an answer.
    pub required: bool,
    /// What is asked; empty: in the messenger's own words.
    pub label: String,
    /// What can be chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<AskedChoice>>")]
    pub choices: Vec<AskedChoice>,
}

/// One answer that can be chosen, in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct AskedChoice {
    /// What is answered.
    pub value: String,
    /// What is shown.
    pub label: String,
}

/// An answer as agents read it: the text of the system message `form:` is a list of these as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct FormAnswer {
    /// What kind of thing was asked.
    pub kind: FieldKind,
    /// What was asked; empty: in the app's own words.
    pub label: String,
    /// What was answered.
    pub answer: String,
}
