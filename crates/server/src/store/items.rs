//! Projects, tickets and tasks.

use deskbell_protocol::{
    AgentId, ContactId, ConversationId, Item, ItemId, ItemKind, ItemState, Message, MessageId, SiteId, VisitorId,
};

use super::database::{self, Connection, Row, params};
use super::{Outcome, conversations, queries};

queries! {
    FIND = "SELECT id, number, kind, state, title, description, assignee, project, site, contact, created_by, created_at,
        changed_at, rev FROM item WHERE id = ?1";
    FOLLOWERS = "SELECT agent FROM item_follower WHERE item = ?1 ORDER BY agent";
    CONVERSATIONS = "SELECT conversation FROM item_conversation WHERE item = ?1 ORDER BY conversation";
    OF_CONVERSATION = "SELECT item FROM item_conversation WHERE conversation = ?1";
    OF_CONTACT = "SELECT id FROM item WHERE contact = ?1 ORDER BY id";
    /// What the conversations of a person, or of one browser, are about.
    ABOUT_CONTACT = "SELECT item FROM conversation CROSS JOIN item_conversation
        ON item_conversation.conversation = conversation.id WHERE conversation.contact = ?1";
    ABOUT_VISITOR = "SELECT item FROM conversation CROSS JOIN item_conversation
        ON item_conversation.conversation = conversation.id WHERE conversation.visitor = ?1";
    /// Those who have no right to a site's items.
    BLIND_OF_FEW = "SELECT id FROM agent WHERE active = 1
        AND NOT EXISTS (SELECT 1 FROM sees WHERE sees.agent = agent.id AND sees.site = ?1) ORDER BY id";
    /// Those that an agent sees, who is ?1; the command line, which is nobody, sees all.
    LIST = "SELECT id FROM item INDEXED BY item_by_state WHERE (state = 2) = ?2 AND id < ?3
        AND (?1 IS NULL OR site IS NULL OR EXISTS (SELECT 1 FROM sees WHERE sees.agent = ?1 AND sees.site = item.site))
        AND (?4 IS NULL OR kind = ?4) AND (?5 IS NULL OR assignee = ?5) AND (?6 IS NULL OR project = ?6)
        AND (NOT ?7 OR assignee = ?1 OR created_by = ?1
            OR EXISTS (SELECT 1 FROM item_follower WHERE item = item.id AND agent = ?1))
        AND (NOT ?8 OR NOT EXISTS (SELECT 1 FROM item_conversation WHERE item_conversation.item = item.id))
        ORDER BY id DESC LIMIT ?9";
    NEXT_NUMBER = "UPDATE desk SET item_number = item_number + 1 RETURNING item_number";
    ADD = "INSERT INTO item (id, number, kind, state, title, description, assignee, project, site, contact, created_by,
        created_at, changed_at, rev) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, 1)";
    EDIT = "UPDATE item SET state = ?2, title = ?3, description = ?4, assignee = ?5, project = ?6, site = ?7,
        contact = ?8, changed_at = ?9, rev = rev + 1 WHERE id = ?1";
    LINK = "INSERT INTO item_conversation (conversation, item) VALUES (?1, ?2)
        ON CONFLICT (conversation) DO UPDATE SET item = excluded.item";
    UNLINK = "DELETE FROM item_conversation WHERE conversation = ?1 AND item = ?2";
    FOLLOW = "INSERT INTO item_follower (item, agent) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    UNFOLLOW = "DELETE FROM item_follower WHERE item = ?1 AND agent = ?2";
    /// How a conversation begins.
    FIRST_WORDS = "SELECT id FROM message WHERE conversation = ?1 ORDER BY number LIMIT ?2";
}

/// Which items are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// Who asks; the command line is nobody.
    pub(crate) asker: Option<AgentId>,
    /// Those that are closed, and not the others.
    pub(crate) closed: bool,
    /// Older than this one.
    pub(crate) before: Option<ItemId>,
    pub(crate) kind: Option<ItemKind>,
    pub(crate) assignee: Option<AgentId>,
    pub(crate) project: Option<ItemId>,
    /// Those that whoever asks made, does or follows.
    pub(crate) mine: bool,
    /// Those that no conversation is about.
    pub(crate) unanswered: bool,
    /// At most so many.
    pub(crate) limit: u32,
}

/// How the database stores a kind. The numbers are for ever.
fn kind_code(kind: ItemKind) -> i64 {
    match kind {
        ItemKind::Project => 0,
        ItemKind::Ticket => 1,
        ItemKind::Task => 2,
    }
}

fn kind_from(code: i64) -> ItemKind {
    match code {
        0 => ItemKind::Project,
        1 => ItemKind::Ticket,
        _ => ItemKind::Task,
    }
}

/// Likewise a state.
fn state_code(state: ItemState) -> i64 {
    match state {
        ItemState::Open => 0,
        ItemState::InProgress => 1,
        ItemState::Closed => 2,
    }
}

fn state_from(code: i64) -> ItemState {
    match code {
        0 => ItemState::Open,
        1 => ItemState::InProgress,
        _ => ItemState::Closed,
    }
}

fn item(row: &Row<'_>) -> database::Result<Item> {
    Ok(Item {
        id: ItemId(row.get(0)?),
        number: row.get(1)?,
        kind: kind_from(row.get(2)?),
        state: state_from(row.get(3)?),
        title: row.get(4)?,
        description: row.get(5)?,
        assignee: row.get::<Option<i64>>(6)?.map(AgentId),
        project: row.get::<Option<i64>>(7)?.map(ItemId),
        site: row.get::<Option<i64>>(8)?.map(SiteId),
        contact: row.get::<Option<i64>>(9)?.map(ContactId),
        followers: Vec::new(),
        conversations: Vec::new(),
        created_by: row.get::<Option<i64>>(10)?.map(AgentId),
        created_at: row.get(11)?,
        changed_at: row.get(12)?,
        rev: row.get(13)?,
    })
}

fn ids(connection: &Connection, sql: &str, of: i64) -> database::Result<Vec<i64>> {
    connection.all(sql, params![of], |row| row.get(0))
}

pub(crate) fn find(connection: &Connection, id: ItemId) -> database::Result<Option<Item>> {
    let Some(mut found) = connection.find(FIND, params![id.0], item)? else { return Ok(None) };
    found.followers = ids(connection, FOLLOWERS, id.0)?.into_iter().map(AgentId).collect();
    found.conversations = ids(connection, CONVERSATIONS, id.0)?.into_iter().map(ConversationId).collect();
    Ok(Some(found))
}

/// The item that a conversation is about.
pub(crate) fn of_conversation(
    connection: &Connection,
    conversation: ConversationId,
) -> database::Result<Option<ItemId>> {
    connection.find(OF_CONVERSATION, params![conversation.0], |row| row.get(0).map(ItemId))
}

/// What the conversations of a person are about; one that is about several of them comes several times.
pub(crate) fn about_contact(connection: &Connection, contact: ContactId) -> database::Result<Vec<ItemId>> {
    Ok(ids(connection, ABOUT_CONTACT, contact.0)?.into_iter().map(ItemId).collect())
}

/// Likewise of one browser.
pub(crate) fn about_visitor(connection: &Connection, visitor: VisitorId) -> database::Result<Vec<ItemId>> {
    Ok(ids(connection, ABOUT_VISITOR, visitor.0)?.into_iter().map(ItemId).collect())
}

/// Agents who may not see the items of a site.
pub(crate) fn blind(connection: &Connection, site: SiteId) -> database::Result<Vec<AgentId>> {
    Ok(ids(connection, BLIND_OF_FEW, site.0)?.into_iter().map(AgentId).collect())
}

/// Those about a person, oldest first.
pub(crate) fn of_contact(connection: &Connection, contact: ContactId) -> database::Result<Vec<Item>> {
    let mut found = Vec::new();
    for id in ids(connection, OF_CONTACT, contact.0)? {
        found.extend(find(connection, ItemId(id))?);
    }
    Ok(found)
}

/// The ids of those that are wanted, newest first.
pub(crate) fn list(connection: &Connection, wanted: &Wanted) -> database::Result<Vec<ItemId>> {
    connection.all(
        LIST,
        params![
            wanted.asker.map(|it| it.0),
            wanted.closed,
            wanted.before.map_or(i64::MAX, |it| it.0),
            wanted.kind.map(kind_code),
            wanted.assignee.map(|it| it.0),
            wanted.project.map(|it| it.0),
            wanted.mine,
            wanted.unanswered,
            wanted.limit,
        ],
        |row| row.get(0).map(ItemId),
    )
}

/// Takes the number of the next item.
pub(crate) fn next_number(connection: &Connection) -> database::Result<i64> {
    connection.one(NEXT_NUMBER, params![], |row| row.get(0))
}

/// Stores a new item, without followers and conversations.
pub(crate) fn add(connection: &Connection, new: &Item) -> database::Result<()> {
    connection.change(
        ADD,
        params![
            new.id.0,
            new.number,
            kind_code(new.kind),
            state_code(new.state),
            new.title,
            new.description,
            new.assignee.map(|it| it.0),
            new.project.map(|it| it.0),
            new.site.map(|it| it.0),
            new.contact.map(|it| it.0),
            new.created_by.map(|it| it.0),
            new.created_at,
        ],
    )?;
    Ok(())
}

/// Stores what an item says now, without followers and conversations, and counts the change.
pub(crate) fn edit(connection: &Connection, now: &Item) -> database::Result<()> {
    connection.change(
        EDIT,
        params![
            now.id.0,
            state_code(now.state),
            now.title,
            now.description,
            now.assignee.map(|it| it.0),
            now.project.map(|it| it.0),
            now.site.map(|it| it.0),
            now.contact.map(|it| it.0),
            now.changed_at,
        ],
    )?;
    Ok(())
}

pub(crate) fn link(connection: &Connection, item: ItemId, conversation: ConversationId) -> database::Result<()> {
    connection.change(LINK, params![conversation.0, item.0]).map(drop)
}

/// False: the conversation was not about this item.
pub(crate) fn unlink(connection: &Connection, item: ItemId, conversation: ConversationId) -> database::Result<bool> {
    Ok(connection.change(UNLINK, params![conversation.0, item.0])? == 1)
}

/// False: the agent followed it already.
pub(crate) fn follow(connection: &Connection, item: ItemId, agent: AgentId) -> database::Result<bool> {
    Ok(connection.change(FOLLOW, params![item.0, agent.0])? == 1)
}

/// False: the agent did not follow it.
pub(crate) fn unfollow(connection: &Connection, item: ItemId, agent: AgentId) -> database::Result<bool> {
    Ok(connection.change(UNFOLLOW, params![item.0, agent.0])? == 1)
}

/// The first messages of a conversation.
pub(crate) fn first_words(connection: &Connection, conversation: ConversationId, most: u32) -> Outcome<Vec<Message>> {
    let ids: Vec<_> = connection.all(FIRST_WORDS, params![conversation.0, most], |row| row.get(0).map(MessageId))?;
    let mut found = Vec::new();
    for id in ids {
        found.extend(conversations::find_message(connection, id)?);
    }
    Ok(found)
}
