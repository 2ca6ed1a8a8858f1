//! Prepared texts: written by agents for themselves, by supervisors for their teams, and by admins for the desk.

use std::sync::Arc;

use deskbell_protocol::http::{CannedTextEdit, NewCannedText};
use deskbell_protocol::{AttachmentId, CannedText, CannedTextId, MESSAGE_TEXT_MAX, Refusal, TextOwner, placeholder};

use crate::administration::{Administration, refuse};
use crate::authorize::{Action, Object, Principal};
use crate::people::Actor;
use crate::store::batch::Write;
use crate::store::{Connection, Failure, Outcome, canned_texts, files, teams};
use crate::text;

/// Longest shortcut, in characters.
const SHORTCUT_MAX: usize = 50;
/// Most texts of one owner: the picker looks at all that an agent sees with each letter that is typed.
const OF_ONE_OWNER_MAX: usize = 1_000;
/// Most files of one text: they go with a message, which may have a few more.
const FILES_MAX: usize = 5;

/// What it takes to change a text of an owner.
fn edits(owner: TextOwner) -> Action {
    match owner {
        TextOwner::Desk => Action::EditDeskTexts,
        TextOwner::Team { .. } => Action::EditTeamTexts,
        TextOwner::Agent { .. } => Action::EditOwnTexts,
    }
}

/// Lets pass whoever may change the texts of an owner.
fn may_edit(actor: &Actor, connection: &Connection, owner: TextOwner) -> Outcome<()> {
    let own = match actor.id() {
        Some(agent) => canned_texts::is_own(connection, agent, owner)?,
        None => false,
    };
    actor.may_with(connection, edits(owner), Object::CannedText { own })
}

/// A text without slips, in place of `before`.
fn checked(write: &Write<'_>, before: CannedText, edit: &CannedTextEdit) -> Outcome<CannedText> {
    let CannedTextEdit { shortcut, title, text: body, attachments: _ } = edit;
    let shortcut = match shortcut {
        Some(shortcut) => text::field("shortcut", shortcut, SHORTCUT_MAX)?,
        None => before.shortcut,
    };
    if shortcut.is_empty() || shortcut.contains(|letter: char| letter.is_whitespace() || matches!(letter, '#' | '№'))
    {
        return Err(Refusal::invalid("shortcut", "must be one word without #").into());
    }
    let taken = canned_texts::with_shortcut(write.connection, before.owner, &shortcut)?;
    if taken.is_some_and(|other| other != before.id) {
        return Err(Refusal::invalid("shortcut", "is taken").into());
    }
    let title = match title {
        Some(title) => text::named("title", title)?,
        None => before.title,
    };
    let body = match body {
        Some(body) => text::long_field("text", body, MESSAGE_TEXT_MAX)?,
        None => before.text,
    };
    if body.trim().is_empty() {
        return Err(Refusal::invalid("text", "must not be empty").into());
    }
    let unknown = placeholder::unknown(&body);
    if !unknown.is_empty() {
        let known = placeholder::Placeholder::ALL.map(|known| format!("{{{}}}", known.name())).join(", ");
        let rule = format!("has {}, which is no placeholder; there are {known}", unknown.join(", "));
        return Err(Refusal::invalid("text", &rule).into());
    }
    Ok(CannedText { shortcut, title, text: body, ..before })
}

/// Gives a text the files that it is to have: those it has already, and ones that the actor has uploaded. The others go.
fn set_files(write: &Write<'_>, actor: &Actor, text: CannedText, wanted: &[AttachmentId]) -> Outcome<CannedText> {
    if wanted.len() > FILES_MAX {
        return Err(Refusal::invalid("attachments", &format!("are {FILES_MAX} at the most")).into());
    }
    let uploader = actor.id().map(|agent| Principal::Agent(agent).key());
    for file in text.attachments.iter().filter(|file| !wanted.contains(&file.id)) {
        files::drop_of_canned_text(write.connection, file.id, text.id)?;
    }
    for id in wanted.iter().filter(|id| text.attachments.iter().all(|file| file.id != **id)) {
        let given = match uploader {
            Some(uploader) => files::attach_to_canned_text(write.connection, *id, text.id, uploader)?,
            None => false,
        };
        if !given {
            let rule = format!("names {id}, which is no file of yours that waits to be sent; upload it again");
            return Err(Refusal::invalid("attachments", &rule).into());
        }
    }
    Ok(CannedText { attachments: files::of_canned_text(write.connection, text.id)?, ..text })
}

/// What reading a file of a text is: for its own people alone.
pub(crate) fn file_object(connection: &Connection, principal: &Principal, text: CannedTextId) -> Outcome<Object> {
    let own = match (canned_texts::find(connection, text)?, principal) {
        (Some(text), Principal::Agent(agent)) => canned_texts::sees(connection, *agent, text.owner)?,
        _ => false,
    };
    Ok(Object::CannedText { own })
}

/// Stores a new text, without files.
pub(crate) fn put(write: &mut Write<'_>, new: NewCannedText) -> Outcome<CannedText> {
    let NewCannedText { owner, shortcut, title, text, attachments: _ } = new;
    if canned_texts::of(write.connection, owner)?.len() >= OF_ONE_OWNER_MAX {
        let rule = format!("has {OF_ONE_OWNER_MAX} texts already; delete one that nobody needs");
        return Err(Refusal::invalid("owner", &rule).into());
    }
    let id = CannedTextId(write.new_id());
    let empty = CannedText {
        id,
        owner,
        shortcut: String::new(),
        title: String::new(),
        text: String::new(),
        uses: 0,
        attachments: Vec::new(),
    };
    let edit = CannedTextEdit { shortcut: Some(shortcut), title: Some(title), text: Some(text), attachments: None };
    let added = checked(write, empty, &edit)?;
    canned_texts::add(write, &added)?;
    Ok(added)
}

/// Writes down a change of what others see too.
fn did(write: &mut Write<'_>, actor: &Actor, action: &str, text: &CannedText) -> Outcome<()> {
    match text.owner {
        TextOwner::Agent { .. } => Ok(()),
        TextOwner::Desk | TextOwner::Team { .. } => {
            actor.did(write, action, "canned_text", Some(text.id.0), format!("#{}", text.shortcut))
        }
    }
}

/// A text that an actor may change. One that they may only read is there, but refuses like one that is not.
fn editable(actor: &Actor, connection: &Connection, id: CannedTextId) -> Outcome<CannedText> {
    let found = canned_texts::find(connection, id)?.ok_or_else(|| Failure::not_found("prepared text"))?;
    may_edit(actor, connection, found.owner)?;
    Ok(found)
}

impl Administration {
    /// The prepared texts that whoever asks sees or may change, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn canned_texts(&self) -> Result<Vec<CannedText>, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            let mut found = Vec::new();
            for id in canned_texts::ids(connection)? {
                let Some(text) = canned_texts::find(connection, CannedTextId(id))? else { continue };
                let seen = match actor.id() {
                    Some(agent) => canned_texts::sees(connection, agent, text.owner)?,
                    None => true,
                };
                if seen || may_edit(&actor, connection, text.owner).is_ok() {
                    found.push(text);
                }
            }
            Ok(found)
        });
        read.await.map_err(refuse)
    }

    /// Adds a prepared text.
    ///
    /// # Errors
    /// `not_found` without the right to it; `invalid`, with the field, when a field breaks a rule, the shortcut is taken,
    /// a placeholder is unknown or a file is not there to be given.
    pub async fn add_canned_text(&self, new: NewCannedText) -> Result<CannedText, Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            may_edit(&actor, write.connection, new.owner)?;
            if let TextOwner::Team { team } = new.owner
                && teams::find(write.connection, team)?.is_none()
            {
                return Err(Failure::not_found("team"));
            }
            let files = new.attachments.clone();
            let added = put(write, new)?;
            let added = set_files(write, &actor, added, &files)?;
            did(write, &actor, "add", &added)?;
            Ok(added)
        })
        .await
    }

    /// Changes a prepared text; what is left out stays.
    ///
    /// # Errors
    /// See [`Self::add_canned_text`].
    pub async fn edit_canned_text(&self, id: CannedTextId, edit: CannedTextEdit) -> Result<CannedText, Refusal> {
        let (actor, hub) = (self.actor.clone(), Arc::clone(&self.core.hub));
        self.write(move |write| {
            let before = editable(&actor, write.connection, id)?;
            let mut now = checked(write, before.clone(), &edit)?;
            if let Some(wanted) = &edit.attachments {
                now = set_files(write, &actor, now, wanted)?;
            }
            if now != before {
                canned_texts::edit(write, &now)?;
                did(write, &actor, "edit", &now)?;
                write.then(move || hub.deleted.notify_one());
            }
            Ok(now)
        })
        .await
    }

    /// Deletes a prepared text.
    ///
    /// # Errors
    /// `not_found` when there is no such text, or no right to it.
    pub async fn delete_canned_text(&self, id: CannedTextId) -> Result<(), Refusal> {
        let (actor, hub) = (self.actor.clone(), Arc::clone(&self.core.hub));
        self.write(move |write| {
            let found = editable(&actor, write.connection, id)?;
            canned_texts::drop(write, id)?;
            write.then(move || hub.deleted.notify_one());
            did(write, &actor, "delete", &found)
        })
        .await
    }
}
