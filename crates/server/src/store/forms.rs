//! What sites ask visitors before their first message.

use deskbell_protocol::{SiteForms, SiteId};

use super::database::{Connection, params};
use super::{Outcome, queries, sites};

queries! {
    OF_SITE = "SELECT forms FROM site WHERE id = ?1";
    OF_SITES_OF_FEW = "SELECT id, forms FROM site WHERE forms IS NOT NULL";
    SET_FORMS = "UPDATE site SET forms = ?2 WHERE id = ?1";
}

/// What a site asks; nothing, if there is no such site.
pub(crate) fn find(connection: &Connection, site: SiteId) -> Outcome<SiteForms> {
    let stored: Option<Option<String>> = connection.find(OF_SITE, params![site.0], |row| row.get(0))?;
    Ok(stored.flatten().map(|stored| serde_json::from_str(&stored)).transpose()?.unwrap_or_default())
}

/// The sites that ask something.
pub(crate) fn of_sites(connection: &Connection) -> Outcome<Vec<(SiteId, SiteForms)>> {
    sites::stored(connection, OF_SITES_OF_FEW)
}

/// Stores what a site asks.
pub(crate) fn put(connection: &Connection, site: SiteId, forms: &SiteForms) -> Outcome<()> {
    let nothing = forms.online.is_empty() && forms.offline.is_empty();
    let stored = if nothing { None } else { Some(serde_json::to_string(forms)?) };
    connection.change(SET_FORMS, params![site.0, stored])?;
    Ok(())
}
