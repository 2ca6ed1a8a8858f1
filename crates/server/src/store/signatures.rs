//! Secrets with which shops sign who their visitors are, and the visitors of whom they did.

use deskbell_protocol::http::IdentitySecret;
use deskbell_protocol::{SiteId, Timestamp, VisitorId};

use super::database::{self, Connection, Row, params};
use super::queries;

queries! {
    SECRETS = "SELECT id, secret, created_at FROM identity_secret WHERE site = ?1 ORDER BY id";
    ADD_SECRET = "INSERT INTO identity_secret (id, site, secret, created_at) VALUES (?1, ?2, ?3, ?4)";
    PROVED_WITH = "SELECT visitor FROM visitor_token WHERE secret = ?1";
    DROP_TOKENS_OF_SECRET = "DELETE FROM visitor_token WHERE secret = ?1";
    UNPROVE_PRESENCES = "UPDATE presence SET proved_until = 0 WHERE proved_until > 0
        AND visitor IN (SELECT visitor FROM visitor_token WHERE secret = ?1)";
    DROP_SECRET = "DELETE FROM identity_secret WHERE id = ?1";
    FIND = "SELECT id, signed_name, signed_email FROM visitor WHERE site = ?1 AND external_id = ?2";
    BIND = "UPDATE visitor SET external_id = ?2, verified_at = ?3 WHERE id = ?1";
    REMEMBER = "UPDATE visitor SET signed_name = ?2, signed_email = ?3 WHERE id = ?1";
    DROP_TOKENS = "DELETE FROM visitor_token WHERE visitor = ?1";
    PROVE = "UPDATE visitor_token SET proved_until = ?2, secret = ?3 WHERE hash = ?1";
    PROVE_PRESENCES = "UPDATE presence SET proved_until = ?2 WHERE visitor = ?1 AND proved_until IS NULL";
    DROP_EXPIRED = "DELETE FROM visitor_token WHERE proved_until <= ?1";
}

/// A site's secrets with what they are, oldest first.
pub(crate) fn secrets(connection: &Connection, site: SiteId) -> database::Result<Vec<(IdentitySecret, String)>> {
    connection.all(SECRETS, params![site.0], |row| {
        Ok((IdentitySecret { id: row.get(0)?, created_at: row.get(2)? }, row.get(1)?))
    })
}

pub(crate) fn add_secret(
    connection: &Connection,
    site: SiteId,
    made: &IdentitySecret,
    secret: &str,
) -> database::Result<()> {
    connection.change(ADD_SECRET, params![made.id, site.0, secret, made.created_at])?;
    Ok(())
}

/// Forgets a secret with all that was proved by it. The visitors of whom something was.
pub(crate) fn drop_secret(connection: &Connection, id: i64) -> database::Result<Vec<VisitorId>> {
    let proved = connection.all(PROVED_WITH, params![id], |row| row.get(0).map(VisitorId))?;
    // A name of a page does not tell by which secret it was proved.
    connection.change(UNPROVE_PRESENCES, params![id])?;
    connection.change(DROP_TOKENS_OF_SECRET, params![id])?;
    connection.change(DROP_SECRET, params![id])?;
    Ok(proved)
}

/// What a shop has signed of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) name: String,
    pub(crate) email: String,
}

/// The visitor who is a shop's person, and what was signed of them last.
pub(crate) fn find(
    connection: &Connection,
    site: SiteId,
    external_id: &str,
) -> database::Result<Option<(VisitorId, Words)>> {
    let read = |row: &Row<'_>| {
        let (name, email): (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
        let words = Words { name: name.unwrap_or_default(), email: email.unwrap_or_default() };
        Ok((VisitorId(row.get(0)?), words))
    };
    connection.find(FIND, params![site.0, external_id], read)
}

/// Makes a visitor a shop's person. What led to them before leads to nobody any more, but the names of their pages do as
/// long as the proof holds.
pub(crate) fn bind(
    connection: &Connection,
    visitor: VisitorId,
    external_id: &str,
    now: Timestamp,
) -> database::Result<()> {
    connection.change(DROP_TOKENS, params![visitor.0])?;
    connection.change(BIND, params![visitor.0, external_id, now])?;
    Ok(())
}

/// Remembers what was signed of a visitor.
pub(crate) fn remember(connection: &Connection, visitor: VisitorId, words: &Words) -> database::Result<()> {
    connection.change(REMEMBER, params![visitor.0, words.name, words.email])?;
    Ok(())
}

/// A token's proof was given anew.
pub(crate) fn prove(connection: &Connection, hash: &[u8], until: Timestamp, secret: i64) -> database::Result<()> {
    connection.change(PROVE, params![hash, until, secret])?;
    Ok(())
}

/// Names of pages that led to a visitor for good do so until a proof ends.
pub(crate) fn prove_presences(connection: &Connection, visitor: VisitorId, until: Timestamp) -> database::Result<()> {
    connection.change(PROVE_PRESENCES, params![visitor.0, until])?;
    Ok(())
}

/// Forgets tokens whose proof is over.
pub(crate) fn drop_expired(connection: &Connection, now: Timestamp) -> database::Result<()> {
    connection.change(DROP_EXPIRED, params![now])?;
    Ok(())
}
