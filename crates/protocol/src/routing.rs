//! To which team new conversations of visitors go.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::id::*;

/// Most rules of a desk.
pub const ROUTING_RULES_MAX: usize = 100;

/// `GET` and `PUT` of `/v1/routing`: to which team new conversations go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Routing {
    /// In their order: the first one that fits decides. At most [`ROUTING_RULES_MAX`].
    pub rules: Vec<RoutingRule>,
}

/// Whose new conversations go to a team. What is left out fits everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoutingRule {
    /// Whether it is looked at. Left out: yes.
    #[serde(default = "yes")]
    pub active: bool,
    /// Those of the visitors of this site.
    #[serde(default)]
    pub site: Option<SiteId>,
    /// Those of visitors with this language, such as `es`; `pt-BR` fits no `pt`, and `pt` fits `pt-BR`.
    #[serde(default)]
    pub language: Option<String>,
    /// Those of visitors who write from a page with this in its address, in any spelling of case; 1 to 200 characters.
    #[serde(default)]
    pub page_contains: Option<String>,
    /// To whom they go, as long as one of them is there and takes conversations.
    pub team: TeamId,
    /// When nobody has taken one after so many seconds, 10 to 3,600, it is everybody's.
    #[schema(minimum = 10, maximum = 3600)]
    pub fallback_after_s: u32,
}

fn yes() -> bool {
    true
}
