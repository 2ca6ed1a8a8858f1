//! Articles: written by admins, sent by agents, read by visitors. A reply keeps what it showed of one; what a visitor
//! reads is what the article says now, as long as it is published for their site.

use std::collections::BTreeMap;

use deskbell_protocol::{
    ARTICLE_BODY_MAX, ARTICLE_LANGUAGES_MAX, ARTICLE_SUMMARY_MAX, ARTICLE_TITLE_MAX, ARTICLES_MAX, ARTICLES_PAGE_MAX,
    Article, ArticleCard, ArticleEdit, ArticleId, ArticlePage, ArticleRow, ArticleText, Conversation, ErrorCode,
    MessageId, MessageKind, NewArticle, ReadArticle, Refusal, SiteId,
};

use crate::administration::{Administration, refuse};
use crate::authorize::{Action, Object, Principal, authorize};
use crate::desk::Core;
use crate::people::Actor;
use crate::store::articles::{self, Wanted};
use crate::store::batch::Write;
use crate::store::{Connection, Failure, Outcome, search, sites, visitors};
use crate::text;

/// Characters of a body of which a list makes a summary: more than that has, so that it ends between words.
const BEGINNING: usize = 5 * ARTICLE_SUMMARY_MAX;

/// Texts without slips.
fn checked(given: BTreeMap<String, ArticleText>) -> Result<BTreeMap<String, ArticleText>, Refusal> {
    let mut texts = text::tagged("texts", given)?;
    if texts.is_empty() || texts.len() > ARTICLE_LANGUAGES_MAX {
        let rule = format!("has one language at least and {ARTICLE_LANGUAGES_MAX} at the most");
        return Err(Refusal::invalid("texts", &rule));
    }
    for (language, ArticleText { title, body }) in &mut texts {
        let (of_title, of_body) = (format!("texts.{language}.title"), format!("texts.{language}.body"));
        *title = text::field(&of_title, title, ARTICLE_TITLE_MAX)?;
        *body = text::long_field(&of_body, body, ARTICLE_BODY_MAX)?.trim().to_owned();
        for (field, said) in [(of_title, title), (of_body, body)] {
            if said.is_empty() {
                return Err(Refusal::invalid(&field, "must not be empty"));
            }
        }
    }
    Ok(texts)
}

/// For the visitors of a site that is there, or of all.
fn for_whom(connection: &Connection, site: Option<SiteId>) -> Outcome<()> {
    match site {
        Some(site) if sites::find(connection, site)?.is_none() => {
            Err(Refusal::invalid("site", "there is no such site").into())
        }
        _ => Ok(()),
    }
}

fn find(connection: &Connection, id: ArticleId) -> Outcome<Article> {
    articles::find(connection, id)?.ok_or_else(|| Failure::not_found("article"))
}

/// How a body begins: its first paragraph in one line, cut between words.
fn summary(body: &str) -> String {
    let first = body.split("\n\n").map(text::line).find(|line| !line.is_empty()).unwrap_or_default();
    if first.chars().count() <= ARTICLE_SUMMARY_MAX {
        return first;
    }
    let cut = text::cut(&first, ARTICLE_SUMMARY_MAX - 1);
    // A word that is longer than all of it is cut where it has to be.
    let whole = cut.rsplit_once(char::is_whitespace).map_or(cut.as_str(), |(whole, _)| whole.trim_end());
    format!("{whole}…")
}

/// What a message shows of an article to somebody with a language. `None`: it says nothing.
fn card(article: &Article, language: &str) -> Option<ArticleCard> {
    let (tag, ArticleText { title, body }) = text::best_language(&article.texts, language)?;
    Some(ArticleCard { id: article.id, title: title.clone(), summary: summary(body), language: tag.clone() })
}

/// Whether a site's visitors may read an article.
fn is_for(article: &Article, site: SiteId) -> bool {
    article.published && article.site.is_none_or(|of| of == site)
}

/// What a message shows of the article that it brings along, in the words of its visitor's language.
///
/// It comes from agents, and stands in replies alone: among the team and in notes nobody could open it.
pub(crate) fn sent(
    write: &Write<'_>,
    principal: &Principal,
    conversation: &Conversation,
    kind: MessageKind,
    id: ArticleId,
) -> Outcome<ArticleCard> {
    let refused = |rule: &str| Failure::from(Refusal::invalid("article", rule));
    if !matches!(principal, Principal::Agent(_)) || kind != MessageKind::Reply {
        return Err(refused("stands in replies of agents alone"));
    }
    let found = articles::find(write.connection, id)?.filter(|article| is_for(article, conversation.site));
    let found = found.ok_or_else(|| refused("is none that is published for this site"))?;
    let visitor =
        visitors::find(write.connection, conversation.visitor)?.ok_or_else(|| Failure::not_found("visitor"))?;
    card(&found, visitor.spoken_to()).ok_or_else(|| refused("says nothing"))
}

/// Says what a message shows of an article, whose title it is found by from then on.
pub(crate) fn bring(write: &Write<'_>, message: MessageId, card: &ArticleCard) -> Outcome<()> {
    articles::bring(write.connection, message, card)?;
    Ok(search::reword_message(write.connection, message)?)
}

/// An article as it is read: by agents in the language they ask for, by visitors in it or their own.
pub(crate) async fn read(
    core: &Core,
    principal: Principal,
    id: ArticleId,
    language: Option<String>,
) -> Outcome<ReadArticle> {
    let read = core.readers.read(move |connection| {
        let found = find(connection, id)?;
        let visitor = match principal {
            Principal::Visitor(id) => visitors::find(connection, id)?,
            Principal::Agent(_) | Principal::Nobody => None,
        };
        let own = visitor.as_ref().is_some_and(|visitor| is_for(&found, visitor.site));
        authorize(connection, &principal, Action::ReadArticle, Object::Article { site: found.site, own })?;
        let language = language.or(visitor.map(|visitor| visitor.spoken_to().to_owned())).unwrap_or_default();
        let (tag, ArticleText { title, body }) =
            text::best_language(&found.texts, &language).ok_or_else(|| Failure::not_found("article"))?;
        let (language, title, body) = (tag.clone(), title.clone(), body.clone());
        Ok(ReadArticle { id, language, title, body, changed_at: found.changed_at })
    });
    read.await
}

/// An article as a list shows it to somebody with a language. Of its texts, the beginning of one is read.
fn row(connection: &Connection, id: ArticleId, language: &str) -> Outcome<Option<ArticleRow>> {
    let Some((head, languages)) = articles::find_head(connection, id)? else { return Ok(None) };
    let Some((language, ())) = text::best_language(&languages, language) else { return Ok(None) };
    let Some(ArticleText { title, body }) = articles::beginning(connection, id, language, BEGINNING)? else {
        return Ok(None);
    };
    let (summary, language) = (summary(&body), language.clone());
    let Article { site, published, revision, changed_at, .. } = head;
    let languages = languages.into_keys().collect();
    Ok(Some(ArticleRow { id, site, published, languages, language, title, summary, revision, changed_at }))
}

/// How the audit names an article: by what is said of it first.
fn name(article: &Article) -> String {
    let title = article.texts.values().next().map(|text| text.title.as_str()).unwrap_or_default();
    let site = article.site.map_or_else(|| "all".to_owned(), |site| site.to_string());
    format!("{title} site={site} published={} revision={}", article.published, article.revision)
}

impl Administration {
    /// The articles that whoever asks sees, newest first, each in the words of one language.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) async fn articles(&self, wanted: Wanted, language: String) -> Result<ArticlePage, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            let limit = wanted.limit.clamp(1, ARTICLES_PAGE_MAX);
            // Whoever writes them sees those of all sites.
            let writes = actor.may(connection, Action::EditArticles).is_ok();
            let asker = actor.id().filter(|_| !writes);
            let ids = articles::list(connection, &Wanted { asker, limit, ..wanted })?;
            let next = ids.last().copied().filter(|_| ids.len() == usize::try_from(limit).unwrap_or(usize::MAX));
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                found.extend(row(connection, id, &language)?);
            }
            Ok(ArticlePage { articles: found, next })
        });
        read.await.map_err(refuse)
    }

    /// One article in all its languages.
    ///
    /// # Errors
    /// `not_found` when there is none, or no right to see it.
    pub async fn article(&self, id: ArticleId) -> Result<Article, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            let found = find(connection, id)?;
            actor.may_with(connection, Action::ReadArticles, Object::Article { site: found.site, own: false })?;
            Ok(found)
        });
        read.await.map_err(refuse)
    }

    /// Adds an article.
    ///
    /// # Errors
    /// `invalid`, with the field; `not_found` without the right to it.
    pub async fn add_article(&self, new: NewArticle) -> Result<Article, Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            actor.may(write.connection, Action::EditArticles)?;
            let NewArticle { site, published, texts } = new;
            if articles::are_as_many_as(write.connection, ARTICLES_MAX)? {
                let rule = format!("a desk has {ARTICLES_MAX} at the most; delete one that nobody needs");
                return Err(Refusal::invalid("articles", &rule).into());
            }
            for_whom(write.connection, site)?;
            let (id, texts) = (ArticleId(write.new_id()), checked(texts)?);
            let article = Article { id, site, published, texts, revision: 1, changed_at: write.now };
            store(write, &actor, "add", article)
        })
        .await
    }

    /// Changes an article; what is left out stays.
    ///
    /// # Errors
    /// `invalid`, with the field; `conflict` when it has changed meanwhile; `not_found`.
    pub async fn edit_article(&self, id: ArticleId, edit: ArticleEdit) -> Result<Article, Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            actor.may(write.connection, Action::EditArticles)?;
            let before = find(write.connection, id)?;
            if edit.if_revision.is_some_and(|revision| revision != before.revision) {
                let words = "The article has changed meanwhile; read it again.";
                return Err(Refusal::new(ErrorCode::Conflict, words).into());
            }
            let mut now = before.clone();
            let ArticleEdit { site, published, texts, if_revision: _ } = edit;
            now.site = site.unwrap_or(now.site);
            now.published = published.unwrap_or(now.published);
            if let Some(texts) = texts {
                now.texts = checked(texts)?;
            }
            for_whom(write.connection, now.site)?;
            if now == before {
                return Ok(before);
            }
            now.revision = before.revision.saturating_add(1);
            now.changed_at = write.now;
            store(write, &actor, "edit", now)
        })
        .await
    }

    /// Deletes an article. What replies showed of it stays in them, and cannot be opened any more.
    ///
    /// # Errors
    /// `not_found` when there is none, or no right to it.
    pub async fn delete_article(&self, id: ArticleId) -> Result<(), Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            actor.may(write.connection, Action::EditArticles)?;
            let found = find(write.connection, id)?;
            articles::drop(write.connection, id)?;
            actor.did(write, "delete", "article", Some(id.0), name(&found))
        })
        .await
    }
}

fn store(write: &mut Write<'_>, actor: &Actor, action: &str, article: Article) -> Outcome<Article> {
    articles::put(write.connection, &article)?;
    actor.did(write, action, "article", Some(article.id.0), name(&article))?;
    Ok(article)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tv_06_a_summary_is_the_first_paragraph_in_one_line_and_ends_between_words() {
        assert_eq!(summary("Within 30 days,\nfree of charge.\n\nHow to do it"), "Within 30 days, free of charge.");
        let long = summary(&"tea ".repeat(100));
        assert!(long.ends_with("tea…") && long.chars().count() <= ARTICLE_SUMMARY_MAX, "{long}");
        let word = summary(&"é".repeat(500));
        assert_eq!((word.chars().count(), word.chars().last()), (ARTICLE_SUMMARY_MAX, Some('…')));
    }
}
