//! Articles: what visitors often ask, answered once, and read in the messenger.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::id::*;

/// Longest title of an article in one language, in Unicode scalar values.
pub const ARTICLE_TITLE_MAX: usize = 200;

/// Longest body of an article in one language, in Unicode scalar values.
pub const ARTICLE_BODY_MAX: usize = 20_000;

/// Longest summary that a card shows, in Unicode scalar values.
pub const ARTICLE_SUMMARY_MAX: usize = 200;

/// Most languages of one article.
pub const ARTICLE_LANGUAGES_MAX: usize = 20;

/// Most articles of a desk.
pub const ARTICLES_MAX: usize = 1_000;

/// Most articles in one answer.
pub const ARTICLES_PAGE_MAX: u32 = 50;

/// What an article says in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleText {
    /// One line, at most [`ARTICLE_TITLE_MAX`] characters.
    pub title: String,
    /// Plain text of at most [`ARTICLE_BODY_MAX`] characters; an empty line parts paragraphs. Never markup.
    pub body: String,
}

/// An article, in all its languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Article {
    /// Id.
    pub id: ArticleId,
    /// For whose visitors, and the team of which site. `None`: for those of all sites.
    pub site: Option<SiteId>,
    /// Whether it can be sent, and be read by visitors.
    pub published: bool,
    /// What it says, by language: a tag such as `es` or `pt-br`.
    pub texts: BTreeMap<String, ArticleText>,
    /// How often it changed; [`ArticleEdit::if_revision`] compares it.
    #[ts(type = "number")]
    pub revision: i64,
    /// When it last changed.
    #[schema(value_type = i64)]
    pub changed_at: Timestamp,
}

/// `POST /v1/articles`: a new article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewArticle {
    /// For whose visitors. Left out: for those of all sites.
    #[serde(default)]
    pub site: Option<SiteId>,
    /// Whether it can be sent and read. Left out: not yet.
    #[serde(default)]
    pub published: bool,
    /// What it says, in one language at least and [`ARTICLE_LANGUAGES_MAX`] at the most.
    pub texts: BTreeMap<String, ArticleText>,
}

/// `PATCH /v1/articles/{id}`: what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ArticleEdit {
    /// For whose visitors; `null`: for those of all sites.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    #[ts(type = "number | null")]
    pub site: Option<Option<SiteId>>,
    /// Whether it can be sent and read. Cards that were sent stay; whoever opens one is told that it is gone.
    pub published: Option<bool>,
    /// All languages anew.
    pub texts: Option<BTreeMap<String, ArticleText>>,
    /// Refuse with `conflict` when it has changed since it had this revision.
    #[ts(type = "number | null")]
    pub if_revision: Option<i64>,
}

/// `null` is given; what is not there is not.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// An article in a list, in the words of one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ArticleRow {
    /// Id.
    pub id: ArticleId,
    /// For whose visitors. `None`: for those of all sites.
    pub site: Option<SiteId>,
    /// Whether it can be sent, and be read by visitors.
    pub published: bool,
    /// The languages that it has, by their tags.
    pub languages: Vec<String>,
    /// The one that the title and the summary are in.
    pub language: String,
    /// One line.
    pub title: String,
    /// How it begins, in one line of at most [`ARTICLE_SUMMARY_MAX`] characters.
    pub summary: String,
    /// How often it changed.
    #[ts(type = "number")]
    pub revision: i64,
    /// When it last changed.
    #[schema(value_type = i64)]
    pub changed_at: Timestamp,
}

/// `GET /v1/articles`: newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ArticlePage {
    /// The articles.
    pub articles: Vec<ArticleRow>,
    /// Ask again with this `before` for older ones. Empty: there are none.
    pub next: Option<ArticleId>,
}

/// `GET /v1/articles/{id}/text`: an article as it is read, in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ReadArticle {
    /// Id.
    pub id: ArticleId,
    /// The language that it is in.
    pub language: String,
    /// One line.
    pub title: String,
    /// Plain text; an empty line parts paragraphs. Never markup.
    pub body: String,
    /// When the article last changed.
    #[schema(value_type = i64)]
    pub changed_at: Timestamp,
}

/// What a message shows of an article, as it was when it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ArticleCard {
    /// Which one; `GET /v1/articles/{id}/text` reads what it says by now.
    pub id: ArticleId,
    /// One line.
    pub title: String,
    /// How it begins, in one line of at most [`ARTICLE_SUMMARY_MAX`] characters.
    pub summary: String,
    /// The language of both: a tag such as `es` or `pt-br`.
    pub language: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn tv_06_an_articles_site_can_be_taken_from_it_and_stays_where_it_is_left_out() {
        let edit: ArticleEdit = serde_json::from_str(r#"{"site": null}"#).unwrap();
        assert_eq!(edit.site, Some(None));
        let edit: ArticleEdit = serde_json::from_str(r#"{"published": true}"#).unwrap();
        assert_eq!(edit.site, None);
    }
}
