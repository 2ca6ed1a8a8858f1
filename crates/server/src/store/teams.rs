//! Teams.

use deskbell_protocol::{AgentId, Team, TeamId};

use super::assignments::{rule_code, rule_from};
use super::database::{self, Connection, params};
use super::queries;

queries! {
    FIND = "SELECT id, name, active, assign_rule, assign_capacity, assign_back_s FROM team WHERE id = ?1";
    MEMBERS = "SELECT agent FROM team_member WHERE team = ?1 ORDER BY agent";
    IDS_OF_FEW = "SELECT id FROM team ORDER BY id";
    PUT = "INSERT INTO team (id, name, active, assign_rule, assign_capacity, assign_back_s) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, active = excluded.active, assign_rule = excluded.assign_rule,
            assign_capacity = excluded.assign_capacity, assign_back_s = excluded.assign_back_s";
    DROP_MEMBERS = "DELETE FROM team_member WHERE team = ?1";
    ADD_MEMBER = "INSERT INTO team_member (team, agent) VALUES (?1, ?2)";
}

pub(crate) fn find(connection: &Connection, id: TeamId) -> database::Result<Option<Team>> {
    let found = connection.find(FIND, params![id.0], |row| {
        let (id, members, assignment) = (TeamId(row.get(0)?), Vec::new(), rule_from(row, 3)?);
        Ok(Team { id, name: row.get(1)?, members, active: row.get(2)?, assignment })
    });
    let Some(mut team) = found? else { return Ok(None) };
    team.members = connection.all(MEMBERS, params![id.0], |row| row.get(0).map(AgentId))?;
    Ok(Some(team))
}

pub(crate) fn ids(connection: &Connection) -> database::Result<Vec<i64>> {
    connection.all(IDS_OF_FEW, params![], |row| row.get(0))
}

/// Stores a team in the place of what was there of it.
pub(crate) fn put(connection: &Connection, team: &Team) -> database::Result<()> {
    connection.change(
        PUT,
        params![
            team.id.0,
            team.name,
            team.active,
            rule_code(team.assignment.rule),
            team.assignment.capacity,
            team.assignment.back_after_s
        ],
    )?;
    connection.change(DROP_MEMBERS, params![team.id.0])?;
    for member in &team.members {
        connection.change(ADD_MEMBER, params![team.id.0, member.0])?;
    }
    Ok(())
}
