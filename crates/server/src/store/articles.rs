//! Articles, the words by which they are found, and those that replies brought along.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use deskbell_protocol::{AgentId, Article, ArticleCard, ArticleId, ArticleText, MessageId, SiteId};
use deskbell_search::fold;

use super::database::{self, Connection, Row, params};
use super::queries;

queries! {
    FIND = "SELECT site, published, revision, changed_at FROM article WHERE id = ?1";
    TEXTS = "SELECT language, title, body FROM article_text WHERE article = ?1 ORDER BY language";
    LANGUAGES = "SELECT language FROM article_text WHERE article = ?1 ORDER BY language";
    BEGINNING = "SELECT title, substr(body, 1, ?3) FROM article_text WHERE article = ?1 AND language = ?2";
    /// As many as there are, up to one more than there may be.
    SOME = "SELECT id FROM article WHERE id > ?1 ORDER BY id LIMIT ?2";
    PUT = "INSERT INTO article (id, site, published, revision, changed_at) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (id) DO UPDATE SET site = excluded.site, published = excluded.published,
            revision = excluded.revision, changed_at = excluded.changed_at";
    DROP_TEXTS = "DELETE FROM article_text WHERE article = ?1";
    ADD_TEXT = "INSERT INTO article_text (article, language, title, body) VALUES (?1, ?2, ?3, ?4)";
    PUT_WORDS = "INSERT OR REPLACE INTO article_words (rowid, title, body) VALUES (?1, ?2, ?3)";
    DROP_WORDS = "DELETE FROM article_words WHERE rowid = ?1";
    DROP = "DELETE FROM article WHERE id = ?1";
    /// Those that an agent sees, who is ?1; without one, all.
    LIST = "SELECT id FROM article WHERE id < ?2
        AND (?1 IS NULL OR site IS NULL OR EXISTS (SELECT 1 FROM sees WHERE sees.agent = ?1 AND sees.site = article.site))
        AND (?3 IS NULL OR site IS NULL OR site = ?3) AND (?4 IS NULL OR published = ?4)
        ORDER BY id DESC LIMIT ?5";
    /// Newest first is the order of the index, so it stops early.
    LIST_FOUND = "SELECT article.id FROM article_words CROSS JOIN article ON article.id = article_words.rowid
        WHERE article_words MATCH ?6 AND article_words.rowid < ?2
        AND (?1 IS NULL OR site IS NULL OR EXISTS (SELECT 1 FROM sees WHERE sees.agent = ?1 AND sees.site = article.site))
        AND (?3 IS NULL OR site IS NULL OR site = ?3) AND (?4 IS NULL OR published = ?4)
        ORDER BY article_words.rowid DESC LIMIT ?5";
    CARD = "SELECT article, title, summary, language FROM message_article WHERE message = ?1";
    BRING = "INSERT INTO message_article (message, article, title, summary, language) VALUES (?1, ?2, ?3, ?4, ?5)";
    FORGET_CARD = "DELETE FROM message_article WHERE message = ?1";
}

/// Which articles are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Who asks, where they do not see all.
    pub(crate) asker: Option<AgentId>,
    /// Only those for a site's visitors, and those for everybody's.
    pub(crate) site: Option<SiteId>,
    /// Only those that are published, or only those that are not.
    pub(crate) published: Option<bool>,
    /// What the index of words is asked.
    pub(crate) words: Option<String>,
    /// Older than this one.
    pub(crate) before: Option<ArticleId>,
    /// At most so many.
    pub(crate) limit: u32,
}

/// What there is of an article beside its texts.
fn head(connection: &Connection, id: ArticleId) -> database::Result<Option<Article>> {
    connection.find(FIND, params![id.0], |row| {
        let (site, texts) = (row.get::<Option<i64>>(0)?.map(SiteId), BTreeMap::new());
        Ok(Article { id, site, published: row.get(1)?, texts, revision: row.get(2)?, changed_at: row.get(3)? })
    })
}

/// An article without its texts, and in which languages it has some.
pub(crate) fn find_head(
    connection: &Connection,
    id: ArticleId,
) -> database::Result<Option<(Article, BTreeMap<String, ()>)>> {
    let Some(head) = head(connection, id)? else { return Ok(None) };
    let languages = connection.all(LANGUAGES, params![id.0], |row| Ok((row.get(0)?, ())))?;
    Ok(Some((head, languages)))
}

/// The title of an article in one of its languages, and so many characters of its body.
pub(crate) fn beginning(
    connection: &Connection,
    id: ArticleId,
    language: &str,
    most: usize,
) -> database::Result<Option<ArticleText>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let text = |row: &Row<'_>| Ok(ArticleText { title: row.get(0)?, body: row.get(1)? });
    connection.find(BEGINNING, params![id.0, language, most], text)
}

pub(crate) fn find(connection: &Connection, id: ArticleId) -> database::Result<Option<Article>> {
    let Some(mut article) = head(connection, id)? else { return Ok(None) };
    article.texts = connection
        .all(TEXTS, params![id.0], |row| Ok((row.get(0)?, ArticleText { title: row.get(1)?, body: row.get(2)? })))?;
    Ok(Some(article))
}

/// The ids of those that are wanted, newest first.
pub(crate) fn list(connection: &Connection, wanted: &Wanted) -> database::Result<Vec<ArticleId>> {
    let Wanted { asker, site, published, words, before, limit } = wanted;
    let (asker, site) = (asker.map(|it| it.0), site.map(|it| it.0));
    let before = before.map_or(i64::MAX, |it| it.0);
    let id = |row: &Row<'_>| row.get(0).map(ArticleId);
    match words {
        Some(words) => connection.all(LIST_FOUND, params![asker, before, site, published, limit, words], id),
        None => connection.all(LIST, params![asker, before, site, published, limit], id),
    }
}

/// Whether there are so many.
pub(crate) fn are_as_many_as(connection: &Connection, many: usize) -> database::Result<bool> {
    let limit = i64::try_from(many).unwrap_or(i64::MAX);
    let some: Vec<i64> = connection.all(SOME, params![0, limit], |row| row.get(0))?;
    Ok(some.len() >= many)
}

/// Stores an article in the place of what was there of it.
pub(crate) fn put(connection: &Connection, article: &Article) -> database::Result<()> {
    let Article { id, site, published, texts, revision, changed_at } = article;
    connection.change(PUT, params![id.0, site.map(|it| it.0), published, revision, changed_at])?;
    connection.change(DROP_TEXTS, params![id.0])?;
    for (language, ArticleText { title, body }) in texts {
        connection.change(ADD_TEXT, params![id.0, language, title, body])?;
    }
    put_words(connection, article)
}

/// Makes an article findable, as it is now.
fn put_words(connection: &Connection, article: &Article) -> database::Result<()> {
    let said = |field: fn(&ArticleText) -> &str| {
        let all: Vec<&str> = article.texts.values().map(field).collect();
        fold(&all.join("\n"))
    };
    let (titles, bodies) = (said(|text| &text.title), said(|text| &text.body));
    connection.change(PUT_WORDS, params![article.id.0, titles, bodies])?;
    Ok(())
}

/// Makes all articles findable anew.
pub(in crate::store) fn index_everything(connection: &Connection) -> database::Result<()> {
    connection.each(SOME, params![0, i64::MAX], |row| {
        if let Some(article) = find(connection, ArticleId(row.get(0)?))? {
            put_words(connection, &article)?;
        }
        Ok(ControlFlow::Continue(()))
    })
}

pub(crate) fn drop(connection: &Connection, id: ArticleId) -> database::Result<()> {
    for sql in [DROP_TEXTS, DROP_WORDS, DROP] {
        connection.change(sql, params![id.0])?;
    }
    Ok(())
}

/// What a message shows of an article.
pub(super) fn card(connection: &Connection, message: MessageId) -> database::Result<Option<ArticleCard>> {
    connection.find(CARD, params![message.0], |row| {
        Ok(ArticleCard { id: ArticleId(row.get(0)?), title: row.get(1)?, summary: row.get(2)?, language: row.get(3)? })
    })
}

/// Stores what a message shows of an article.
pub(crate) fn bring(connection: &Connection, message: MessageId, card: &ArticleCard) -> database::Result<()> {
    let ArticleCard { id, title, summary, language } = card;
    connection.change(BRING, params![message.0, id.0, title, summary, language])?;
    Ok(())
}

/// A message shows nothing of an article any more.
pub(super) fn forget_card(connection: &Connection, message: MessageId) -> database::Result<()> {
    connection.change(FORGET_CARD, params![message.0])?;
    Ok(())
}
