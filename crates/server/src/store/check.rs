//! What must be so in a database whatever happened, asked of the rows themselves.

use deskbell_protocol::{EntityKind, Timestamp};

use super::database::{self, Connection, Step, params};
use super::{agents, articles, batch, entities, log, queries, search, sites};

queries! {
    AGENTS_MISSING = "SELECT count(*) FROM agent AS item WHERE item.id > 0 AND NOT EXISTS
        (SELECT 1 FROM change WHERE entity = ?1 AND change.id = item.id AND audience = 0 AND kind = 0)";
    AGENTS_EXTRA = "SELECT count(*) FROM change WHERE entity = ?1 AND id > 0 AND kind = 0 AND NOT EXISTS
        (SELECT 1 FROM agent AS item WHERE item.id = change.id)";
    SITES_MISSING = "SELECT count(*) FROM site AS item WHERE item.id > 0 AND NOT EXISTS
        (SELECT 1 FROM change WHERE entity = ?1 AND change.id = item.id AND audience = 0 AND kind = 0)";
    SITES_EXTRA = "SELECT count(*) FROM change WHERE entity = ?1 AND id > 0 AND kind = 0 AND NOT EXISTS
        (SELECT 1 FROM site AS item WHERE item.id = change.id)";
    /// A team's texts are told to each member, and to nobody while it has none.
    TEXTS_MISSING = "SELECT count(*) FROM canned_text AS item WHERE item.id > 0 AND item.owner_kind <> 1 AND NOT EXISTS
        (SELECT 1 FROM change WHERE entity = ?1 AND change.id = item.id AND kind = 0
            AND audience = item.owner)";
    TEXTS_EXTRA = "SELECT count(*) FROM change WHERE entity = ?1 AND id > 0 AND kind = 0 AND NOT EXISTS
        (SELECT 1 FROM canned_text AS item WHERE item.id = change.id)";
    CONTACTS_MISSING = "SELECT count(*) FROM contact AS item WHERE item.id > 0 AND NOT EXISTS
        (SELECT 1 FROM change WHERE entity = ?1 AND change.id = item.id AND audience = 0 AND kind = 0)";
    CONTACTS_EXTRA = "SELECT count(*) FROM change WHERE entity = ?1 AND id > 0 AND kind = 0 AND NOT EXISTS
        (SELECT 1 FROM contact AS item WHERE item.id = change.id)";
    VISITORS_MISSING = "SELECT count(*) FROM visitor AS item WHERE item.id > 0 AND NOT EXISTS
        (SELECT 1 FROM change WHERE entity = ?1 AND change.id = item.id AND audience = 0 AND kind = 0)";
    VISITORS_EXTRA = "SELECT count(*) FROM change WHERE entity = ?1 AND id > 0 AND kind = 0 AND NOT EXISTS
        (SELECT 1 FROM visitor AS item WHERE item.id = change.id)";
    CONVERSATIONS_MISSING = "SELECT count(*) FROM conversation AS item WHERE item.id > 0 AND NOT EXISTS
        (SELECT 1 FROM change WHERE entity = ?1 AND change.id = item.id AND audience = 0 AND kind = 0)";
    CONVERSATIONS_EXTRA = "SELECT count(*) FROM change WHERE entity = ?1 AND id > 0 AND kind = 0 AND NOT EXISTS
        (SELECT 1 FROM conversation AS item WHERE item.id = change.id)";
    MESSAGES_MISSING = "SELECT count(*) FROM message AS item WHERE item.id > 0 AND NOT EXISTS
        (SELECT 1 FROM change WHERE entity = ?1 AND change.id = item.id AND audience = 0 AND kind = 0)";
    MESSAGES_EXTRA = "SELECT count(*) FROM change WHERE entity = ?1 AND id > 0 AND kind = 0 AND NOT EXISTS
        (SELECT 1 FROM message AS item WHERE item.id = change.id)";
    ITEMS_MISSING = "SELECT count(*) FROM item WHERE item.id > 0 AND NOT EXISTS
        (SELECT 1 FROM change WHERE entity = ?1 AND change.id = item.id AND audience = 0 AND kind = 0)";
    ITEMS_EXTRA = "SELECT count(*) FROM change WHERE entity = ?1 AND id > 0 AND kind = 0 AND NOT EXISTS
        (SELECT 1 FROM item WHERE item.id = change.id)";
    AHEAD = "SELECT count(*) FROM change WHERE seq > (SELECT seq FROM desk WHERE id = 1)";
    NOT_DENSE = "SELECT count(*) FROM conversation WHERE id > 0 AND
        (last_number <> (SELECT count(*) FROM message WHERE message.conversation = conversation.id)
        OR last_number <> (SELECT coalesce(max(number), 0) FROM message WHERE message.conversation = conversation.id))";
    /// Replies and notes, as far as the indexes have come; what the desk itself says, to whomever, has no words.
    NOT_FOUND = "SELECT count(*) FROM message WHERE id > 0 AND id <= (SELECT messages FROM findable WHERE findable.id = 1)
        AND kind IN (0, 1) AND deleted_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM message_words_content AS words WHERE words.id = message.id)";
    FOUND_NOWHERE = "SELECT count(*) FROM message_words_content AS words WHERE id > 0
        AND NOT EXISTS (SELECT 1 FROM message WHERE message.id = words.id AND message.deleted_at IS NULL)";
}

/// Tables of what the log tells of: the kind, and the two questions.
const TABLES: &[(&str, EntityKind, &str, &str)] = &[
    ("agent", EntityKind::Agent, AGENTS_MISSING, AGENTS_EXTRA),
    ("site", EntityKind::Site, SITES_MISSING, SITES_EXTRA),
    ("canned_text", EntityKind::CannedText, TEXTS_MISSING, TEXTS_EXTRA),
    ("contact", EntityKind::Contact, CONTACTS_MISSING, CONTACTS_EXTRA),
    ("visitor", EntityKind::Visitor, VISITORS_MISSING, VISITORS_EXTRA),
    ("conversation", EntityKind::Conversation, CONVERSATIONS_MISSING, CONVERSATIONS_EXTRA),
    ("message", EntityKind::Message, MESSAGES_MISSING, MESSAGES_EXTRA),
    ("item", EntityKind::Item, ITEMS_MISSING, ITEMS_EXTRA),
];

/// What the rows say about themselves. All numbers are zero in a sound desk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    /// What SQLite itself finds.
    pub(crate) faults: Vec<String>,
    /// Tables, each with rows that the log does not know, and entries of the log without a row.
    pub(crate) log: Vec<(&'static str, i64, i64)>,
    /// Entries of the log behind its end.
    pub(crate) ahead: i64,
    /// Conversations whose messages are not numbered from one without a gap.
    pub(crate) not_dense: i64,
    /// Messages that no search finds, and entries of the search without a message.
    pub(crate) not_found: (i64, i64),
    /// When the newest row was made, by the clock of that time.
    pub(crate) newest_at: Timestamp,
    /// Agents who may sign in.
    pub(crate) agents: usize,
    /// Sites on whose pages the widget shows nowhere.
    pub(crate) sites_without_origins: usize,
}

fn count(connection: &Connection, sql: &str) -> database::Result<i64> {
    connection.one(sql, params![], |row| row.get(0))
}

/// Reads the whole database.
pub(super) fn rows(connection: &Connection) -> super::Outcome<Rows> {
    let mut rows = Rows { faults: connection.faults()?, ..Rows::default() };
    for (table, kind, missing, extra) in TABLES {
        let kind = entities::kind_code(*kind);
        let ask = |sql: &str| connection.one(sql, params![kind], |row| row.get::<i64>(0));
        let (missing, extra) = (ask(missing)?, ask(extra)?);
        if missing + extra > 0 {
            rows.log.push((*table, missing, extra));
        }
    }
    rows.ahead = count(connection, AHEAD)?;
    rows.not_dense = count(connection, NOT_DENSE)?;
    rows.not_found = (count(connection, NOT_FOUND)?, count(connection, FOUND_NOWHERE)?);
    rows.newest_at = batch::time_of(log::desk(connection)?.last_id);
    rows.agents = agents::ids(connection)?.len();
    for id in sites::ids(connection)? {
        rows.sites_without_origins +=
            usize::from(sites::find(connection, id.into())?.is_some_and(|site| site.origins.is_empty()));
    }
    Ok(rows)
}

/// Makes the search index anew from the rows.
pub(super) fn rebuild_words(connection: &Connection) -> database::Result<()> {
    connection.step(Step::BeginWriting)?;
    connection.run_script(include_str!("clear_words.sql"))?;
    search::index_everything(connection)?;
    articles::index_everything(connection)?;
    connection.step(Step::Commit)
}
