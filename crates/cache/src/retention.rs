//! Messages that make room. Of closed conversations that nobody used for long, the newest words alone stay, so that the
//! list shows them as before; what goes is what was never loaded: it is fetched when somebody reads there, and found
//! by the desk's own search.

use std::collections::BTreeSet;

use deskbell_protocol::{ConversationId, Number, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::Cache;
use crate::apply::remove_messages;
use crate::coverage::uncover_below;
use crate::error::CacheError;
use crate::kept::size_of_files;
use crate::queries::queries;

/// A conversation that was used within this time is being read, and keeps what it has, in milliseconds. A use is noted
/// no more often than that.
const FRESH_MS: i64 = 60 * 60 * 1000;
/// Messages that one transaction removes at the most: other changes wait no longer than for that.
const REMOVED_AT_ONCE: i64 = 200;
/// Transactions of one run at the most.
const STEPS_MAX: usize = 500;
/// Pages that are given back to the disk at once.
const PAGES_AT_ONCE: u32 = 256;

queries! {
    NEEDS_NOTE = "SELECT EXISTS (SELECT 1 FROM conversation
        WHERE id = ?1 AND state = 'closed' AND max(active_at, used_at) < ?2)";
    NOTE_USE = "UPDATE conversation SET used_at = ?2 WHERE id = ?1";
    LONGEST_UNUSED = "SELECT id, max(active_at, used_at) FROM conversation INDEXED BY conversation_unused
        WHERE state = 'closed' AND unread = 0 AND settled = 0 AND max(active_at, used_at) <= ?1
        ORDER BY max(active_at, used_at), id LIMIT ?2";
    /// What the list shows of a conversation, and everything after it, stays.
    NEWEST_WORDS = "SELECT number FROM message WHERE conversation = ?1 AND words <> '' ORDER BY number DESC LIMIT 1";
    NEWEST = "SELECT number FROM message WHERE conversation = ?1 ORDER BY number DESC LIMIT 1";
    OLDER = "SELECT id, number FROM message WHERE conversation = ?1 AND number < ?2 ORDER BY number LIMIT ?3";
    TRIMMED = "UPDATE conversation SET trimmed = 1 WHERE id = ?1";
    SETTLED = "UPDATE conversation SET settled = 1 WHERE id = ?1";
}

/// How many messages are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageLimits {
    /// Bytes of the cache, but for files. `None`: as many as there are.
    pub bytes: Option<i64>,
    /// A closed conversation that was not used for longer makes room, in milliseconds. `None`: none does for its age.
    pub unused_ms: Option<i64>,
}

/// What a run of [`Cache::trim_messages`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MadeRoom {
    /// Messages that went.
    pub messages: usize,
    /// There is more to do: the run was long enough.
    pub more: bool,
    /// Whether the disk has the room now. A database of an earlier version keeps it for what comes.
    pub given_back: bool,
}

impl Cache {
    /// Notes that somebody reads a conversation: it keeps its messages for longer than others.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn use_conversation(&self, id: ConversationId, now: Timestamp) -> Result<(), CacheError> {
        let values = params![id.0, now.saturating_sub(FRESH_MS)];
        let due = self.cache().read(|connection| {
            Ok(connection.prepare_cached(NEEDS_NOTE)?.query_row(values, |row| row.get::<_, bool>(0))?)
        })?;
        if due {
            self.cache().write(|transaction| {
                transaction.prepare_cached(NOTE_USE)?.execute([id.0, now])?;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Removes messages that are over the limits, in the conversations first that were not used for longest. Those that
    /// are open or put off, that have unread messages, or for which something waits to be sent keep all they have.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn trim_messages(&self, now: Timestamp, limits: MessageLimits) -> Result<MadeRoom, CacheError> {
        let mut made = MadeRoom { messages: 0, more: false, given_back: true };
        for step in 1..=STEPS_MAX {
            let over = match limits.bytes {
                Some(bytes) => self.bytes_of_messages()? > bytes,
                None => false,
            };
            let removed = self.cache().write(|transaction| {
                // Read while the cache is held, so that whatever waits by now is known.
                trim_some(transaction, now, limits.unused_ms, over, &self.busy_conversations()?)
            })?;
            let Some(removed) = removed else { break };
            made.messages += removed;
            made.more = step == STEPS_MAX;
        }
        if made.messages > 0 {
            made.given_back = self.give_back()?;
        }
        Ok(made)
    }

    /// Bytes of the cache that are in use, but for files.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn bytes_of_messages(&self) -> Result<i64, CacheError> {
        self.cache().read(|connection| {
            let pages = pragma(connection, "page_count")?.saturating_sub(pragma(connection, "freelist_count")?);
            let used = pages.saturating_mul(pragma(connection, "page_size")?);
            Ok(used.saturating_sub(size_of_files(connection)?).max(0))
        })
    }

    /// Gives pages that nothing is on back to the disk, a few at a time. False for a database that was made without
    /// the notes that this takes: it uses them again itself.
    fn give_back(&self) -> Result<bool, CacheError> {
        loop {
            let left = self.cache().with_writer(|connection| -> Result<Option<i64>, CacheError> {
                // 2: incremental.
                if pragma(connection, "auto_vacuum")? != 2 {
                    return Ok(None);
                }
                let before = pragma(connection, "freelist_count")?;
                let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES_AT_ONCE})"))?;
                let mut rows = vacuum.query([])?;
                while rows.next()?.is_some() {}
                let after = pragma(connection, "freelist_count")?;
                Ok(Some(if after < before { after } else { 0 }))
            })?;
            match left {
                None => return Ok(false),
                Some(0) => return Ok(true),
                Some(_) => {}
            }
        }
    }
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, CacheError> {
    let value: Value = connection.pragma_query_value(None, name, |row| row.get(0))?;
    match value {
        Value::Integer(value) => Ok(value),
        // The encryption answers some of them itself, in text.
        Value::Text(value) => value.parse().map_err(|_| CacheError::Internal(format!("{name} is {value}"))),
        other => Err(CacheError::Internal(format!("{name} is {other:?}"))),
    }
}

/// Removes some messages of the conversation that was not used for longest. How many; nothing when none has to go.
fn trim_some(
    transaction: &Transaction<'_>,
    now: Timestamp,
    unused_ms: Option<i64>,
    over: bool,
    busy: &BTreeSet<ConversationId>,
) -> Result<Option<usize>, CacheError> {
    let mut statement = transaction.prepare_cached(LONGEST_UNUSED)?;
    let most = i64::try_from(busy.len()).unwrap_or(i64::MAX).saturating_add(1);
    let unused: Vec<(ConversationId, Timestamp)> = statement
        .query_map([now.saturating_sub(FRESH_MS), most], |row| Ok((ConversationId(row.get(0)?), row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let Some((id, used_at)) = unused.into_iter().find(|(id, _)| !busy.contains(id)) else { return Ok(None) };
    let old = unused_ms.is_some_and(|unused_ms| used_at < now.saturating_sub(unused_ms));
    if !over && !old {
        return Ok(None);
    }
    let number = |sql: &str| -> Result<Option<Number>, CacheError> {
        Ok(transaction.prepare_cached(sql)?.query_row([id.0], |row| row.get(0)).optional()?)
    };
    let stays = match number(NEWEST_WORDS)? {
        Some(stays) => stays,
        None => number(NEWEST)?.unwrap_or(0),
    };
    let mut statement = transaction.prepare_cached(OLDER)?;
    let older: Vec<(i64, Number)> = statement
        .query_map(params![id.0, stays, REMOVED_AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let ids: Vec<i64> = older.iter().map(|(id, _)| *id).collect();
    remove_messages(transaction, &ids)?;
    let all = older.len() < usize::try_from(REMOVED_AT_ONCE).unwrap_or(usize::MAX);
    let here_from = if all { stays } else { older.last().map_or(stays, |(_, number)| number.saturating_add(1)) };
    uncover_below(transaction, id, here_from)?;
    if !older.is_empty() {
        transaction.prepare_cached(TRIMMED)?.execute([id.0])?;
    }
    if all {
        transaction.prepare_cached(SETTLED)?.execute([id.0])?;
    }
    Ok(Some(older.len()))
}
