//! What the page is told. Events of one subscriber are merged until it takes them, so a slow page gets
//! fewer events and never misses one, and nothing here can grow without bound.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use crate::types::{AccountSync, AppEvent, ConversationRef, SyncView};

/// Events not yet taken.
#[derive(Default)]
struct Pending {
    conversations: BTreeSet<ConversationRef>,
    visitors: bool,
    canned_texts: bool,
    sync: Option<(Vec<AccountSync>, SyncView)>,
    open: Option<Option<ConversationRef>>,
    ring: Vec<ConversationRef>,
    account: bool,
}

impl Pending {
    fn merge(&mut self, event: &AppEvent) {
        match event {
            AppEvent::Changed { conversations, visitors, canned_texts } => {
                self.conversations.extend(conversations);
                self.visitors |= visitors;
                self.canned_texts |= canned_texts;
            }
            AppEvent::Sync { accounts, sync } => self.sync = Some((accounts.clone(), sync.clone())),
            AppEvent::Open { conversation } => self.open = Some(*conversation),
            AppEvent::Ring { conversations } => {
                for id in conversations {
                    if !self.ring.contains(id) {
                        self.ring.push(*id);
                    }
                }
            }
            AppEvent::Account => self.account = true,
        }
    }

    fn take(&mut self) -> Vec<AppEvent> {
        let pending = std::mem::take(self);
        let mut events = Vec::new();
        if pending.account {
            events.push(AppEvent::Account);
        }
        if let Some((accounts, sync)) = pending.sync {
            events.push(AppEvent::Sync { accounts, sync });
        }
        if !pending.conversations.is_empty() || pending.visitors || pending.canned_texts {
            events.push(AppEvent::Changed {
                conversations: pending.conversations.into_iter().collect(),
                visitors: pending.visitors,
                canned_texts: pending.canned_texts,
            });
        }
        if !pending.ring.is_empty() {
            events.push(AppEvent::Ring { conversations: pending.ring });
        }
        // Last, so that what a person asked for has its way over what opens by itself.
        if let Some(conversation) = pending.open {
            events.push(AppEvent::Open { conversation });
        }
        events
    }
}

#[derive(Default)]
struct Slot {
    pending: Mutex<Pending>,
    wake: Notify,
}

/// One page's view of the events. Dropping it ends the subscription.
pub struct Subscription {
    slot: Arc<Slot>,
}

impl Subscription {
    /// Waits for events and takes all of them.
    pub async fn next(&self) -> Vec<AppEvent> {
        loop {
            let events = lock(&self.slot.pending).take();
            if !events.is_empty() {
                return events;
            }
            self.slot.wake.notified().await;
        }
    }
}

/// All pages that listen.
#[derive(Default)]
pub(crate) struct Publisher {
    slots: Mutex<Vec<Weak<Slot>>>,
}

impl Publisher {
    /// Adds a listener.
    pub(crate) fn subscribe(&self) -> Subscription {
        let slot = Arc::new(Slot::default());
        lock(&self.slots).push(Arc::downgrade(&slot));
        Subscription { slot }
    }

    /// Tells every listener.
    pub(crate) fn publish(&self, event: &AppEvent) {
        lock(&self.slots).retain(|slot| {
            let Some(slot) = slot.upgrade() else { return false };
            lock(&slot.pending).merge(event);
            slot.wake.notify_one();
            true
        });
    }
}

/// A poisoned lock only means that another thread panicked between two plain assignments.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use deskbell_protocol::ConversationId;

    use super::*;
    use crate::types::AccountId;

    fn chat(account: u32, id: i64) -> ConversationRef {
        ConversationRef::new(AccountId(account), ConversationId(id))
    }

    #[tokio::test]
    async fn a_slow_page_gets_one_merged_event_and_misses_nothing() {
        let publisher = Publisher::default();
        let page = publisher.subscribe();
        for (account, id) in [(1, 3), (1, 1), (1, 3), (2, 1)] {
            publisher.publish(&AppEvent::Changed {
                conversations: vec![chat(account, id)],
                visitors: account == 2,
                canned_texts: false,
            });
        }
        let expected = AppEvent::Changed {
            conversations: vec![chat(1, 1), chat(1, 3), chat(2, 1)],
            visitors: true,
            canned_texts: false,
        };
        assert_eq!(page.next().await, vec![expected], "four changes arrive as one");
    }

    #[tokio::test]
    async fn a_page_that_went_away_is_forgotten() {
        let publisher = Publisher::default();
        drop(publisher.subscribe());
        publisher.publish(&AppEvent::Account);
        assert!(lock(&publisher.slots).is_empty(), "the slot is gone with its page");
    }
}
