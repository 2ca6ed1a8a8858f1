//! Sites.

use std::collections::HashSet;

use deskbell_protocol::{AgentId, Site, SiteId, TeamId};
use serde::de::DeserializeOwned;

use super::database::{self, Connection, Row, params};
use super::{Outcome, queries};

queries! {
    FIND = "SELECT id, name, key, members_only, active, origins, peek, signed_only FROM site WHERE id = ?1";
    FIND_BY_KEY = "SELECT id, name, key, members_only, active, origins, peek, signed_only FROM site WHERE key = ?1 AND active = 1";
    AGENTS = "SELECT agent FROM site_agent WHERE site = ?1 ORDER BY agent";
    TEAMS = "SELECT team FROM site_team WHERE site = ?1 ORDER BY team";
    IDS_OF_FEW = "SELECT id FROM site ORDER BY id";
    PUT = "INSERT INTO site (id, name, key, members_only, active, origins, peek, signed_only)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, members_only = excluded.members_only,
        active = excluded.active, origins = excluded.origins, peek = excluded.peek,
        signed_only = excluded.signed_only";
    PEEKED_OF_FEW = "SELECT id FROM site WHERE peek = 1";
    DROP_AGENTS = "DELETE FROM site_agent WHERE site = ?1";
    ADD_AGENT = "INSERT INTO site_agent (site, agent) VALUES (?1, ?2)";
    DROP_TEAMS = "DELETE FROM site_team WHERE site = ?1";
    ADD_TEAM = "INSERT INTO site_team (site, team) VALUES (?1, ?2)";
}

fn site(row: &Row<'_>) -> database::Result<(Site, String)> {
    let (name, key): (String, String) = (row.get(1)?, row.get(2)?);
    let (members_only, active, peek, signed_only) = (row.get(3)?, row.get(4)?, row.get(6)?, row.get(7)?);
    Ok((Site { members_only, active, peek, signed_only, ..Site::new(SiteId(row.get(0)?), &name, &key) }, row.get(5)?))
}

fn whole(connection: &Connection, found: Option<(Site, String)>) -> Outcome<Option<Site>> {
    let Some((site, origins)) = found else { return Ok(None) };
    Ok(Some(Site {
        origins: serde_json::from_str(&origins)?,
        agents: connection.all(AGENTS, params![site.id.0], |row| row.get(0).map(AgentId))?,
        teams: connection.all(TEAMS, params![site.id.0], |row| row.get(0).map(TeamId))?,
        ..site
    }))
}

pub(crate) fn find(connection: &Connection, id: SiteId) -> Outcome<Option<Site>> {
    whole(connection, connection.find(FIND, params![id.0], site)?)
}

/// The site whose widget has this key, unless it was put out of use.
pub(crate) fn find_by_key(connection: &Connection, key: &str) -> Outcome<Option<Site>> {
    whole(connection, connection.find(FIND_BY_KEY, params![key], site)?)
}

pub(crate) fn ids(connection: &Connection) -> database::Result<Vec<i64>> {
    connection.all(IDS_OF_FEW, params![], |row| row.get(0))
}

/// The sites whose visitors are seen writing.
pub(crate) fn peeked(connection: &Connection) -> database::Result<HashSet<SiteId>> {
    connection.all(PEEKED_OF_FEW, params![], |row| row.get(0).map(SiteId))
}

/// What a statement finds for each site: its id, and a value that is stored as JSON.
pub(super) fn stored<T: DeserializeOwned>(connection: &Connection, sql: &str) -> Outcome<Vec<(SiteId, T)>> {
    let rows: Vec<_> = connection.all(sql, params![], |row| Ok((SiteId(row.get(0)?), row.get::<String>(1)?)))?;
    rows.into_iter().map(|(site, value)| Ok((site, serde_json::from_str(&value)?))).collect()
}

/// Stores a site in the place of what was there of it. Its key never changes.
pub(crate) fn put(connection: &Connection, site: &Site) -> Outcome<()> {
    let origins = serde_json::to_string(&site.origins)?;
    let Site { id, name, key, members_only, active, peek, signed_only, .. } = site;
    connection.change(PUT, params![id.0, name, key, members_only, active, origins, peek, signed_only])?;
    connection.change(DROP_AGENTS, params![id.0])?;
    for agent in &site.agents {
        connection.change(ADD_AGENT, params![id.0, agent.0])?;
    }
    connection.change(DROP_TEAMS, params![id.0])?;
    for team in &site.teams {
        connection.change(ADD_TEAM, params![id.0, team.0])?;
    }
    Ok(())
}
