//! The two indexes of the words of messages. One can hold all of them, with the beginnings of words. The other one holds
//! the newest alone: it is small, so that whatever is frequent is found there at once, and what comes is written to it
//! without touching the large one. It hands its oldest on while nobody waits.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::Cache;
use crate::error::CacheError;
use crate::queries::queries;

queries! {
    pub(crate) ADD = "INSERT INTO message_words (rowid, words, facets) VALUES (?1, ?2, ?3)";
    REMOVE = "INSERT INTO message_words (message_words, rowid, words, facets) VALUES ('delete', ?1, ?2, ?3)";
    ADD_RECENT = "INSERT INTO recent_words (rowid, words, facets) VALUES (?1, ?2, ?3)";
    REMOVE_RECENT = "INSERT INTO recent_words (recent_words, rowid, words, facets) VALUES ('delete', ?1, ?2, ?3)";
    FIND_RECENT = "SELECT first, alone FROM recent WHERE one = 1";
    SET_RECENT = "UPDATE recent SET first = ?1, alone = ?2 WHERE one = 1";
    NEWEST = "SELECT id FROM message WHERE id < ?1 ORDER BY id DESC LIMIT 1";
    OLDER = "SELECT id, words, facets FROM message WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    OLDEST = "SELECT id, words, facets FROM message WHERE id >= ?1 ORDER BY id LIMIT ?2";
    MERGE = "INSERT INTO message_words (message_words, rank) VALUES ('merge', ?1)";
    MERGE_RECENT = "INSERT INTO recent_words (recent_words, rank) VALUES ('merge', ?1)";
    MERGE_PEOPLE = "INSERT INTO person_words (person_words, rank) VALUES ('merge', ?1)";
    /// Of how many pieces an index consists: a page's number begins with that of its piece (FTS5's own format).
    #[cfg(test)]
    PIECES_OF_ALL = "SELECT count(DISTINCT id >> 37) FROM message_words_data WHERE id > 10";
    IS_LONGER = "SELECT 1 FROM message INDEXED BY message_facts WHERE id >= ?1 ORDER BY id LIMIT 1 OFFSET ?2";
}

/// How large the index of the newest is kept, in messages.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// It is filled to this many,
    fewest: i64,
    /// and emptied from this many on,
    most: i64,
    /// so many at a time.
    step: i64,
}

/// A search of so few takes less than a millisecond, and a step some twenty.
const LIMITS: Limits = Limits { fewest: 16_384, most: 32_768, step: 500 };

/// Pages of an index that a step may write anew.
const MERGE_PAGES: i64 = 64;

/// Which messages stand in which index, by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recent {
    /// From here on they are in the index of the newest.
    pub(crate) first: i64,
    /// From here on they are not in the other one: never before `first`.
    alone: i64,
}

impl Recent {
    pub(crate) fn read(connection: &Connection) -> Result<Self, CacheError> {
        let mut statement = connection.prepare_cached(FIND_RECENT)?;
        Ok(statement.query_row([], |row| Ok(Self { first: row.get(0)?, alone: row.get(1)? }))?)
    }

    fn write(self, connection: &Connection) -> Result<(), CacheError> {
        connection.prepare_cached(SET_RECENT)?.execute([self.first, self.alone])?;
        Ok(())
    }

    /// Makes a message findable that is not.
    pub(crate) fn add(self, connection: &Connection, id: i64, words: &str, facets: &str) -> Result<(), CacheError> {
        self.change(connection, [ADD, ADD_RECENT], id, words, facets)
    }

    /// Makes a message unfindable, which was added with these words.
    pub(crate) fn remove(self, connection: &Connection, id: i64, words: &str, facets: &str) -> Result<(), CacheError> {
        self.change(connection, [REMOVE, REMOVE_RECENT], id, words, facets)
    }

    fn change(
        self,
        connection: &Connection,
        [all, recent]: [&str; 2],
        id: i64,
        words: &str,
        facets: &str,
    ) -> Result<(), CacheError> {
        if id < self.alone {
            connection.prepare_cached(all)?.execute(params![id, words, facets])?;
        }
        if id >= self.first {
            connection.prepare_cached(recent)?.execute(params![id, words, facets])?;
        }
        Ok(())
    }
}

impl Cache {
    /// Keeps the index of the newest messages at its size, and makes one piece of those that the indexes consist of, a
    /// step of it. True when there is more to do. To be called now and then while nobody waits.
    ///
    /// # Errors
    /// [`CacheError`]; everything is as it was then.
    pub fn tend_words(&self) -> Result<bool, CacheError> {
        self.cache().write(|transaction| tend(transaction, LIMITS))
    }
}

fn tend(connection: &Connection, limits: Limits) -> Result<bool, CacheError> {
    let mut recent = Recent::read(connection)?;
    if recent.alone == i64::MAX {
        let newest: Option<i64> =
            connection.prepare_cached(NEWEST)?.query_row([i64::MAX], |row| row.get(0)).optional()?;
        let Some(newest) = newest else { return merge(connection) };
        recent = Recent { first: newest + 1, alone: newest + 1 };
    }
    let mut is_longer = connection.prepare_cached(IS_LONGER)?;
    if is_longer.exists([recent.first, limits.most])? {
        hand_on(connection, &mut recent, limits.step)?;
    } else if is_longer.exists([recent.first, limits.fewest - 1])? || !take_in(connection, &mut recent, limits.step)? {
        return merge(connection);
    }
    recent.write(connection)?;
    Ok(true)
}

/// Makes fewer pieces of an index, as much of it as a step may.
fn merge(connection: &Connection) -> Result<bool, CacheError> {
    for which in [MERGE_RECENT, MERGE, MERGE_PEOPLE] {
        let before = connection.total_changes();
        connection.prepare_cached(which)?.execute([MERGE_PAGES])?;
        // SQLite counts one change for a merge that had nothing to do.
        if connection.total_changes() - before > 1 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A message's id, words and facets.
type Row = (i64, String, String);

fn rows(connection: &Connection, which: &str, from: i64, count: i64) -> Result<Vec<Row>, CacheError> {
    let mut statement = connection.prepare_cached(which)?;
    let rows = statement.query_map([from, count], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Leaves the oldest to the index of all.
fn hand_on(connection: &Connection, recent: &mut Recent, count: i64) -> Result<(), CacheError> {
    for (id, words, facets) in rows(connection, OLDEST, recent.first, count)? {
        connection.prepare_cached(REMOVE_RECENT)?.execute(params![id, words, facets])?;
        recent.first = id + 1;
        if id >= recent.alone {
            connection.prepare_cached(ADD)?.execute(params![id, words, facets])?;
            recent.alone = id + 1;
        }
    }
    Ok(())
}

/// Takes in some that stand in the index of all alone. False: there are none.
fn take_in(connection: &Connection, recent: &mut Recent, count: i64) -> Result<bool, CacheError> {
    let older = rows(connection, OLDER, recent.first, count)?;
    // By their ids, as an index of words wants it.
    for (id, words, facets) in older.iter().rev() {
        connection.prepare_cached(ADD_RECENT)?.execute(params![id, words, facets])?;
    }
    recent.first = older.last().map_or(recent.first, |(id, ..)| *id);
    Ok(!older.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use deskbell_engine::Batch;
    use deskbell_protocol::{
        AgentId, Author, Change, ContactId, Conversation, ConversationId, ConversationKind, ConversationState, Delta,
        Entity, Message, MessageId, MessageKind, Priority, Seq, SiteId, VisitorId,
    };
    use proptest::prelude::*;

    use super::*;
    use crate::Key;

    const LITTLE: Limits = Limits { fewest: 6, most: 12, step: 3 };
    const WORDS: [&str; 3] = ["teapot", "teacup", "kettle"];

    /// What happens on the desk of a computer that is tended now and then.
    #[derive(Clone, Debug)]
    enum Step {
        Newer(usize),
        Older(usize),
        Edited(prop::sample::Index, usize),
        Deleted(prop::sample::Index),
        Tended,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let word = 0..WORDS.len();
        let which = any::<prop::sample::Index>;
        let step = prop_oneof![
            8 => word.clone().prop_map(Step::Newer),
            2 => word.clone().prop_map(Step::Older),
            1 => (which(), word).prop_map(|(which, word)| Step::Edited(which, word)),
            1 => which().prop_map(Step::Deleted),
            6 => Just(Step::Tended),
        ];
        prop::collection::vec(step, 1..120)
    }

    fn said(id: i64, word: Option<usize>, edited: Option<i64>) -> Message {
        Message {
            id: MessageId(id),
            conversation: ConversationId(1),
            number: id,
            author: Author::Visitor,
            kind: MessageKind::Reply,
            text: word.map(|word| WORDS[word].to_owned()).unwrap_or_default(),
            attachments: Vec::new(),
            client_id: None,
            created_at: id,
            edited_at: edited,
            deleted_at: word.is_none().then_some(id),
            mentions: Vec::new(),
            article: None,
            choices: Vec::new(),
        }
    }

    fn conversation() -> Entity {
        Entity::Conversation(Conversation {
            id: ConversationId(1),
            kind: ConversationKind::Customer,
            contact: ContactId(1),
            visitor: VisitorId(1),
            site: SiteId(1),
            state: ConversationState::Open,
            assignee: None,
            last_number: 1000,
            waiting_since: None,
            created_at: 1,
            active_at: 1,
            visitor_read: 0,
            snoozed_until: None,
            team: None,
            priority: Priority::None,
            title: String::new(),
            participants: Vec::new(),
            labels: Vec::new(),
            followers: Vec::new(),
        })
    }

    fn found(cache: &Cache, typed: &str) -> Vec<i64> {
        cache.search(typed, AgentId(1), 1000).unwrap().iter().filter_map(|hit| hit.number).collect()
    }

    /// Puts one thing after the other into a cache.
    fn putting(cache: &Cache) -> impl FnMut(&Entity) {
        let mut seq = 0;
        move |entity| {
            seq += 1;
            let changes = vec![Change::put(Seq(seq), entity, None).unwrap()];
            let delta = Delta { from: Seq(seq - 1), to: Seq(seq), changes, more: false };
            cache.apply(&Batch::Delta { epoch: "e".into(), delta, done: Vec::new() }).unwrap();
        }
    }

    /// Of how many pieces an index consists, each of which a search reads.
    fn pieces(cache: &Cache) -> i64 {
        cache.cache().read(|connection| Ok(connection.query_row(PIECES_OF_ALL, [], |row| row.get(0))?)).unwrap()
    }

    #[test]
    fn od_16_what_came_message_by_message_is_one_piece_once_nobody_waits() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path(), &Key::random()).unwrap();
        let mut put = putting(&cache);
        put(&conversation());
        for id in 1..=250 {
            put(&Entity::Message(said(id, Some(0), None)));
        }
        assert!(pieces(&cache) > 4, "{}", pieces(&cache));
        while cache.tend_words().unwrap() {}
        assert_eq!(pieces(&cache), 1);
        assert_eq!(found(&cache, "teapot").len(), 250);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn od_16_words_are_found_wherever_their_message_stands_and_however_the_indexes_are_tended(steps in steps()) {
            let directory = tempfile::tempdir().unwrap();
            let cache = Cache::open(directory.path(), &Key::random()).unwrap();
            let mut put = putting(&cache);
            put(&conversation());
            let mut desk: BTreeMap<i64, usize> = BTreeMap::new();
            let (mut newest, mut oldest) = (500, 500);
            for step in steps {
                match step {
                    Step::Newer(word) => {
                        newest += 1;
                        put(&Entity::Message(said(newest, Some(word), None)));
                        desk.insert(newest, word);
                    }
                    Step::Older(word) => {
                        oldest -= 1;
                        put(&Entity::Message(said(oldest, Some(word), None)));
                        desk.insert(oldest, word);
                    }
                    Step::Edited(which, word) if !desk.is_empty() => {
                        let id = *which.get(&desk.keys().copied().collect::<Vec<_>>());
                        put(&Entity::Message(said(id, Some(word), Some(1))));
                        desk.insert(id, word);
                    }
                    Step::Deleted(which) if !desk.is_empty() => {
                        let id = *which.get(&desk.keys().copied().collect::<Vec<_>>());
                        put(&Entity::Message(said(id, None, None)));
                        desk.remove(&id);
                    }
                    Step::Tended => {
                        cache.cache().write(|transaction| tend(transaction, LITTLE)).unwrap();
                    }
                    Step::Edited(..) | Step::Deleted(_) => {}
                }
                for (word, typed) in WORDS.iter().enumerate() {
                    let expected: Vec<i64> =
                        desk.iter().rev().filter(|(_, said)| **said == word).map(|(id, _)| *id).collect();
                    prop_assert_eq!(found(&cache, typed), expected);
                }
                let expected: Vec<i64> =
                    desk.iter().rev().filter(|(_, said)| **said < 2).map(|(id, _)| *id).collect();
                prop_assert_eq!(found(&cache, "tea"), expected);
            }
            while cache.cache().write(|transaction| tend(transaction, LITTLE)).unwrap() {}
            let longer = cache.cache().read(|connection| {
                let first = Recent::read(connection)?.first;
                Ok(connection.prepare_cached(IS_LONGER)?.exists([first, LITTLE.most])?)
            });
            prop_assert!(!longer.unwrap());
        }
    }
}
