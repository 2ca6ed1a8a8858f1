//! Addresses that are told of what happens: who may set them up, and what is put into their queues. What is told stands in
//! the same transaction as what happened, so that neither is ever there without the other.

use std::sync::Arc;

use deskbell_protocol::http::{
    NewWebhook, Webhook, WebhookBody, WebhookContact, WebhookDeliveries, WebhookEdit, WebhookEvent, WebhookWithSecret,
};
use deskbell_protocol::{
    Contact, Conversation, ConversationState, ErrorCode, MessageId, MessageKind, Refusal, Timestamp,
};
use url::Url;

use crate::administration::{Administration, refuse};
use crate::authorize::Action;
use crate::people::Actor;
use crate::store::batch::Write;
use crate::store::webhooks::{self, Told};
use crate::store::{Connection, Failure, Outcome, conversations};
use crate::tokens;

/// Most webhooks of a desk.
const WEBHOOKS_MAX: usize = 20;
/// Most deliveries of a webhook that wait; beyond that it is switched off.
const WAITING_MAX: i64 = 10_000;
/// Most deliveries of one page.
const PAGE: u32 = 100;

/// Puts something into the queues of all who are told of it.
fn happened(write: &mut Write<'_>, told: WebhookBody) -> Outcome<()> {
    let mut listening = webhooks::list(write.connection)?;
    listening.retain(|webhook| webhook.active && webhook.events.contains(&told.event));
    if listening.is_empty() {
        return Ok(());
    }
    let body = serde_json::to_string(&told)?;
    let conversation = told.conversation.as_ref().map(|conversation| conversation.id);
    let told = Told { event: told.event, contact: told.contact.id, conversation, body: &body };
    for webhook in listening {
        if webhook.waiting >= WAITING_MAX {
            switch_off(write, webhook.id, &format!("{WAITING_MAX} deliveries wait"))?;
            continue;
        }
        let id = write.new_id();
        webhooks::queue(write.connection, id, webhook.id, &told, write.now)?;
    }
    Ok(())
}

/// Switches a webhook off that is of no use, and writes it down.
pub(crate) fn switch_off(write: &mut Write<'_>, webhook: i64, why: &str) -> Outcome<()> {
    webhooks::switch_off(write.connection, webhook)?;
    tracing::warn!(webhook, why, "a webhook was switched off");
    Actor::desk().did(write, "switch off", "webhook", Some(webhook), why.to_owned())
}

/// A person as they are told of.
fn shown(contact: &Contact) -> WebhookContact {
    let Contact { id, name, email, phone, verified, .. } = contact.clone();
    WebhookContact { id, name, email, phone, external_id: verified.map(|verified| verified.external_id) }
}

fn contact_of(connection: &Connection, conversation: &Conversation) -> Outcome<WebhookContact> {
    let found = crate::store::visitors::find_contact(connection, conversation.contact)?;
    found.as_ref().map(shown).ok_or_else(|| Failure::not_found("person"))
}

/// Tells of a conversation that is about to be stored, by what was stored before. `None`: it begins.
pub(crate) fn conversation_changes(
    write: &mut Write<'_>,
    before: Option<&Conversation>,
    now: &Conversation,
) -> Outcome<()> {
    use ConversationState::{Closed, Open};
    // What colleagues say among themselves is told to nobody.
    if now.is_internal() {
        return Ok(());
    }
    let (state, given) = match before {
        Some(before) => (Some(before.state), (before.assignee, before.team)),
        None => (None, (None, None)),
    };
    let changes = [
        (now.state == Open && state != Some(Open), WebhookEvent::ConversationOpened),
        (now.state == Closed && state != Some(Closed), WebhookEvent::ConversationClosed),
        (given != (now.assignee, now.team), WebhookEvent::ConversationAssigned),
    ];
    for (_, event) in changes.into_iter().filter(|(is_so, _)| *is_so) {
        let contact = contact_of(write.connection, now)?;
        let (id, at) = (write.new_id(), write.now);
        let told = WebhookBody { id, event, at, conversation: Some(now.clone()), message: None, contact };
        happened(write, told)?;
    }
    Ok(())
}

/// Tells of a message that was stored.
pub(crate) fn message_said(
    write: &mut Write<'_>,
    conversation: &Conversation,
    kind: MessageKind,
    by_visitor: bool,
    message: MessageId,
) -> Outcome<()> {
    if conversation.is_internal() || !webhooks::is_any(write.connection)? {
        return Ok(());
    }
    let event = match kind {
        MessageKind::Reply if by_visitor => WebhookEvent::MessageReceived,
        MessageKind::Reply => WebhookEvent::MessageSent,
        MessageKind::Note => WebhookEvent::NoteWritten,
        MessageKind::System => return Ok(()),
    };
    let contact = contact_of(write.connection, conversation)?;
    let message = conversations::find_message(write.connection, message)?;
    let (id, at) = (write.new_id(), write.now);
    let told = WebhookBody { id, event, at, conversation: Some(conversation.clone()), message, contact };
    happened(write, told)
}

/// Tells of a person of whom something else is known now.
pub(crate) fn contact_changed(write: &mut Write<'_>, before: &Contact, now: &Contact) -> Outcome<()> {
    let contact = shown(now);
    if shown(before) == contact || !webhooks::is_any(write.connection)? {
        return Ok(());
    }
    let (id, at, event) = (write.new_id(), write.now, WebhookEvent::ContactChanged);
    happened(write, WebhookBody { id, event, at, conversation: None, message: None, contact })
}

/// Where a webhook leads, without what may be a secret in its address.
fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

fn checked_events(mut events: Vec<WebhookEvent>) -> Result<Vec<WebhookEvent>, Refusal> {
    events.sort_unstable();
    events.dedup();
    if events.is_empty() {
        return Err(Refusal::invalid("events", "must name at least one"));
    }
    Ok(events)
}

fn existing(connection: &Connection, id: i64) -> Outcome<Webhook> {
    webhooks::find(connection, id)?.ok_or_else(|| Failure::not_found("webhook"))
}

impl Administration {
    fn checked_url(&self, url: &str) -> Result<String, Refusal> {
        let read = self.core.outbound.read(url).map_err(|bad| Refusal::invalid("url", &bad.to_string()))?;
        Ok(read.into())
    }

    /// Writes, and lets the deliverer look again.
    async fn change_webhooks<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Write<'_>, &Actor) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (actor, hub) = (self.actor.clone(), Arc::clone(&self.core.hub));
        self.write(move |write| {
            actor.may(write.connection, Action::ManageWebhooks)?;
            write.then(move || hub.told.look());
            work(write, &actor)
        })
        .await
    }

    /// The addresses that are told of what happens.
    ///
    /// # Errors
    /// `not_found` without the right to it.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            actor.may(connection, Action::ManageWebhooks)?;
            webhooks::list(connection)
        });
        read.await.map_err(refuse)
    }

    /// Adds an address. Its secret is told once.
    ///
    /// # Errors
    /// `not_found` without the right to it; `invalid`, with the field, when the address may not be asked or there are
    /// too many.
    pub async fn add_webhook(&self, new: NewWebhook) -> Result<WebhookWithSecret, Refusal> {
        let (url, events, secret) = (self.checked_url(&new.url)?, checked_events(new.events)?, tokens::secret());
        self.change_webhooks(move |write, actor| {
            if webhooks::list(write.connection)?.len() >= WEBHOOKS_MAX {
                let words = format!("there are {WEBHOOKS_MAX} already; delete one that nobody needs");
                return Err(Refusal::invalid("url", &words).into());
            }
            let (id, created_at) = (write.new_id(), write.now);
            let webhook = Webhook { id, url, events, active: true, created_at, waiting: 0, failing_since: None };
            webhooks::add(write.connection, &webhook, &secret)?;
            actor.did(write, "add", "webhook", Some(id), host(&webhook.url))?;
            Ok(WebhookWithSecret { webhook, secret })
        })
        .await
    }

    /// Changes an address; what is left out stays. What waits is tried on, at the new address; when it is switched off,
    /// that is given up.
    ///
    /// # Errors
    /// See [`Self::add_webhook`].
    pub async fn edit_webhook(&self, id: i64, edit: WebhookEdit) -> Result<Webhook, Refusal> {
        let WebhookEdit { url, events, active } = edit;
        let url = url.map(|url| self.checked_url(&url)).transpose()?;
        let events = events.map(checked_events).transpose()?;
        self.change_webhooks(move |write, actor| {
            let before = existing(write.connection, id)?;
            let now = Webhook {
                url: url.unwrap_or_else(|| before.url.clone()),
                events: events.unwrap_or_else(|| before.events.clone()),
                active: active.unwrap_or(before.active),
                ..before.clone()
            };
            if now != before {
                webhooks::edit(write.connection, &now)?;
                if before.active && !now.active {
                    webhooks::switch_off(write.connection, id)?;
                }
                actor.did(write, "edit", "webhook", Some(id), host(&now.url))?;
            }
            existing(write.connection, id)
        })
        .await
    }

    /// Deletes an address with all that waits for it.
    ///
    /// # Errors
    /// `not_found` when there is none, or no right to it.
    pub async fn delete_webhook(&self, id: i64) -> Result<(), Refusal> {
        self.change_webhooks(move |write, actor| {
            let before = existing(write.connection, id)?;
            webhooks::drop(write.connection, id)?;
            actor.did(write, "delete", "webhook", Some(id), host(&before.url))
        })
        .await
    }

    /// A new secret in the place of the old one, from the next try on.
    ///
    /// # Errors
    /// `not_found` when there is no such webhook, or no right to it.
    pub async fn renew_webhook_secret(&self, id: i64) -> Result<WebhookWithSecret, Refusal> {
        let secret = tokens::secret();
        self.change_webhooks(move |write, actor| {
            let webhook = existing(write.connection, id)?;
            webhooks::set_secret(write.connection, id, &secret)?;
            actor.did(write, "renew secret", "webhook", Some(id), host(&webhook.url))?;
            Ok(WebhookWithSecret { webhook, secret })
        })
        .await
    }

    /// What an address was told and is to be told, newest first, below `before`.
    ///
    /// # Errors
    /// `not_found` when there is no such webhook, or no right to it.
    pub async fn webhook_deliveries(&self, id: i64, before: Option<i64>) -> Result<WebhookDeliveries, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            actor.may(connection, Action::ManageWebhooks)?;
            existing(connection, id)?;
            let deliveries = webhooks::page(connection, id, before.unwrap_or(i64::MAX), PAGE)?;
            Ok(WebhookDeliveries { deliveries })
        });
        read.await.map_err(refuse)
    }

    /// Tells an address something again, after all that waits. The body is the same, and so is the `id` in it.
    ///
    /// # Errors
    /// `not_found` when there is no such delivery any more, or no right to it; `conflict` when the webhook is off.
    pub async fn deliver_again(&self, webhook: i64, delivery: i64) -> Result<(), Refusal> {
        self.change_webhooks(move |write, _| {
            if !existing(write.connection, webhook)?.active {
                let words = "The webhook is switched off; switch it on first.";
                return Err(Refusal::new(ErrorCode::Conflict, words).into());
            }
            let (id, now): (i64, Timestamp) = (write.new_id(), write.now);
            match webhooks::queue_again(write.connection, webhook, delivery, id, now)? {
                true => Ok(()),
                false => Err(Failure::not_found("delivery")),
            }
        })
        .await
    }
}
