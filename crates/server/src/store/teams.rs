//! Teams.

use deskbell_protocol::{AgentId, Team, TeamId};
use rusqlite::{Connection, OptionalExtension, params};

use super::queries;

queries! {
    FIND = "SELECT id, name, active FROM team WHERE id = ?1";
    MEMBERS = "SELECT agent FROM team_member WHERE team = ?1 ORDER BY agent";
    IDS_OF_FEW = "SELECT id FROM team ORDER BY id";
    PUT = "INSERT INTO team (id, name, active) VALUES (?1, ?2, ?3)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, active = excluded.active";
    DROP_MEMBERS = "DELETE FROM team_member WHERE team = ?1";
    ADD_MEMBER = "INSERT INTO team_member (team, agent) VALUES (?1, ?2)";
}

pub(crate) fn find(connection: &Connection, id: TeamId) -> rusqlite::Result<Option<Team>> {
    let found = connection.prepare_cached(FIND)?.query_row([id.0], |row| {
        Ok(Team { id: TeamId(row.get(0)?), name: row.get(1)?, members: Vec::new(), active: row.get(2)? })
    });
    let Some(mut team) = found.optional()? else { return Ok(None) };
    let mut members = connection.prepare_cached(MEMBERS)?;
    team.members = members.query_map([id.0], |row| row.get(0).map(AgentId))?.collect::<Result<_, _>>()?;
    Ok(Some(team))
}

pub(crate) fn ids(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    connection.prepare_cached(IDS_OF_FEW)?.query_map([], |row| row.get(0))?.collect()
}

/// Stores a team in the place of what was there of it.
pub(crate) fn put(connection: &Connection, team: &Team) -> rusqlite::Result<()> {
    connection.prepare_cached(PUT)?.execute(params![team.id.0, team.name, team.active])?;
    connection.prepare_cached(DROP_MEMBERS)?.execute([team.id.0])?;
    for member in &team.members {
        connection.prepare_cached(ADD_MEMBER)?.execute([team.id.0, member.0])?;
    }
    Ok(())
}
