//! Scripts by which the desk talks to a visitor before a person does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::id::{FlowId, SiteId, TeamId};

/// A script of messages, questions and choices that the desk goes through with a visitor, and that hands over to people:
/// `GET /v1/flows`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Flow {
    /// Names it in `PUT` and `DELETE` of `/v1/flows/{id}`, and in the command `start_flow`.
    pub id: FlowId,
    /// What agents call it. Never sent to a visitor.
    pub name: String,
    /// With whose visitors. `None`: with those of all sites.
    pub site: Option<SiteId>,
    /// Whether it begins. One that has begun goes on.
    pub active: bool,
    /// What it begins with.
    pub start: FlowStart,
    /// So many seconds a visitor may take for each answer; then the flow hands over.
    pub patience_s: u32,
    /// From the first one on.
    pub steps: Vec<FlowStep>,
}

/// `POST /v1/flows` and `PUT /v1/flows/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFlow {
    /// What agents call it, 1 to 100 characters.
    pub name: String,
    /// With whose visitors. Left out: with those of all sites.
    #[serde(default)]
    pub site: Option<SiteId>,
    /// Whether it begins. Left out: yes.
    #[serde(default = "yes")]
    pub active: bool,
    /// What it begins with.
    pub start: FlowStart,
    /// So many seconds a visitor may take for each answer, 10 to 86,400; then the flow hands over.
    pub patience_s: u32,
    /// 1 to 50. From each of them a `hand_over` or a `close` can be reached, and no way goes round in a circle in which
    /// the visitor is asked nothing.
    pub steps: Vec<FlowStep>,
}

fn yes() -> bool {
    true
}

/// What a flow begins with. Agents may begin any flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FlowStart {
    /// With an agent's command alone.
    Agent,
    /// With the visitor's first message of a conversation, before anybody has answered.
    FirstMessage {
        /// Only while the desk is so for the visitors of the site. Left out: always.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        desk: Option<FlowDesk>,
    },
}

/// How the desk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlowDesk {
    /// Open, and somebody is there.
    Online,
    /// Not online.
    Offline,
}

/// One step of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowStep {
    /// Its name within the flow: 1 to 40 small letters of the English alphabet, digits and underscores.
    pub key: String,
    /// What the desk does there.
    pub does: FlowDoes,
}

/// What the desk does in a step of a flow. Where `next` is left out, the following step is the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FlowDoes {
    /// Says something, and goes on at once.
    Say {
        /// At most 2,000 characters in each language, with the placeholders of prepared texts.
        texts: BTreeMap<String, String>,
        /// The key of the next step.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        next: Option<String>,
    },
    /// Asks something. The visitor's next message is the answer.
    Ask {
        /// As of `say`.
        texts: BTreeMap<String, String>,
        /// What the answer tells of the person. One that cannot be that is asked for again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        keep: Option<FlowKeep>,
        /// The key of the next step.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        next: Option<String>,
    },
    /// Asks something that has one of a few answers.
    Choose {
        /// As of `say`.
        texts: BTreeMap<String, String>,
        /// The answers, 1 to 8.
        choices: Vec<FlowChoice>,
    },
    /// Ends the flow. The visitor waits for a person from then on.
    HandOver {
        /// To which team, unless somebody has the conversation by then. Left out: to everybody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        team: Option<TeamId>,
    },
    /// Ends the flow and closes the conversation. The visitor's next message opens it.
    Close {},
}

/// What an answer tells of the person. It is written down where nothing is known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlowKeep {
    /// Their name.
    Name,
    /// Their address.
    Email,
    /// Their number.
    Phone,
}

/// One of a few answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowChoice {
    /// What it says, 1 to 80 characters in each language, and unlike any other answer of the step.
    pub label: BTreeMap<String, String>,
    /// The key of the step that it leads to. Left out: to the following one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next: Option<String>,
}

/// A flow that an agent may begin in a conversation: `GET /v1/conversations/{id}/flows`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct OfferedFlow {
    /// For the command `start_flow`.
    pub id: FlowId,
    /// What agents call it.
    pub name: String,
}
