//! When the desk is open, and when for the visitors of a site.

use deskbell_protocol::SiteId;
use deskbell_protocol::http::OpeningHours;

use super::database::{Connection, params};
use super::{Outcome, queries, sites};

queries! {
    OF_DESK = "SELECT hours FROM settings WHERE id = 1";
    OF_SITE = "SELECT hours FROM site WHERE id = ?1";
    OF_SITES_OF_FEW = "SELECT id, hours FROM site WHERE hours IS NOT NULL";
    SET_DESK = "UPDATE settings SET hours = ?1 WHERE id = 1";
    SET_SITE = "UPDATE site SET hours = ?2 WHERE id = ?1";
}

/// The hours of a site, or of the desk. `None`: it has none of its own.
pub(crate) fn find(connection: &Connection, site: Option<SiteId>) -> Outcome<Option<OpeningHours>> {
    let stored: Option<Option<String>> = match site {
        None => connection.find(OF_DESK, params![], |row| row.get(0))?,
        Some(site) => connection.find(OF_SITE, params![site.0], |row| row.get(0))?,
    };
    Ok(stored.flatten().map(|stored| serde_json::from_str(&stored)).transpose()?)
}

/// The sites that have hours of their own.
pub(crate) fn of_sites(connection: &Connection) -> Outcome<Vec<(SiteId, OpeningHours)>> {
    sites::stored(connection, OF_SITES_OF_FEW)
}

/// Stores the hours of a site, or of the desk.
pub(crate) fn put(connection: &Connection, site: Option<SiteId>, hours: Option<&OpeningHours>) -> Outcome<()> {
    let stored = hours.map(serde_json::to_string).transpose()?;
    match site {
        None => connection.change(SET_DESK, params![stored])?,
        Some(site) => connection.change(SET_SITE, params![site.0, stored])?,
    };
    Ok(())
}
