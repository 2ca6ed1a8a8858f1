//! Sites and canned texts.

use deskbell_protocol::{CannedText, CannedTextId, Site, SiteId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Outcome, queries};

queries! {
    FIND = "SELECT id, name, key, origins FROM site WHERE id = ?1";
    FIND_BY_KEY = "SELECT id, name, key, origins FROM site WHERE key = ?1";
    IDS_OF_FEW = "SELECT id FROM site ORDER BY id";
    ADD = "INSERT INTO site (id, name, key, origins) VALUES (?1, ?2, ?3, ?4)";
    SET_ORIGINS = "UPDATE site SET origins = ?2 WHERE id = ?1";
    FIND_CANNED_TEXT = "SELECT id, shortcut, title, text FROM canned_text WHERE id = ?1";
    FIND_SHORTCUT = "SELECT id FROM canned_text WHERE shortcut = ?1";
    CANNED_TEXT_IDS_OF_FEW = "SELECT id FROM canned_text ORDER BY id";
    ADD_CANNED_TEXT = "INSERT INTO canned_text (id, shortcut, title, text) VALUES (?1, ?2, ?3, ?4)";
}

fn site(row: &Row<'_>) -> rusqlite::Result<(Site, String)> {
    Ok((Site { id: SiteId(row.get(0)?), name: row.get(1)?, key: row.get(2)?, origins: Vec::new() }, row.get(3)?))
}

fn with_origins(found: Option<(Site, String)>) -> Outcome<Option<Site>> {
    Ok(match found {
        Some((site, origins)) => Some(Site { origins: serde_json::from_str(&origins)?, ..site }),
        None => None,
    })
}

pub(crate) fn find(connection: &Connection, id: SiteId) -> Outcome<Option<Site>> {
    with_origins(connection.prepare_cached(FIND)?.query_row([id.0], site).optional()?)
}

pub(crate) fn find_by_key(connection: &Connection, key: &str) -> Outcome<Option<Site>> {
    with_origins(connection.prepare_cached(FIND_BY_KEY)?.query_row([key], site).optional()?)
}

pub(crate) fn ids(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    connection.prepare_cached(IDS_OF_FEW)?.query_map([], |row| row.get(0))?.collect()
}

pub(crate) fn add(connection: &Connection, site: &Site) -> Outcome<()> {
    let origins = serde_json::to_string(&site.origins)?;
    connection.prepare_cached(ADD)?.execute(params![site.id.0, site.name, site.key, origins])?;
    Ok(())
}

/// False when there is no such site.
pub(crate) fn set_origins(connection: &Connection, id: SiteId, origins: &[String]) -> Outcome<bool> {
    let origins = serde_json::to_string(origins)?;
    Ok(connection.prepare_cached(SET_ORIGINS)?.execute(params![id.0, origins])? == 1)
}

pub(crate) fn find_canned_text(connection: &Connection, id: CannedTextId) -> rusqlite::Result<Option<CannedText>> {
    connection
        .prepare_cached(FIND_CANNED_TEXT)?
        .query_row([id.0], |row| {
            Ok(CannedText {
                id: CannedTextId(row.get(0)?),
                shortcut: row.get(1)?,
                title: row.get(2)?,
                text: row.get(3)?,
            })
        })
        .optional()
}

pub(crate) fn has_shortcut(connection: &Connection, shortcut: &str) -> rusqlite::Result<bool> {
    connection.prepare_cached(FIND_SHORTCUT)?.exists([shortcut])
}

pub(crate) fn canned_text_ids(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    connection.prepare_cached(CANNED_TEXT_IDS_OF_FEW)?.query_map([], |row| row.get(0))?.collect()
}

pub(crate) fn add_canned_text(connection: &Connection, text: &CannedText) -> rusqlite::Result<()> {
    connection.prepare_cached(ADD_CANNED_TEXT)?.execute(params![text.id.0, text.shortcut, text.title, text.text])?;
    Ok(())
}
