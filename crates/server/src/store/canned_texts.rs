//! Prepared texts. A desk's own are told to everybody, a team's to each member, and an agent's to that agent.

use deskbell_protocol::{AgentId, CannedText, CannedTextId, EntityKind, TeamId, TextOwner};

use super::batch::Write;
use super::database::{self, Connection, Row, Value, params};
use super::log::EVERYBODY;
use super::{Outcome, files, queries};

queries! {
    FIND = "SELECT id, owner_kind, owner, shortcut, title, text, uses FROM canned_text WHERE id = ?1";
    FIND_SHORTCUT = "SELECT id FROM canned_text WHERE owner_kind = ?1 AND owner = ?2 AND shortcut = ?3";
    IDS_OF_FEW = "SELECT id FROM canned_text ORDER BY id";
    OF_OWNER_OF_FEW = "SELECT id FROM canned_text WHERE owner_kind = ?1 AND owner = ?2 ORDER BY id";
    SEEN_OF_FEW = "SELECT id, owner_kind FROM canned_text WHERE owner_kind = 0 OR (owner_kind = 2 AND owner = ?1)
        OR (owner_kind = 1 AND EXISTS (SELECT 1 FROM team_member WHERE team = owner AND agent = ?1)) ORDER BY id";
    MEMBERS = "SELECT agent FROM team_member WHERE team = ?1";
    IS_MEMBER = "SELECT 1 FROM team_member WHERE team = ?1 AND agent = ?2";
    ADD = "INSERT INTO canned_text (id, owner_kind, owner, shortcut, title, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    EDIT = "UPDATE canned_text SET shortcut = ?2, title = ?3, text = ?4 WHERE id = ?1";
    COUNT = "UPDATE canned_text SET uses = uses + 1 WHERE id = ?1";
    DROP = "DELETE FROM canned_text WHERE id = ?1";
}

/// How the database stores an owner. The numbers are for ever.
fn owner_key(owner: TextOwner) -> (i64, i64) {
    match owner {
        TextOwner::Desk => (0, 0),
        TextOwner::Team { team } => (1, team.0),
        TextOwner::Agent { agent } => (2, agent.0),
    }
}

fn canned_text(row: &Row<'_>) -> database::Result<CannedText> {
    let (kind, owner): (i64, i64) = (row.get(1)?, row.get(2)?);
    Ok(CannedText {
        id: CannedTextId(row.get(0)?),
        owner: match kind {
            1 => TextOwner::Team { team: TeamId(owner) },
            2 => TextOwner::Agent { agent: AgentId(owner) },
            _ => TextOwner::Desk,
        },
        shortcut: row.get(3)?,
        title: row.get(4)?,
        text: row.get(5)?,
        uses: row.get(6)?,
        attachments: Vec::new(),
    })
}

pub(crate) fn find(connection: &Connection, id: CannedTextId) -> database::Result<Option<CannedText>> {
    let found = connection.find(FIND, params![id.0], canned_text)?;
    found.map(|text| Ok(CannedText { attachments: files::of_canned_text(connection, id)?, ..text })).transpose()
}

/// All of them, whosever they are.
pub(crate) fn ids(connection: &Connection) -> database::Result<Vec<i64>> {
    ids_of(connection, IDS_OF_FEW, params![])
}

/// Those of one owner.
pub(crate) fn of(connection: &Connection, owner: TextOwner) -> database::Result<Vec<i64>> {
    let (kind, id) = owner_key(owner);
    ids_of(connection, OF_OWNER_OF_FEW, params![kind, id])
}

fn ids_of(connection: &Connection, sql: &str, of: &[Value<'_>]) -> database::Result<Vec<i64>> {
    connection.all(sql, of, |row| row.get(0))
}

/// Those that an agent sees, each with the audience under which the log tells of it.
pub(crate) fn seen(connection: &Connection, agent: AgentId) -> database::Result<Vec<(i64, i64)>> {
    let audience = |row: &Row<'_>| Ok((row.get(0)?, if row.get::<i64>(1)? == 0 { EVERYBODY } else { agent.0 }));
    connection.all(SEEN_OF_FEW, params![agent.0], audience)
}

/// Whether an agent sees the texts of an owner.
pub(crate) fn sees(connection: &Connection, agent: AgentId, owner: TextOwner) -> database::Result<bool> {
    Ok(owner == TextOwner::Desk || is_own(connection, agent, owner)?)
}

/// Whether a text is an agent's own, or one of a team that they belong to.
pub(crate) fn is_own(connection: &Connection, agent: AgentId, owner: TextOwner) -> database::Result<bool> {
    match owner {
        TextOwner::Desk => Ok(false),
        TextOwner::Team { team } => connection.has(IS_MEMBER, params![team.0, agent.0]),
        TextOwner::Agent { agent: whose } => Ok(whose == agent),
    }
}

/// The text of an owner with this shortcut.
pub(crate) fn with_shortcut(
    connection: &Connection,
    owner: TextOwner,
    shortcut: &str,
) -> database::Result<Option<CannedTextId>> {
    let (kind, id) = owner_key(owner);
    connection.find(FIND_SHORTCUT, params![kind, id, shortcut], |row| row.get(0).map(CannedTextId))
}

/// Tells those who see a text that it changed.
fn told(write: &mut Write<'_>, text: &CannedText) -> Outcome<()> {
    let id = text.id.0;
    match text.owner {
        TextOwner::Desk => write.touch(EntityKind::CannedText, id),
        TextOwner::Team { team } => {
            for member in ids_of(write.connection, MEMBERS, params![team.0])? {
                write.touch_for(EntityKind::CannedText, id, member)?;
            }
            Ok(())
        }
        TextOwner::Agent { agent } => write.touch_for(EntityKind::CannedText, id, agent.0),
    }
}

pub(crate) fn add(write: &mut Write<'_>, text: &CannedText) -> Outcome<()> {
    let (kind, owner) = owner_key(text.owner);
    let CannedText { id, shortcut, title, text: body, .. } = text;
    write.connection.change(ADD, params![id.0, kind, owner, shortcut, title, body])?;
    told(write, text)
}

/// Stores what a text says now. Its owner never changes.
pub(crate) fn edit(write: &mut Write<'_>, text: &CannedText) -> Outcome<()> {
    let CannedText { id, shortcut, title, text: body, .. } = text;
    write.connection.change(EDIT, params![id.0, shortcut, title, body])?;
    told(write, text)
}

/// Counts one use.
pub(crate) fn count(write: &mut Write<'_>, text: &CannedText) -> Outcome<()> {
    write.connection.change(COUNT, params![text.id.0])?;
    told(write, text)
}

pub(crate) fn drop(write: &mut Write<'_>, id: CannedTextId) -> Outcome<()> {
    for file in files::of_canned_text(write.connection, id)? {
        files::drop_of_canned_text(write.connection, file.id, id)?;
    }
    write.connection.change(DROP, params![id.0])?;
    write.gone(EntityKind::CannedText, id.0)
}

/// Shows the texts of a team to whoever joins it, and lets those who leave forget them.
pub(crate) fn members_changed(write: &mut Write<'_>, team: TeamId, before: &[AgentId], now: &[AgentId]) -> Outcome<()> {
    for text in of(write.connection, TextOwner::Team { team })? {
        for agent in before.iter().filter(|agent| !now.contains(agent)) {
            write.forget(EntityKind::CannedText, text, agent.0)?;
        }
        for agent in now.iter().filter(|agent| !before.contains(agent)) {
            write.touch_for(EntityKind::CannedText, text, agent.0)?;
        }
    }
    Ok(())
}
