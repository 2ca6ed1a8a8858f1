//! The change log, the record of commands, and the counter both share.

use std::collections::HashSet;
use std::sync::Arc;

use deskbell_protocol::{
    AgentId, Change, ChangeKind, ClientId, ConversationId, Cursor, Delta, EntityKind, Epoch, ResetReason, Seq, SiteId,
    VisitorId,
};

use super::database::{self, Connection, Row, params};
use super::participants::by_taking_part;
use super::{Outcome, entities, queries};
use crate::authorize::Principal;

queries! {
    SET_EPOCH = "UPDATE desk SET epoch = ?1 WHERE id = 1";
    FIND_DESK = "SELECT epoch, seq, shape_seq, last_id FROM desk WHERE id = 1";
    ADD_DESK = "INSERT INTO desk (id, name, epoch, seq, shape_seq, last_id) VALUES (1, ?1, ?2, 0, 0, 0)";
    MOVE_HEAD = "UPDATE desk SET seq = ?1, last_id = ?2 WHERE id = 1";
    PUT_CHANGE = "INSERT INTO change (seq, entity, id, audience, kind, sender_kind, sender, client_id, conversation, site)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (entity, id, audience) DO UPDATE SET seq = excluded.seq, kind = excluded.kind,
        sender_kind = excluded.sender_kind, sender = excluded.sender, client_id = excluded.client_id,
        conversation = excluded.conversation, site = excluded.site";
    AUDIENCES = "SELECT audience FROM change WHERE entity = ?1 AND id = ?2";
    ERASED = "SELECT id FROM change WHERE entity = ?1 AND id > 0 AND kind = 2";
    FIND_CHANGE = "SELECT seq, entity, id, audience, kind, sender_kind, sender, client_id, conversation, site
        FROM change WHERE entity = ?1 AND id = ?2 AND audience = ?3";
    /// Few change after a place, so they are found by it.
    NEXT_CONVERSATIONS_SINCE_OF_FEW = "SELECT DISTINCT id FROM change WHERE seq > ?1 AND +entity = ?2 AND +id > ?3
        ORDER BY id LIMIT ?4";
    /// What is gone is told to everybody: its id says nothing, and whoever took part may have it.
    CHANGES_FOR_AGENT = concat!("SELECT seq, entity, id, audience, kind, sender_kind, sender, client_id, conversation, site
        FROM change WHERE seq > ?1 AND seq <= ?2 AND audience IN (0, ?3)
            AND (site IS NULL OR kind > 0 OR EXISTS (SELECT 1 FROM sees WHERE sees.agent = ?3 AND sees.site = change.site)
                OR ", by_taking_part!("?3", "change.entity", "change.id"), ")
        ORDER BY seq LIMIT ?4");
    CHANGES_OF_CONVERSATION = "SELECT seq, entity, id, audience, kind, sender_kind, sender, client_id, conversation, site
        FROM change WHERE conversation = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq LIMIT ?4";
    ADD_COMMAND = "INSERT INTO command (sender_kind, sender, client_id, seq, id, number) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    FIND_COMMAND = "SELECT seq, id, number FROM command WHERE sender_kind = ?1 AND sender = ?2 AND client_id = ?3";
}

/// The audience of what every agent may see.
pub(crate) const EVERYBODY: i64 = 0;

/// The desk's row.
pub(crate) struct Desk {
    pub(crate) epoch: Epoch,
    pub(crate) head: Seq,
    pub(crate) shape: Seq,
    pub(crate) last_id: i64,
}

/// Makes the desk's row when there is none.
pub(crate) fn begin(connection: &Connection, name: &str) -> database::Result<()> {
    if !connection.has(FIND_DESK, params![])? {
        connection.change(ADD_DESK, params![name, crate::tokens::random_name()])?;
    }
    Ok(())
}

/// Makes the log another one: cursors into the old one are of no use any more.
pub(crate) fn begin_another_epoch(connection: &Connection) -> database::Result<()> {
    connection.change(SET_EPOCH, params![crate::tokens::random_name()])?;
    Ok(())
}

pub(crate) fn desk(connection: &Connection) -> database::Result<Desk> {
    connection.one(FIND_DESK, params![], |row| {
        Ok(Desk { epoch: row.get(0)?, head: Seq(row.get(1)?), shape: Seq(row.get(2)?), last_id: row.get(3)? })
    })
}

pub(super) fn move_head(connection: &Connection, head: Seq, last_id: i64) -> database::Result<()> {
    connection.change(MOVE_HEAD, params![head.0, last_id])?;
    Ok(())
}

/// Why a cursor is of no use, if it is.
pub(crate) fn judge(desk: &Desk, cursor: &Cursor) -> Option<ResetReason> {
    if cursor.epoch != desk.epoch {
        Some(ResetReason::Epoch)
    } else if cursor.seq > desk.head || cursor.seq.0 < 0 {
        Some(ResetReason::Ahead)
    } else if cursor.seq < desk.shape {
        Some(ResetReason::Schema)
    } else {
        None
    }
}

/// A row of the log with the state it leads to.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    /// As everybody may see it: without the sender's name for the command.
    pub(crate) change: Change,
    pub(crate) audience: i64,
    /// The site whose members may see it.
    pub(crate) site: Option<SiteId>,
    /// Agents who may see it whatever sites they see, because they take part. Known of what a commit changed.
    pub(crate) participants: Vec<AgentId>,
    pub(crate) sender: Option<(i64, i64)>,
    pub(crate) client_id: Option<ClientId>,
    /// Bytes of the change in a frame, nearly.
    pub(crate) size: usize,
}

impl Logged {
    /// The change as one principal sees it. The command's name is told to its sender alone.
    pub(crate) fn seen_by(&self, principal: &Principal) -> Change {
        let mut change = self.change.clone();
        if self.sender == Some(principal.key()) {
            change.client_id.clone_from(&self.client_id);
        }
        change
    }

    /// Whether an agent who sees the customers of these sites may see it.
    pub(crate) fn visible_to(&self, agent: AgentId, sites: &HashSet<SiteId>) -> bool {
        let heard = self.audience == EVERYBODY || self.audience == agent.0;
        let is_gone = self.change.kind != ChangeKind::Put;
        heard
            && (is_gone
                || self.site.is_none_or(|site| sites.contains(&site))
                || self.participants.binary_search(&agent).is_ok())
    }

    /// Whether it may change what the agent sees.
    pub(crate) fn concerns_rights_of(&self, agent: AgentId) -> bool {
        match self.change.entity {
            EntityKind::Site => true,
            EntityKind::Agent => self.change.id == agent.0,
            EntityKind::Conversation => self.audience == agent.0,
            _ => false,
        }
    }
}

/// What one commit changed.
#[derive(Clone, Debug)]
pub(crate) struct Committed {
    pub(crate) from: Seq,
    pub(crate) to: Seq,
    pub(crate) changes: Vec<Arc<Logged>>,
    /// Visitors whose conversation changed.
    pub(crate) visitors: Vec<VisitorId>,
}

impl Committed {
    /// Whether a delta tells all of this commit and nothing else, and not who sent what: so are most agents told of it.
    pub(crate) fn is_whole(&self, delta: &Delta) -> bool {
        (delta.from, delta.to, delta.changes.len()) == (self.from, self.to, self.changes.len())
            && delta.changes.iter().all(|change| change.client_id.is_none())
    }
}

/// Of several commits, keeps what a reading of the log would find after the last: the newest change of each entity.
pub(crate) fn keep_newest(changes: &mut Vec<&Logged>) {
    let mut known = HashSet::with_capacity(changes.len());
    changes.reverse();
    changes.retain(|logged| known.insert((logged.change.entity, logged.change.id, logged.audience)));
    changes.reverse();
}

/// A row of the log alone.
pub(crate) struct Place {
    pub(crate) seq: Seq,
    pub(crate) entity: EntityKind,
    pub(crate) id: i64,
    pub(crate) audience: i64,
    pub(crate) kind: ChangeKind,
    pub(crate) sender: Option<(i64, i64)>,
    pub(crate) client_id: Option<ClientId>,
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) site: Option<SiteId>,
}

/// How the log stores what happened. The numbers are for ever.
fn kind_code(kind: ChangeKind) -> i64 {
    match kind {
        ChangeKind::Put => 0,
        ChangeKind::Delete | ChangeKind::Unknown => 1,
        ChangeKind::Erase => 2,
        ChangeKind::Forget => 3,
        ChangeKind::Show => 4,
    }
}

fn kind_from(code: i64) -> ChangeKind {
    match code {
        0 => ChangeKind::Put,
        2 => ChangeKind::Erase,
        3 => ChangeKind::Forget,
        4 => ChangeKind::Show,
        _ => ChangeKind::Delete,
    }
}

impl Place {
    fn read(row: &Row<'_>) -> database::Result<Self> {
        let sender: Option<i64> = row.get(5)?;
        let client_id: Option<String> = row.get(7)?;
        Ok(Self {
            seq: Seq(row.get(0)?),
            entity: entities::kind_from(row.get(1)?),
            id: row.get(2)?,
            audience: row.get(3)?,
            kind: kind_from(row.get(4)?),
            sender: match (sender, row.get(6)?) {
                (Some(kind), Some(id)) => Some((kind, id)),
                _ => None,
            },
            client_id: client_id.as_deref().and_then(ClientId::parse),
            conversation: row.get::<Option<i64>>(8)?.map(ConversationId),
            site: row.get::<Option<i64>>(9)?.map(SiteId),
        })
    }

    /// Joined to the present state.
    pub(crate) fn with_state(self, connection: &Connection) -> Outcome<Logged> {
        let entity = match self.kind {
            ChangeKind::Put => entities::load(connection, self.entity, self.id, self.audience)?,
            _ => None,
        };
        let change = match entity {
            Some(entity) => Change::put(self.seq, &entity, None)?,
            None => Change {
                seq: self.seq,
                kind: match (self.kind, self.entity) {
                    (ChangeKind::Put, _) => ChangeKind::Delete,
                    // What was here of an earlier time goes first; all of it follows.
                    (ChangeKind::Show, EntityKind::Conversation) => ChangeKind::Forget,
                    (kind, _) => kind,
                },
                entity: self.entity,
                id: self.id,
                data: None,
                client_id: None,
            },
        };
        let size = size(&change);
        let Self { audience, site, sender, client_id, .. } = self;
        Ok(Logged { change, audience, site, participants: Vec::new(), sender, client_id, size })
    }
}

/// Bytes of a change in a frame beside its data, at most: the names of the fields, the longest words, three numbers
/// and a command's name.
const ENVELOPE_BYTES: usize = 192;

/// Bytes that a change takes in a frame, its own command's name included.
pub(crate) fn size(change: &Change) -> usize {
    ENVELOPE_BYTES + change.data.as_ref().map_or(0, |data| data.as_str().len())
}

pub(super) fn put(connection: &Connection, place: &Place) -> database::Result<()> {
    connection.change(
        PUT_CHANGE,
        params![
            place.seq.0,
            entities::kind_code(place.entity),
            place.id,
            place.audience,
            kind_code(place.kind),
            place.sender.map(|sender| sender.0),
            place.sender.map(|sender| sender.1),
            place.client_id.as_ref().map(ClientId::as_str),
            place.conversation.map(|id| id.0),
            place.site.map(|id| id.0),
        ],
    )?;
    Ok(())
}

/// Where an entity was last changed.
pub(crate) fn place(
    connection: &Connection,
    entity: EntityKind,
    id: i64,
    audience: i64,
) -> database::Result<Option<Place>> {
    connection.find(FIND_CHANGE, params![entities::kind_code(entity), id, audience], Place::read)
}

/// For whom the log has a place of an entity.
pub(super) fn audiences(connection: &Connection, entity: EntityKind, id: i64) -> database::Result<Vec<i64>> {
    connection.all(AUDIENCES, params![entities::kind_code(entity), id], |row| row.get(0))
}

/// Everything of a kind that was ever erased.
pub(super) fn erased(connection: &Connection, entity: EntityKind) -> database::Result<Vec<i64>> {
    connection.all(ERASED, params![entities::kind_code(entity)], |row| row.get(0))
}

/// An entity's present state as a row of a snapshot. `None` when it is gone.
pub(crate) fn row(connection: &Connection, entity: EntityKind, id: i64, audience: i64) -> Outcome<Option<Logged>> {
    let Some(place) = place(connection, entity, id, audience)? else { return Ok(None) };
    let logged = place.with_state(connection)?;
    Ok((logged.change.kind == ChangeKind::Put).then_some(logged))
}

/// Conversations that changed after a place, by their ids: the next ones above `after`, `most` at the most. To find them,
/// all that changed since is read.
pub(crate) fn next_conversations_since(
    connection: &Connection,
    from: Seq,
    after: i64,
    most: i64,
) -> database::Result<Vec<i64>> {
    let kind = entities::kind_code(EntityKind::Conversation);
    connection.all(NEXT_CONVERSATIONS_SINCE_OF_FEW, params![from.0, kind, after, most], |row| row.get(0))
}

/// At most `limit` rows of `(from, to]` that an agent may see.
pub(crate) fn changes_for_agent(
    connection: &Connection,
    agent: AgentId,
    from: Seq,
    to: Seq,
    limit: i64,
) -> database::Result<Vec<Place>> {
    connection.all(CHANGES_FOR_AGENT, params![from.0, to.0, agent.0, limit], Place::read)
}

/// At most `limit` rows of `(from, to]` that belong to a conversation, notes included.
pub(crate) fn changes_of_conversation(
    connection: &Connection,
    conversation: ConversationId,
    from: Seq,
    to: Seq,
    limit: i64,
) -> database::Result<Vec<Place>> {
    connection.all(CHANGES_OF_CONVERSATION, params![conversation.0, from.0, to.0, limit], Place::read)
}

/// What a command came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) seq: Seq,
    pub(crate) id: Option<i64>,
    pub(crate) number: Option<i64>,
}

pub(crate) fn add_command(
    connection: &Connection,
    sender: (i64, i64),
    client_id: &ClientId,
    done: Done,
) -> database::Result<()> {
    connection
        .change(ADD_COMMAND, params![sender.0, sender.1, client_id.as_str(), done.seq.0, done.id, done.number])?;
    Ok(())
}

pub(crate) fn find_command(
    connection: &Connection,
    sender: (i64, i64),
    client_id: &ClientId,
) -> database::Result<Option<Done>> {
    connection.find(FIND_COMMAND, params![sender.0, sender.1, client_id.as_str()], |row| {
        Ok(Done { seq: Seq(row.get(0)?), id: row.get(1)?, number: row.get(2)? })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn dc_02_conversations_that_changed_come_each_once_by_their_ids_a_few_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let connection = super::super::open(&directory.path().join("desk.db"), "Shop").unwrap();
        let changed = |seq, entity, id, audience| {
            let (kind, sender, client_id) = (ChangeKind::Put, None, None);
            let seq = Seq(seq);
            let place = Place { seq, entity, id, audience, kind, sender, client_id, conversation: None, site: None };
            put(&connection, &place).unwrap();
        };
        // In an order that is not that of their ids.
        for number in 1..=100 {
            changed(number, EntityKind::Conversation, number * 37 % 101, EVERYBODY);
            changed(100 + number, EntityKind::Agent, number, EVERYBODY);
            changed(200 + number, EntityKind::Conversation, number * 37 % 101, 5);
        }
        let next = |from, after| next_conversations_since(&connection, Seq(from), after, 64).unwrap();
        assert_eq!(next(0, 0), (1..=64).collect::<Vec<_>>());
        assert_eq!(next(0, 64), (65..=100).collect::<Vec<_>>());
        assert_eq!(next(0, 100), Vec::<i64>::new());
        assert_eq!(next(299, 0), [100 * 37 % 101], "only what changed after the place");
    }
}
