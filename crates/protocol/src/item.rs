//! Projects, tickets and tasks: what is to be done, beside the conversations that it is about.

use serde::{Deserialize, Deserializer, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::id::*;

/// Longest title of an item, in Unicode scalar values.
pub const ITEM_TITLE_MAX: usize = 200;

/// Longest description of an item, in Unicode scalar values.
pub const ITEM_DESCRIPTION_MAX: usize = 10_000;

/// Most followers of one item.
pub const ITEM_FOLLOWERS_MAX: usize = 100;

/// Most conversations that one item is about.
pub const ITEM_CONVERSATIONS_MAX: usize = 100;

/// Most items in one answer.
pub const ITEMS_MAX: u32 = 100;

/// What kind of thing is to be done. It never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// Holds tickets and tasks together.
    Project,
    /// What a customer wants.
    Ticket,
    /// What the team has to do.
    Task,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// Nobody has begun.
    #[default]
    Open,
    /// Somebody is at it.
    InProgress,
    /// It is done, or will not be done.
    Closed,
}

/// A project, a ticket or a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Item {
    /// Id.
    pub id: ItemId,
    /// Its number: 1, 2, 3 for the whole desk, whatever the kind.
    #[ts(type = "number")]
    pub number: i64,
    /// What it is.
    pub kind: ItemKind,
    /// How far it is.
    pub state: ItemState,
    /// One line.
    pub title: String,
    /// What is to be done.
    pub description: String,
    /// Who does it.
    pub assignee: Option<AgentId>,
    /// The project it belongs to.
    pub project: Option<ItemId>,
    /// Whose customers it is about: whoever may not see them does not see it. Empty: everybody of the team sees it.
    pub site: Option<SiteId>,
    /// The person it is about. When they are erased, it is erased.
    pub contact: Option<ContactId>,
    /// Who wants to hear of it.
    pub followers: Vec<AgentId>,
    /// The conversations it is about, oldest first, at most [`ITEM_CONVERSATIONS_MAX`].
    pub conversations: Vec<ConversationId>,
    /// Who made it.
    pub created_by: Option<AgentId>,
    /// When it was made.
    #[ts(type = "number")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[ts(type = "number")]
    pub changed_at: Timestamp,
    /// How often it changed; [`ItemEdit::if_rev`] compares it.
    #[ts(type = "number")]
    pub rev: i64,
}

/// `POST /v1/items`: a new item. `GET /v1/conversations/{id}/ticket` answers one that is filled in from a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewItem {
    /// What it is.
    pub kind: ItemKind,
    /// One line, at most [`ITEM_TITLE_MAX`] characters.
    pub title: String,
    /// At most [`ITEM_DESCRIPTION_MAX`] characters.
    #[serde(default)]
    pub description: String,
    /// Who does it.
    #[serde(default)]
    pub assignee: Option<AgentId>,
    /// The project it belongs to; a project belongs to none.
    #[serde(default)]
    pub project: Option<ItemId>,
    /// The conversation it is made from.
    #[serde(default)]
    pub conversation: Option<ConversationId>,
}

/// `PATCH /v1/items/{id}`: what is left out stays; `null` empties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ItemEdit {
    /// How far it is.
    pub state: Option<ItemState>,
    /// One line.
    pub title: Option<String>,
    /// What is to be done.
    pub description: Option<String>,
    /// Who does it.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    #[ts(type = "number | null")]
    pub assignee: Option<Option<AgentId>>,
    /// The project it belongs to.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    #[ts(type = "number | null")]
    pub project: Option<Option<ItemId>>,
    /// Refuse with `conflict` when it has changed since it had this revision.
    #[ts(type = "number | null")]
    pub if_rev: Option<i64>,
}

/// `null` is given; what is not there is not.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// `GET /v1/items`: newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ItemPage {
    /// The items.
    pub items: Vec<Item>,
    /// Ask again with this `before` for older ones. Empty: there are none.
    pub next: Option<ItemId>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn od_20_null_empties_and_what_is_left_out_stays() {
        let edit: ItemEdit = serde_json::from_str(r#"{"assignee": null}"#).unwrap();
        assert_eq!((edit.assignee, edit.project), (Some(None), None));
        let edit: ItemEdit = serde_json::from_str(r#"{"project": 7}"#).unwrap();
        assert_eq!((edit.assignee, edit.project), (None, Some(Some(ItemId(7)))));
    }
}
