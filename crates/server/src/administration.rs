//! Setting a desk up: agents, sites and texts.

use std::sync::Arc;

use deskbell_protocol::http::{NewCannedText, SignedIn};
use deskbell_protocol::{AgentId, Refusal, TextOwner};
use serde::Deserialize;

use crate::canned_texts::put;
use crate::desk::Core;
use crate::operations::{self, Erased, Known, Person};
use crate::people::Actor;
use crate::store::batch::Write;
use crate::store::{Failure, Outcome, agents, canned_texts};
use crate::{accounts, origin, tokens};

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

    /// Gives a new desk three prepared texts in a language (`en`, `es` or `ru`; a tag with a region will do, others
    /// fall back to English). A desk that has such texts is left alone.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn seed(&self, language: &str) -> Result<(), Refusal> {
        let wanted = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        self.write(move |write| {
            if !canned_texts::ids(write.connection)?.is_empty() {
                return Ok(());
            }
            let mut all: std::collections::BTreeMap<String, Vec<Prepared>> = serde_json::from_str(CANNED_TEXTS)?;
            let texts = all.remove(&wanted).or_else(|| all.remove("en")).unwrap_or_default();
            for Prepared { shortcut, title, text } in texts {
                put(write, NewCannedText { owner: TextOwner::Desk, shortcut, title, text, attachments: Vec::new() })?;
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
