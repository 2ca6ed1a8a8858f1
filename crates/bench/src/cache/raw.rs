//! The baseline: the rows that the product writes, made ready beforehand, put into the same schema with the same
//! encryption by plain statements, and read by the shortest queries.

use std::path::Path;

use deskbell_cache::{Cache, Key};
use deskbell_protocol::Entity;
use deskbell_search::{facets, fold, words};
use rusqlite::{Connection, params};

use super::ours::{head, last_of_each, message, people};
use crate::chats::{Chats, Said};
use crate::timing::{Took, timed};

pub(crate) struct Raw {
    pub(crate) connection: Connection,
}

/// The rows of one transaction.
pub(crate) struct Rows {
    messages: Vec<MessageRow>,
    heads: Vec<HeadRow>,
    people: Vec<PersonRow>,
}

struct MessageRow {
    id: i64,
    conversation: i64,
    number: i64,
    by_visitor: bool,
    data: String,
    words: String,
    facets: String,
    at: i64,
}

struct HeadRow {
    id: i64,
    data: String,
    active_at: i64,
    state: &'static str,
    assignee: i64,
    waiting_since: Option<i64>,
    unread: i64,
    preview: String,
    last: i64,
}

struct PersonRow {
    id: i64,
    contact: String,
    visitor: String,
    name: String,
    email: String,
    pages: String,
}

impl Raw {
    /// Makes the schema as the product does, then opens it by itself.
    pub(crate) fn open(directory: &Path, key: &Key, is_encrypted: bool) -> Self {
        drop(Cache::open(directory, key).unwrap());
        let connection = Connection::open(directory.join("cache.db")).unwrap();
        if is_encrypted {
            let digits: String = key.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            let words = format!("PRAGMA key = \"x'{digits}'\"; PRAGMA cipher_hmac_algorithm = HMAC_SHA256");
            connection.execute_batch(&words).unwrap();
        }
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;
                 PRAGMA cache_size = -8192;",
            )
            .unwrap();
        connection.set_prepared_statement_cache_capacity(64);
        Self { connection }
    }

    /// Inserts rows, one transaction for each.
    pub(crate) fn insert(&mut self, rows: &[Rows]) -> Took {
        timed(|| {
            for rows in rows {
                self.transaction(rows);
            }
        })
        .1
    }

    fn transaction(&mut self, rows: &Rows) {
        let transaction = self.connection.transaction().unwrap();
        {
            let prepare = |sql: &str| transaction.prepare_cached(sql).unwrap();
            let mut insert = prepare(
                "INSERT INTO message (id, conversation, number, rev, by_visitor, data, words, facets, at)
                 VALUES (?1, ?2, ?3, ?1, ?4, ?5, ?6, ?7, ?8)",
            );
            let mut index = prepare("INSERT INTO message_words (rowid, words, facets) VALUES (?1, ?2, ?3)");
            for row in &rows.messages {
                let place = params![
                    row.id,
                    row.conversation,
                    row.number,
                    row.by_visitor,
                    row.data,
                    row.words,
                    row.facets,
                    row.at
                ];
                insert.execute(place).unwrap();
                index.execute(params![row.id, row.words, row.facets]).unwrap();
            }
            let mut entity = prepare("INSERT INTO entity (kind, id, rev, data) VALUES (?1, ?2, 1, ?3)");
            let mut person = prepare(
                "INSERT INTO person_words (rowid, name, email, phone, notes, pages) VALUES (?1, ?2, ?3, '', '', ?4)",
            );
            for row in &rows.people {
                entity.execute(params!["contact", row.id, row.contact]).unwrap();
                entity.execute(params!["visitor", row.id, row.visitor]).unwrap();
                person.execute(params![row.id, row.name, row.email, row.pages]).unwrap();
            }
            let mut head = prepare(
                "INSERT INTO conversation (id, rev, data, contact, visitor, created_at, active_at, state, assignee,
                     waiting_since, unread, preview)
                 VALUES (?1, 1, ?2, ?1, ?1, ?3, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (id) DO UPDATE SET data = excluded.data, active_at = excluded.active_at,
                     state = excluded.state, waiting_since = excluded.waiting_since, unread = excluded.unread,
                     preview = excluded.preview",
            );
            let mut coverage =
                prepare("INSERT OR REPLACE INTO coverage (conversation, first, last) VALUES (?1, 1, ?2)");
            for row in &rows.heads {
                head.execute(params![
                    row.id,
                    row.data,
                    row.active_at,
                    row.state,
                    row.assignee,
                    row.waiting_since,
                    row.unread,
                    row.preview
                ])
                .unwrap();
                coverage.execute(params![row.id, row.last]).unwrap();
            }
            prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('seq', '1')").execute([]).unwrap();
        }
        transaction.commit().unwrap();
    }
}

/// The rows of messages, so many in a transaction.
pub(crate) fn rows(chats: &Chats, said: &[Said], size: usize) -> Vec<Rows> {
    said.chunks(size).map(|said| rows_of(chats, said)).collect()
}

fn rows_of(chats: &Chats, said: &[Said]) -> Rows {
    let messages = said.iter().map(|one| {
        let message = message(one);
        MessageRow {
            id: one.id,
            conversation: one.conversation,
            number: one.number,
            by_visitor: one.agent.is_none(),
            data: serde_json::to_string(&message).unwrap(),
            words: fold(&words(&message)),
            facets: facets(&message),
            at: one.at,
        }
    });
    let heads = last_of_each(said).into_iter().map(|last| {
        let head = head(chats, last);
        HeadRow {
            id: last.conversation,
            active_at: head.active_at,
            state: if chats.is_open(last.conversation) { "open" } else { "closed" },
            assignee: head.assignee.map_or(0, |agent| agent.0),
            waiting_since: head.waiting_since,
            unread: last.number / 2,
            preview: format!(
                r#"{{"author":{{"who":"visitor"}},"kind":"reply","text":"{}","file":null}}"#,
                last.text.chars().take(160).collect::<String>()
            ),
            last: last.number,
            data: serde_json::to_string(&head).unwrap(),
        }
    });
    let people = said.iter().filter(|one| one.number == 1).map(|one| {
        let [contact, visitor] = people(chats, one);
        let (Entity::Contact(person), Entity::Visitor(browser)) = (&contact, &visitor) else { unreachable!() };
        let pages: Vec<String> = browser.pages.iter().map(|page| format!("{} {}", page.title, page.url)).collect();
        PersonRow {
            id: one.conversation,
            name: fold(&person.name),
            email: fold(&person.email),
            pages: fold(&pages.join("\n")),
            contact: contact.encode().unwrap().2.as_str().to_owned(),
            visitor: visitor.encode().unwrap().2.as_str().to_owned(),
        }
    });
    Rows { messages: messages.collect(), heads: heads.collect(), people: people.collect() }
}
