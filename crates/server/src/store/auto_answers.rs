//! What the desk answers by itself, and where it has, or will.

use deskbell_protocol::http::{AutoAnswer, AutoAnswerWhen};
use deskbell_protocol::{ConversationId, SiteId, Timestamp};

use super::database::{self, Connection, Row, params};
use super::{Failure, Outcome, queries};

queries! {
    ANSWERS_OF_FEW = "SELECT id, kind, after_s, site, active, texts FROM auto_answer ORDER BY id";
    /// Those that hold for the visitors of a site, without what they say.
    RULES_OF_FEW = "SELECT id, kind, after_s FROM auto_answer
        WHERE active = 1 AND (site IS NULL OR site = ?1) ORDER BY id";
    FIND = "SELECT id, kind, after_s, site, active, texts FROM auto_answer WHERE id = ?1";
    PUT = "INSERT INTO auto_answer (id, kind, after_s, site, active, texts) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, after_s = excluded.after_s, site = excluded.site,
            active = excluded.active, texts = excluded.texts";
    DELETE = "DELETE FROM auto_answer WHERE id = ?1";
    DELETE_SAID = "DELETE FROM auto_answered WHERE rule = ?1";
    KNOWN = "SELECT 1 FROM auto_answered WHERE conversation = ?1 AND rule = ?2";
    WRITTEN = "SELECT number FROM message WHERE conversation = ?1 AND number > ?2 AND kind = 0 AND author_kind = 0
        ORDER BY number LIMIT 2";
    WAIT = "INSERT INTO auto_answered (conversation, rule, due_at) VALUES (?1, ?2, ?3)
        ON CONFLICT (conversation, rule) DO UPDATE SET due_at = excluded.due_at";
    FORGET = "DELETE FROM auto_answered WHERE conversation = ?1 AND rule = ?2";
    DUE = "SELECT conversation, rule FROM auto_answered WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2";
    NEXT_DUE = "SELECT due_at FROM auto_answered WHERE due_at > ?1 ORDER BY due_at LIMIT 1";
}

/// How the database names when. The numbers are for ever.
fn code(when: AutoAnswerWhen) -> (i64, u32) {
    match when {
        AutoAnswerWhen::FirstMessage => (0, 0),
        AutoAnswerWhen::Offline => (1, 0),
        AutoAnswerWhen::Unanswered { after_s } => (2, after_s),
    }
}

/// When a rule speaks. `None`: this version does not know it.
fn when(row: &Row<'_>) -> database::Result<Option<AutoAnswerWhen>> {
    Ok(match row.get(1)? {
        0 => Some(AutoAnswerWhen::FirstMessage),
        1 => Some(AutoAnswerWhen::Offline),
        2 => Some(AutoAnswerWhen::Unanswered { after_s: row.get(2)? }),
        _ => None,
    })
}

/// A rule and its texts. One that this version does not know is not active.
fn answer(row: &Row<'_>) -> database::Result<(AutoAnswer, String)> {
    let (when, site, active): (_, Option<i64>, bool) = (when(row)?, row.get(3)?, row.get(4)?);
    let (known, texts) = (when.is_some(), Default::default());
    let when = when.unwrap_or(AutoAnswerWhen::Offline);
    let rule = AutoAnswer { id: row.get(0)?, when, site: site.map(SiteId), texts, active: active && known };
    Ok((rule, row.get(5)?))
}

fn whole((rule, texts): (AutoAnswer, String)) -> Outcome<AutoAnswer> {
    Ok(AutoAnswer { texts: serde_json::from_str(&texts)?, ..rule })
}

/// All rules, the oldest first.
pub(crate) fn list(connection: &Connection) -> Outcome<Vec<AutoAnswer>> {
    let rows: Vec<_> = connection.all(ANSWERS_OF_FEW, params![], answer)?;
    rows.into_iter().map(whole).collect()
}

/// The rules that hold for the visitors of a site, the oldest first, and when each speaks.
pub(crate) fn holding(connection: &Connection, site: SiteId) -> database::Result<Vec<(i64, AutoAnswerWhen)>> {
    let rows: Vec<_> = connection.all(RULES_OF_FEW, params![site.0], |row| Ok((row.get(0)?, when(row)?)))?;
    Ok(rows.into_iter().filter_map(|(id, when)| Some((id, when?))).collect())
}

pub(crate) fn find(connection: &Connection, id: i64) -> Outcome<AutoAnswer> {
    let found = connection.find(FIND, params![id], answer)?;
    whole(found.ok_or_else(|| Failure::not_found("automatic answer"))?)
}

pub(crate) fn put(connection: &Connection, rule: &AutoAnswer) -> Outcome<()> {
    let (kind, after_s) = code(rule.when);
    let (site, texts) = (rule.site.map(|site| site.0), serde_json::to_string(&rule.texts)?);
    connection.change(PUT, params![rule.id, kind, after_s, site, rule.active, texts])?;
    Ok(())
}

/// False: there was none.
pub(crate) fn delete(connection: &Connection, id: i64) -> database::Result<bool> {
    connection.change(DELETE_SAID, params![id])?;
    Ok(connection.change(DELETE, params![id])? > 0)
}

/// Whether a rule has spoken in a conversation, or waits to.
pub(crate) fn is_known(connection: &Connection, conversation: ConversationId, rule: i64) -> database::Result<bool> {
    connection.has(KNOWN, params![conversation.0, rule])
}

/// Whether the visitor has written once.
pub(crate) fn is_first(connection: &Connection, conversation: ConversationId) -> database::Result<bool> {
    let written: Vec<i64> = connection.all(WRITTEN, params![conversation.0, 0], |row| row.get(0))?;
    Ok(written.len() == 1)
}

/// A rule waits until then.
pub(crate) fn wait(
    connection: &Connection,
    conversation: ConversationId,
    rule: i64,
    due_at: Timestamp,
) -> database::Result<()> {
    connection.change(WAIT, params![conversation.0, rule, due_at])?;
    Ok(())
}

/// A rule has spoken, and will not again.
pub(crate) fn said(connection: &Connection, conversation: ConversationId, rule: i64) -> database::Result<()> {
    connection.change(WAIT, params![conversation.0, rule, None::<i64>])?;
    Ok(())
}

/// A rule does not wait any more.
pub(crate) fn forget(connection: &Connection, conversation: ConversationId, rule: i64) -> database::Result<()> {
    connection.change(FORGET, params![conversation.0, rule])?;
    Ok(())
}

/// Conversations in which rules have waited long enough, at most `limit` of them.
pub(crate) fn due(connection: &Connection, now: Timestamp, limit: i64) -> database::Result<Vec<(ConversationId, i64)>> {
    connection.all(DUE, params![now, limit], |row| Ok((ConversationId(row.get(0)?), row.get(1)?)))
}

/// When the next one has.
pub(crate) fn next_due(connection: &Connection) -> database::Result<Option<Timestamp>> {
    connection.find(NEXT_DUE, params![i64::MIN], |row| row.get(0))
}
