//! From what happens at the desks to what the page and the person are told.

use std::collections::HashMap;
use std::time::Duration;

use deskbell_attention::{Arrival, Preferences, Situation};
use deskbell_cache::{Changed, ConversationRecord};
use deskbell_client::ClientEvent;
use deskbell_protocol::{ConversationId, ConversationState, Message, MessageKind};
use tokio::sync::mpsc;

use crate::app::{App, Session};
use crate::events::lock;
use crate::types::{AccountId, AppEvent, ConversationRef, Settings};
use crate::{merged, views};

/// The code of the desk's own message when a visitor's message reopens a conversation.
const REOPENED: &str = "reopened";

impl App {
    /// Hands the client's events to the pages and raises alerts, until the session ends.
    pub(crate) async fn pump(self, session: Session, mut events: mpsc::Receiver<ClientEvent>) {
        let mut repeat = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                () = session.stop.cancelled() => return,
                event = events.recv() => match event {
                    Some(event) => self.take(&session, event).await,
                    None => return,
                },
                _ = repeat.tick() => {
                    let due = lock(&self.inner.keeper).due(self.host().now(), &preferences(&self.settings()));
                    if let Some(sound) = due {
                        self.host().sound(sound);
                    }
                }
            }
        }
    }

    async fn take(&self, session: &Session, event: ClientEvent) {
        match event {
            ClientEvent::Changed(Changed { conversations, visitors, canned_texts, .. }) => {
                let changed: Vec<ConversationRef> = conversations.into_iter().map(|id| session.chat(id)).collect();
                self.calm(session, &changed).await;
                self.publish(&AppEvent::Changed { conversations: changed, visitors, canned_texts });
                self.refresh_surroundings().await;
            }
            ClientEvent::Sync(_) => {
                session.wanted.moved.notify_one();
                let accounts = self.syncs();
                self.publish(&AppEvent::Sync { sync: merged::worst(&accounts), accounts });
                self.refresh_surroundings().await;
                if session.client.status().state == deskbell_client::SyncState::Revoked {
                    // Not here: this ends with the session.
                    let (app, id) = (self.clone(), session.account.id);
                    self.spawn(async move {
                        if let Err(error) = app.wipe(id).await {
                            tracing::error!(%id, %error, "not all was deleted; it is tried again at the next start");
                        }
                    });
                }
            }
            ClientEvent::Presence => {
                // Without a connection nobody knows who left, and a ring goes on.
                if session.client.status().state == deskbell_client::SyncState::Live {
                    let ringing: Vec<ConversationRef> = lock(&self.inner.keeper).ringing().collect();
                    self.calm(session, &ringing).await;
                }
                self.publish(&AppEvent::Changed { conversations: vec![], visitors: true, canned_texts: false });
            }
            ClientEvent::Typing(conversation) => {
                self.publish(&AppEvent::Changed {
                    conversations: vec![session.chat(conversation)],
                    visitors: false,
                    canned_texts: false,
                });
            }
            ClientEvent::Arrived(messages) => self.arrive(session, messages).await,
        }
    }

    /// Raises an alert for every conversation in which a visitor wrote, once each.
    async fn arrive(&self, session: &Session, messages: Vec<Message>) {
        let mut newest: HashMap<ConversationId, (Message, i64)> = HashMap::new();
        for message in messages {
            let news = newest.get(&message.conversation).map_or(1, |(_, news)| news + 1);
            newest.insert(message.conversation, (message, news));
        }
        for (message, news) in newest.into_values() {
            let cache = session.cache.clone();
            let id = message.conversation;
            let number = message.number;
            let found = tokio::task::spawn_blocking(move || {
                let record = cache.conversation(id)?;
                let before = cache.message(id, number - 1)?;
                Ok::<_, deskbell_cache::CacheError>(record.zip(Some(before)))
            });
            let (record, before) = match found.await {
                Ok(Ok(Some(found))) => found,
                Ok(Ok(None)) => continue,
                Ok(Err(error)) => {
                    tracing::error!(%error, "no alert: the conversation could not be read");
                    continue;
                }
                Err(error) => {
                    tracing::error!(%error, "no alert: the reader failed");
                    continue;
                }
            };
            let now = self.host().now();
            if now.saturating_sub(message.created_at) > views::ALERT_AGE_MAX || record.my_read >= message.number {
                continue;
            }
            let settings = self.settings();
            let conversation = session.chat(id);
            let situation = Situation {
                focused: *lock(&self.inner.focus),
                preferences: preferences(&settings),
                me: session.account.agent,
            };
            let arrival = Arrival {
                conversation,
                desk: self.desk_to_name(session),
                message_number: message.number,
                // Nothing was read, and nothing is unread but what came just now.
                first_of_conversation: record.my_read == 0 && record.unread <= news,
                reopened: before.is_some_and(|before| before.kind == MessageKind::System && before.text == REOPENED),
                assignee: record.conversation.assignee,
                visitor_name: self.name_of(&record),
                text: message.text,
                file: message.attachments.first().map(|attachment| attachment.name.clone()),
            };
            let alert = deskbell_attention::decide(&situation, &arrival);
            let alert = lock(&self.inner.keeper).raise(alert, now);
            if alert.rings {
                self.publish(&AppEvent::Ring { conversations: vec![conversation] });
            }
            self.host().alert(alert, &self.catalogue());
        }
    }

    /// Ends the alerts of conversations that were read, taken or closed. A ring ends with whoever takes the chat
    /// and when the visitor leaves; a message in a chat of mine wants attention until I have read it.
    async fn calm(&self, session: &Session, conversations: &[ConversationRef]) {
        let (wanting, ringing): (Vec<ConversationRef>, Vec<ConversationRef>) = {
            let keeper = lock(&self.inner.keeper);
            (keeper.wanting().collect(), keeper.ringing().collect())
        };
        let online = session.client.online();
        let of_session = conversations.iter().filter(|chat| chat.account == session.account.id);
        for &chat in of_session.filter(|chat| wanting.contains(chat)) {
            let (cache, id) = (session.cache.clone(), chat.id);
            let over = match tokio::task::spawn_blocking(move || cache.conversation(id)).await {
                Ok(Ok(Some(record))) => {
                    let head = &record.conversation;
                    let taken =
                        head.assignee.is_some_and(|agent| ringing.contains(&chat) || agent != session.account.agent);
                    let left =
                        ringing.contains(&chat) && !online.iter().any(|presence| presence.visitor == head.visitor);
                    record.unread == 0 || head.state == ConversationState::Closed || taken || left
                }
                Ok(Ok(None)) => true,
                Ok(Err(error)) => {
                    tracing::error!(%error, "an alert goes on: the conversation could not be read");
                    false
                }
                Err(error) => {
                    tracing::error!(%error, "an alert goes on: the reader failed");
                    false
                }
            };
            if over {
                self.end_alert(chat);
            }
        }
    }

    /// Ends the alerts of an account that is no more.
    pub(crate) fn calm_all(&self, account: AccountId) {
        let wanting: Vec<ConversationRef> = lock(&self.inner.keeper).wanting().collect();
        for chat in wanting.into_iter().filter(|chat| chat.account == account) {
            self.end_alert(chat);
        }
    }

    fn end_alert(&self, chat: ConversationRef) {
        let calmed = lock(&self.inner.keeper).calm(chat);
        if let Some(calmed) = calmed {
            self.host().calm(chat, calmed);
        }
    }

    /// The desk's name, when there is more than one to tell apart.
    fn desk_to_name(&self, session: &Session) -> Option<String> {
        (lock(&self.inner.accounts).len() > 1).then(|| session.account.desk.clone())
    }

    fn name_of(&self, record: &ConversationRecord) -> String {
        match record.contact_name.as_str() {
            "" => self.catalogue().visitor_numbered(record.visitor_number),
            name => name.to_owned(),
        }
    }
}

impl Session {
    /// How this app names one of this account's conversations.
    pub(crate) fn chat(&self, id: ConversationId) -> ConversationRef {
        ConversationRef::new(self.account.id, id)
    }
}

fn preferences(settings: &Settings) -> Preferences {
    Preferences {
        toasts: settings.toasts,
        sounds: settings.sounds,
        flash: settings.flash,
        hide_text: settings.hide_text,
    }
}
