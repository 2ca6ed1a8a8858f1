//! Hands out, and erases, all that is known of one person.

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use deskbell_protocol::{Author, MessageKind};

use super::{DATABASE, FILES, Known, OperationError, Person, database, file_store, flush_directory, make_private};
use crate::authorize::Action;
use crate::desk::Core;
use crate::housekeeping;
use crate::people::Actor;
use crate::store::backup::{Copy, finish};
use crate::store::people::{self, Erased};
use crate::store::{Outcome, files as rows};

/// In which form messages are handed out, beside the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Everything, in `person.json`.
    #[default]
    Json,
    /// The messages as a table for a spreadsheet, in `messages.csv`, beside `person.json`.
    Csv,
}

/// How long whoever erases somebody waits for the bytes of files. What is left goes by itself.
const FILES_PATIENCE: Duration = Duration::from_secs(20);

/// What was handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Messages and notes.
    pub messages: usize,
    /// Files of messages.
    pub files: usize,
    /// Files that rows name and that do not lie where they should.
    pub missing: usize,
}

/// Hands out all that is known of a person, but the files, and writes down that it was done.
pub(crate) async fn known(core: &Core, person: Person, actor: Actor) -> Outcome<Known> {
    let audited = core.writer.submit(move |write| {
        actor.may(write.connection, Action::ExportPerson)?;
        let (contact, _) = people::find(write.connection, &person)?;
        actor.did(write, "export", "contact", Some(contact.0), String::new())?;
        Ok(Person::Contact(contact))
    });
    let person = audited.await?;
    core.readers.read(move |connection| people::known(connection, &person)).await
}

/// Erases a person, tells everybody who is connected, removes the files, and writes down that it was done. Whoever drops
/// this in the middle leaves erased words on the disk until the next start.
pub(crate) async fn erase(core: &Core, person: Person, actor: Actor) -> Outcome<Erased> {
    let erased = core.writer.submit(move |write| {
        actor.may(write.connection, Action::ErasePerson)?;
        let (kind, id) = match people::find(write.connection, &person)? {
            (_, Some(visitor)) => ("visitor", visitor.0),
            (contact, None) => ("contact", contact.0),
        };
        let erased = people::erase(write, &person)?;
        let Erased { visitors, conversations, messages, files, .. } = &erased;
        let detail = format!(
            "browsers: {visitors}, conversations: {conversations}, messages: {messages}, files: {}",
            files.len()
        );
        actor.did(write, "erase", kind, Some(id), detail)?;
        Ok(erased)
    });
    let erased = erased.await?;
    // Until the log has gone into the database, its old pages would still hold what was erased.
    core.erased_in_log.store(true, Ordering::Release);
    if !empty_log(core).await {
        core.hub.deleted.notify_one();
    }
    let Erased { visitors, conversations, messages, files, uploads } = &erased;
    for file in uploads {
        core.files.remove_incoming(file).await;
    }
    let names = [files.as_slice(), uploads].concat();
    if !matches!(tokio::time::timeout(FILES_PATIENCE, housekeeping::remove(core, &names)).await, Ok(Ok(()))) {
        tracing::warn!("not all files of the person could be removed; it is tried again");
        core.hub.deleted.notify_one();
    }
    tracing::info!(visitors, conversations, messages, files = files.len(), "a person was erased");
    Ok(erased)
}

/// Empties the database's log of what was erased. False: it may still hold some, which is tried again.
pub(crate) async fn empty_log(core: &Core) -> bool {
    // Before the log is read: whoever is erased meanwhile says so again.
    core.erased_in_log.store(false, Ordering::Release);
    let database = core.settings.data.join(DATABASE);
    let emptied = tokio::task::spawn_blocking(move || finish(&database)).await;
    if matches!(emptied, Ok(Ok(true))) {
        return true;
    }
    core.erased_in_log.store(true, Ordering::Release);
    tracing::warn!(?emptied, "the database's log could not be emptied and may hold erased words; it is tried again");
    false
}

/// Writes all that a desk knows of a person into the new directory `to`: `person.json`, the table if it is asked for,
/// and the files under their ids. The desk may be served meanwhile. Blocks on the disk.
///
/// # Errors
/// [`OperationError`]; what was written by then stays.
pub async fn export(data: &Path, person: &Person, to: &Path, format: Format) -> Result<Export, OperationError> {
    let desk = Copy::read_only(&database(data)?)?;
    let known = desk.known(person).map_err(|failure| OperationError::Refused(failure.into_refusal().message))?;
    if to.try_exists().map_err(OperationError::io(to))? {
        return Err(OperationError::Exists(to.display().to_string()));
    }
    let store = file_store(data)?;
    let directory = to.join(FILES);
    std::fs::create_dir_all(&directory).map_err(OperationError::io(&directory))?;
    write(&to.join("person.json"), &serde_json::to_vec_pretty(&known).unwrap_or_default())?;
    if format == Format::Csv {
        write(&to.join("messages.csv"), csv(&known).as_bytes())?;
    }
    let mut export = Export { messages: 0, files: 0, missing: 0 };
    for message in known.conversations.iter().flat_map(|known| &known.messages) {
        export.messages += 1;
        for attachment in &message.attachments {
            let Some(stored) = desk.stored(attachment.id)? else { continue };
            match store.read(&stored.file).await.map_err(OperationError::files(&store, &stored.file))? {
                Some(bytes) => {
                    write(&directory.join(file_name(&stored)), &bytes)?;
                    export.files += 1;
                }
                None => export.missing += 1,
            }
        }
    }
    flush_directory(to)?;
    Ok(export)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), OperationError> {
    let written = std::fs::File::create_new(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(OperationError::io(path))?;
    make_private(path)
}

/// The id, which is unique, and the ending; the rest of the name is the sender's and stands in the JSON.
fn file_name(stored: &rows::Stored) -> String {
    let ending = Path::new(&stored.attachment.name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let ending: String = ending.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    if ending.is_empty() { stored.attachment.id.to_string() } else { format!("{}.{ending}", stored.attachment.id) }
}

/// A cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let begins = text.trim_start_matches(' ').chars().next();
    let formula = matches!(begins, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'));
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}

/// The messages, one a line, as RFC 4180 has it.
pub(crate) fn csv(known: &Known) -> String {
    let mut lines = String::from(
        "\"conversation\",\"number\",\"milliseconds\",\"author\",\"kind\",\"text\",\"files\",\"article\"\r\n",
    );
    for message in known.conversations.iter().flat_map(|known| &known.messages) {
        let author = match &message.author {
            Author::Visitor => known.contact.name.as_str(),
            Author::Agent { name, .. } => name.as_str(),
            _ => "",
        };
        let kind = match message.kind {
            MessageKind::Reply => "reply",
            MessageKind::Note => "note",
            _ => "system",
        };
        let names: Vec<&str> = message.attachments.iter().map(|attachment| attachment.name.as_str()).collect();
        let article = message.article.as_ref().map(|card| card.title.as_str()).unwrap_or_default();
        let numbers = [message.conversation.0, message.number, message.created_at];
        let mut cells: Vec<String> = numbers.iter().map(|number| cell(&number.to_string())).collect();
        cells.extend([author, kind, &message.text, &names.join("; "), article].map(cell));
        lines.push_str(&cells.join(","));
        lines.push_str("\r\n");
    }
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskbell_protocol::{Contact, ContactId};
    use tokio::sync::oneshot;

    use super::*;
    use crate::store::{log, visitors};
    use crate::{Desk, Settings};

    #[tokio::test]
    async fn dc_01_erased_words_leave_the_log_of_the_database_once_nobody_reads_there_any_more() {
        let directory = tempfile::tempdir().unwrap();
        let desk = Desk::open(Settings { data: directory.path().to_owned(), ..Settings::default() }).unwrap();
        let core = desk.core();
        let holds = || {
            let files = ["desk.db", "desk.db-wal"].map(|name| std::fs::read(directory.path().join(name)).unwrap());
            files.iter().any(|bytes| bytes.windows(8).any(|word| word.eq_ignore_ascii_case(b"zanzibar")))
        };
        let stored = core.writer.submit(|write| {
            let mut ids = Vec::new();
            for name in ["Vic Zanzibar", "Wen"] {
                let id = ContactId(write.new_id());
                visitors::add_contact(write.connection, id, write.now)?;
                let (name, email, phone, notes) = (name.to_owned(), String::new(), String::new(), String::new());
                let person = Contact { id, name, email, phone, notes, created_at: write.now, verified: None };
                visitors::edit_contact(write.connection, &person)?;
                ids.push(id);
            }
            Ok(ids)
        });
        let vic = stored.await.unwrap()[0];
        assert!(holds(), "this test looks in the wrong place");
        // A backup reads the desk as it was.
        let ((begun, has_begun), (go_on, held)) = (oneshot::channel(), std::sync::mpsc::channel::<()>());
        let reading = core.readers.read(move |connection| {
            log::desk(connection)?;
            let _ = begun.send(());
            let _ = held.recv();
            Ok(())
        });
        let erasing = async {
            has_begun.await.unwrap();
            erase(core, Person::Contact(vic), Actor::command_line()).await.unwrap();
            assert!(holds(), "this test proves nothing where nobody stands in the way");
            go_on.send(()).unwrap();
        };
        let (read, ()) = tokio::join!(reading, erasing);
        read.unwrap();
        housekeeping::clear(core, 0).await.unwrap();
        assert!(!holds(), "words of somebody who was erased stay on the disk");
    }

    #[test]
    fn dc_01_a_cell_of_a_table_is_never_a_formula() {
        for (text, expected) in [
            ("Tea", "\"Tea\""),
            ("say \"tea\"", "\"say \"\"tea\"\"\""),
            ("=1+1", "\"'=1+1\""),
            (" =HYPERLINK(\"x\")", "\"' =HYPERLINK(\"\"x\"\")\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("-2", "\"'-2\""),
            ("\t=1", "\"'\t=1\""),
            ("＝1", "\"'＝1\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }

    #[test]
    fn dc_01_the_table_names_the_files_and_the_article_of_a_message() {
        let known: Known = serde_json::from_value(serde_json::json!({
            "contact": {"id": 1, "name": "Vic", "email": "", "phone": "", "notes": "", "created_at": 0},
            "visitors": [],
            "conversations": [{
                "conversation": {
                    "id": 7, "kind": "customer", "contact": 1, "visitor": 2, "site": 3, "state": "open", "assignee": null,
                    "last_number": 1, "waiting_since": null, "created_at": 5, "active_at": 5, "visitor_read": 0,
                },
                "messages": [{
                    "id": 9, "conversation": 7, "number": 1, "author": {"who": "agent", "id": 4, "name": "Ann"},
                    "kind": "reply", "text": "", "client_id": null, "created_at": 5,
                    "attachments": [{"id": 8, "name": "teapot.txt", "mime": "text/plain", "size": 3}],
                    "article": {"id": 6, "title": "How to brew", "summary": "Boil.", "language": "en"},
                }],
                "versions": [],
            }],
        }))
        .unwrap();
        let row = "\"7\",\"1\",\"5\",\"Ann\",\"reply\",\"\",\"teapot.txt\",\"How to brew\"";
        assert_eq!(csv(&known).lines().nth(1), Some(row));
    }
}
