//! Setting a desk up: agents, sites and texts.

use std::sync::Arc;

use deskbell_protocol::http::SignedIn;
use deskbell_protocol::{AgentId, CannedText, CannedTextId, EntityKind, MESSAGE_TEXT_MAX, Refusal};
use serde::Deserialize;

use crate::desk::Core;
use crate::operations::{self, Erased, Known, Person};
use crate::people::Actor;
use crate::store::batch::Write;
use crate::store::{Failure, Outcome, agents, sites};
use crate::{accounts, origin, text, tokens};

/// Most origins of one site.
const ORIGINS_MAX: usize = 50;

/// The texts a new desk starts with, by language.
const CANNED_TEXTS: &str = include_str!("../data/canned_texts.json");

#[derive(Deserialize)]
struct Prepared {
    shortcut: String,
    title: String,
    text: String,
}

/// Changes what a desk is made of. Every change reaches the agents who are connected.
pub struct Administration {
    pub(crate) core: Arc<Core>,
    pub(crate) actor: Actor,
}

pub(crate) fn refuse(failure: Failure) -> Refusal {
    failure.into_refusal()
}

/// Origins as they are compared, each once.
pub(crate) fn origins(given: &[String]) -> Result<Vec<String>, Refusal> {
    if given.len() > ORIGINS_MAX {
        return Err(Refusal::invalid("origins", &format!("at most {ORIGINS_MAX}")));
    }
    let mut origins: Vec<String> = Vec::with_capacity(given.len());
    for given in given {
        let rule = "must be origins such as https://shop.example, without a path";
        let origin = origin::normalise(given.trim()).ok_or_else(|| Refusal::invalid("origins", rule))?;
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    Ok(origins)
}

fn put_canned_text(write: &mut Write<'_>, shortcut: &str, title: &str, body: &str) -> Outcome<CannedText> {
    let shortcut = text::field("shortcut", shortcut, 50)?;
    if shortcut.is_empty() || shortcut.contains(|letter: char| letter.is_whitespace() || letter == '#') {
        return Err(Refusal::invalid("shortcut", "must be one word without #").into());
    }
    if sites::has_shortcut(write.connection, &shortcut)? {
        return Err(Refusal::invalid("shortcut", "is taken").into());
    }
    let added = CannedText {
        id: CannedTextId(write.new_id()),
        shortcut,
        title: text::named("title", title)?,
        text: text::long_field("text", body, MESSAGE_TEXT_MAX)?,
    };
    sites::add_canned_text(write.connection, &added)?;
    write.touch(EntityKind::CannedText, added.id.0)?;
    Ok(added)
}

impl Administration {
    pub(crate) fn new(core: Arc<Core>, actor: Actor) -> Self {
        Self { core, actor }
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Write<'_>) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.core.writer.submit(work).await.map_err(refuse)
    }

    /// Whether the desk has no agent yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn is_empty(&self) -> Result<bool, Refusal> {
        self.core.readers.read(|connection| Ok(agents::ids(connection)?.is_empty())).await.map_err(refuse)
    }

    /// A password nobody knows, for an agent who is only ever signed in by [`Self::sign_in_locally`].
    pub fn random_password(&self) -> String {
        tokens::secret()
    }

    /// Adds a prepared text.
    ///
    /// # Errors
    /// `invalid`, with the field, when a field breaks a rule or the shortcut is taken.
    pub async fn add_canned_text(&self, shortcut: &str, title: &str, body: &str) -> Result<CannedText, Refusal> {
        let (shortcut, title, body) = (shortcut.to_owned(), title.to_owned(), body.to_owned());
        self.write(move |write| put_canned_text(write, &shortcut, &title, &body)).await
    }

    /// Gives a new desk three prepared texts in a language (`en`, `es` or `ru`; a tag with a region will do, others
    /// fall back to English). A desk that has such texts is left alone.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn seed(&self, language: &str) -> Result<(), Refusal> {
        let wanted = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        self.write(move |write| {
            if !sites::canned_text_ids(write.connection)?.is_empty() {
                return Ok(());
            }
            let mut all: std::collections::BTreeMap<String, Vec<Prepared>> = serde_json::from_str(CANNED_TEXTS)?;
            let texts = all.remove(&wanted).or_else(|| all.remove("en")).unwrap_or_default();
            for Prepared { shortcut, title, text } in texts {
                put_canned_text(write, &shortcut, &title, &text)?;
            }
            Ok(())
        })
        .await
    }

    /// All that the desk knows of a person, but the files.
    ///
    /// # Errors
    /// `not_found` when there is no such person; `invalid` when an address belongs to several.
    pub async fn known(&self, person: Person) -> Result<Known, Refusal> {
        operations::known(&self.core, person, self.actor.clone()).await.map_err(refuse)
    }

    /// Erases a person from the desk, from every agent's computer, and from the disk.
    ///
    /// # Errors
    /// `not_found` when there is no such person; `invalid` when an address belongs to several.
    pub async fn erase(&self, person: Person) -> Result<Erased, Refusal> {
        operations::erase(&self.core, person, self.actor.clone()).await.map_err(refuse)
    }

    /// Signs an agent in without a password, for a desk inside the agent's own app.
    ///
    /// # Errors
    /// `not_found` when there is no such agent.
    pub async fn sign_in_locally(&self, agent: AgentId, device: &str) -> Result<SignedIn, Refusal> {
        accounts::sign_in_locally(&self.core, agent, device.to_owned()).await.map_err(refuse)
    }
}
