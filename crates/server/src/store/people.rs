//! Everything about one person: to hand it out, and to erase it.

use std::collections::HashSet;

use deskbell_protocol::http::MessageVersion;
use deskbell_protocol::{
    Contact, ContactId, Conversation, ConversationId, EntityKind, Item, Message, MessageId, PageView, Visitor,
    VisitorId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::batch::Write;
use super::database::{self, Connection, Reference, Row, params};
use super::{
    Failure, Outcome, conversations, entities, files, items, log, merges, queries, uploads, visitors, webhooks,
};

queries! {
    BY_EMAIL = "SELECT id FROM contact WHERE id > 0 AND email <> '' AND lower(email) = lower(?1) ORDER BY id";
    VISITORS = "SELECT id FROM visitor WHERE contact = ?1";
    CONVERSATIONS = "SELECT id FROM conversation WHERE contact = ?1";
    MESSAGES = "SELECT id FROM message WHERE conversation = ?1 ORDER BY number";
    PAGES = "SELECT url, title, at FROM page_view WHERE visitor = ?1 ORDER BY id";
    UPLOADS = "SELECT id FROM attachment WHERE uploader_kind = 2 AND uploader IN (SELECT value FROM json_each(?1))";
    FILE = "SELECT file FROM attachment WHERE id = ?1";
    DROP_COMMANDS = "DELETE FROM command WHERE sender_kind = 2 AND sender IN (SELECT value FROM json_each(?1))";
    DROP_CHANGES = "DELETE FROM change WHERE entity = ?1 AND id IN (SELECT value FROM json_each(?2))";
    DROP_MESSAGE_WORDS = "DELETE FROM message_words WHERE rowid = ?1";
    DROP_CONTACT_WORDS = "DELETE FROM contact_words WHERE rowid = ?1";
    DROP_PAGE_WORDS = "DELETE FROM page_words WHERE rowid = ?1";
}

/// Who is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Person {
    /// One browser. When it is the person's only one, all that is known of the person.
    Visitor(VisitorId),
    /// A person with all browsers they used.
    Contact(ContactId),
    /// The person with this address, in any spelling of case.
    Email(String),
}

/// All that a desk knows of one person.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Known {
    /// What the team knows.
    pub contact: Contact,
    /// The browsers they used.
    pub visitors: Vec<KnownVisitor>,
    /// Their conversations, oldest first, with notes of the team.
    pub conversations: Vec<KnownConversation>,
    /// The items that are about them, oldest first.
    #[serde(default)]
    pub items: Vec<Item>,
}

/// One browser of a person.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KnownVisitor {
    /// The browser, with the last pages.
    pub visitor: Visitor,
    /// Every page that is stored, oldest first.
    pub pages: Vec<PageView>,
}

/// A conversation with all its messages.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KnownConversation {
    /// The conversation.
    pub conversation: Conversation,
    /// Its messages, oldest first.
    pub messages: Vec<Message>,
    /// What messages said before they were edited or deleted, in the same order.
    pub versions: Vec<KnownVersion>,
}

/// What a message said before.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KnownVersion {
    /// Which message.
    pub message: MessageId,
    /// What it said.
    #[serde(flatten)]
    pub version: MessageVersion,
}

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Browsers.
    pub visitors: usize,
    /// Conversations.
    pub conversations: usize,
    /// Messages and notes.
    pub messages: usize,
    /// The names of their files, whose bytes are removed after the commit.
    pub files: Vec<String>,
    /// Likewise of files that were on their way, or have just arrived.
    pub uploads: Vec<String>,
}

fn ids(connection: &Connection, sql: &str, of: i64) -> database::Result<Vec<i64>> {
    connection.all(sql, params![of], |row| row.get(0))
}

/// The person's row. For a visitor who shares it with another browser, the second value is that visitor alone.
pub(crate) fn find(connection: &Connection, person: &Person) -> Outcome<(ContactId, Option<VisitorId>)> {
    match person {
        Person::Contact(id) => match visitors::find_contact(connection, merges::resolve(connection, *id)?)? {
            Some(contact) => Ok((contact.id, None)),
            None => Err(Failure::not_found("contact")),
        },
        Person::Visitor(id) => {
            let found = visitors::find(connection, *id)?.ok_or_else(|| Failure::not_found("visitor"))?;
            let alone = ids(connection, VISITORS, found.contact.0)?.len() == 1;
            Ok((found.contact, (!alone).then_some(found.id)))
        }
        Person::Email(email) => {
            let found: Vec<i64> = connection.all(BY_EMAIL, params![email], |row| row.get(0))?;
            match found.as_slice() {
                [] => Err(Failure::not_found("contact")),
                [one] => Ok((ContactId(*one), None)),
                [first, ..] => {
                    let words =
                        format!("{} contacts have this address, {first} among them; name one by its id", found.len());
                    Err(deskbell_protocol::Refusal::invalid("email", &words).into())
                }
            }
        }
    }
}

/// Everything about a person. A visitor's is their contact's, with all browsers.
pub(crate) fn known(connection: &Connection, person: &Person) -> Outcome<Known> {
    let (contact, _) = find(connection, person)?;
    let mut known = Known {
        contact: visitors::find_contact(connection, contact)?.ok_or_else(|| Failure::not_found("contact"))?,
        visitors: Vec::new(),
        conversations: Vec::new(),
        items: items::of_contact(connection, contact)?,
    };
    for id in ids(connection, VISITORS, contact.0)? {
        let Some(visitor) = visitors::find(connection, VisitorId(id))? else { continue };
        let page = |row: &Row<'_>| Ok(PageView { url: row.get(0)?, title: row.get(1)?, at: row.get(2)? });
        known.visitors.push(KnownVisitor { visitor, pages: connection.all(PAGES, params![id], page)? });
    }
    for id in ids(connection, CONVERSATIONS, contact.0)? {
        let Some(conversation) = conversations::find(connection, ConversationId(id))? else { continue };
        let (mut messages, mut versions) = (Vec::new(), Vec::new());
        for message in ids(connection, MESSAGES, id)?.into_iter().map(MessageId) {
            messages.extend(conversations::find_message(connection, message)?);
            let before = conversations::versions(connection, message)?;
            versions.extend(before.into_iter().map(|version| KnownVersion { message, version }));
        }
        known.conversations.push(KnownConversation { conversation, messages, versions });
    }
    known.conversations.sort_by_key(|known| known.conversation.id);
    Ok(known)
}

/// Deletes a person's rows, search entries and traces in the log, and tells the log that they were erased. Rows of
/// tables that are added later go as well when they point to rows that go.
pub(crate) fn erase(write: &mut Write<'_>, person: &Person) -> Outcome<Erased> {
    let (contact, visitor) = find(write.connection, person)?;
    let visitors = match visitor {
        Some(visitor) => vec![visitor.0],
        None => ids(write.connection, VISITORS, contact.0)?,
    };
    let senders = serde_json::to_string(&visitors)?;
    let about = match visitor {
        Some(visitor) => items::about_visitor(write.connection, visitor)?,
        None => items::about_contact(write.connection, contact)?,
    };
    // Read before what they became goes, and they with it. A crash between a file's arrival and its row leaves one that
    // nothing else names.
    let uploads = uploads::of_visitors(write.connection, &senders)?;
    for file in &uploads {
        files::remove_later(write.connection, file)?;
    }
    let mut eraser = Eraser { write, erased: Erased { uploads, ..Erased::default() }, gone: HashSet::new() };
    // What was uploaded and never sent belongs to no message.
    let loose: Vec<i64> = eraser.write.connection.all(UPLOADS, params![senders], |row| row.get(0))?;
    match visitor {
        Some(visitor) => eraser.rows("visitor", &[visitor.0])?,
        None => eraser.rows("contact", &[contact.0])?,
    }
    eraser.rows("attachment", &loose)?;
    let connection = eraser.write.connection;
    for table in connection.tables_with("uploader")? {
        let sql = format!(
            "DELETE FROM {} WHERE uploader_kind = 2 AND uploader IN (SELECT value FROM json_each(?1))",
            quoted(&table)
        );
        connection.change(&sql, params![senders])?;
    }
    connection.change(DROP_COMMANDS, params![senders])?;
    webhooks::recount(connection)?;
    let erased = eraser.erased;
    // What the team has to do stays, and is about these conversations no more.
    for item in about {
        if items::find(write.connection, item)?.is_some() {
            write.touch(EntityKind::Item, item.0)?;
        }
    }
    Ok(erased)
}

/// Erases again what another database of this desk says was erased, after that was restored from a backup.
pub(crate) fn erased_in(connection: &Connection) -> database::Result<Vec<Person>> {
    let contacts = log::erased(connection, EntityKind::Contact)?.into_iter().map(|id| Person::Contact(ContactId(id)));
    let visitors = log::erased(connection, EntityKind::Visitor)?.into_iter().map(|id| Person::Visitor(VisitorId(id)));
    Ok(contacts.chain(visitors).collect())
}

/// The name of a table or a column, from the database's own schema, as SQL writes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

struct Eraser<'a, 'w> {
    write: &'a mut Write<'w>,
    erased: Erased,
    gone: HashSet<(String, i64)>,
}

impl Eraser<'_, '_> {
    /// Deletes rows with all rows that point to them.
    fn rows(&mut self, table: &str, ids: &[i64]) -> Outcome<()> {
        let ids: Vec<i64> = ids.iter().copied().filter(|id| self.gone.insert((table.to_owned(), *id))).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let list = serde_json::to_string(&ids)?;
        let connection = self.write.connection;
        for Reference { table: child, column, has_ids } in connection.references_to(table)? {
            let of = format!("FROM {} WHERE {} IN (SELECT value FROM json_each(?1))", quoted(&child), quoted(&column));
            if has_ids {
                let found: Vec<i64> = connection.all(&format!("SELECT id {of}"), params![list], |row| row.get(0))?;
                self.rows(&child, &found)?;
            } else {
                connection.change(&format!("DELETE {of}"), params![list])?;
            }
        }
        for id in &ids {
            self.traces(table, *id)?;
        }
        if table == "message" {
            // The conversation's own erasure takes its messages along, so the log need not keep them.
            connection.change(DROP_CHANGES, params![entities::kind_code(EntityKind::Message), list])?;
        }
        let sql = format!("DELETE FROM {} WHERE id IN (SELECT value FROM json_each(?1))", quoted(table));
        connection.change(&sql, params![list])?;
        Ok(())
    }

    /// What no key of the database leads to.
    fn traces(&mut self, table: &str, id: i64) -> Outcome<()> {
        let connection = self.write.connection;
        match table {
            "contact" => {
                connection.change(DROP_CONTACT_WORDS, params![id])?;
                self.write.erased(EntityKind::Contact, id)?;
            }
            "visitor" => {
                self.erased.visitors += 1;
                self.write.erased(EntityKind::Visitor, id)?;
            }
            "conversation" => {
                self.erased.conversations += 1;
                self.write.erased(EntityKind::Conversation, id)?;
                self.write.erased(EntityKind::ReadMark, id)?;
            }
            "message" => {
                self.erased.messages += 1;
                connection.change(DROP_MESSAGE_WORDS, params![id])?;
            }
            "item" => self.write.erased(EntityKind::Item, id)?,
            "page_view" => {
                connection.change(DROP_PAGE_WORDS, params![id])?;
            }
            "attachment" => {
                let file: String = connection.one(FILE, params![id], |row| row.get(0))?;
                files::remove_later(connection, &file)?;
                self.erased.files.push(file);
            }
            _ => {}
        }
        Ok(())
    }
}
