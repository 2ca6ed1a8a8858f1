//! Addresses that are told of what happens, and what they are still to be told.

use deskbell_protocol::http::{DeliveryState, Webhook, WebhookDelivery, WebhookEvent};
use deskbell_protocol::{ContactId, ConversationId, Timestamp};

use super::database::{self, Connection, Row, params};
use super::{Outcome, queries};

queries! {
    IS_ANY = "SELECT 1 FROM webhook WHERE active = 1";
    LIST_OF_FEW = "SELECT id, url, events, active, created_at, waiting, failing_since FROM webhook ORDER BY id";
    FIND = "SELECT id, url, events, active, created_at, waiting, failing_since FROM webhook WHERE id = ?1";
    ADD = "INSERT INTO webhook (id, url, events, secret, active, created_at) VALUES (?1, ?2, ?3, ?4, 1, ?5)";
    EDIT = "UPDATE webhook SET url = ?2, events = ?3, active = ?4, failing_since = NULL WHERE id = ?1";
    SET_SECRET = "UPDATE webhook SET secret = ?2 WHERE id = ?1";
    DROP_DELIVERIES = "DELETE FROM webhook_delivery WHERE webhook = ?1";
    DROP = "DELETE FROM webhook WHERE id = ?1";
    QUEUE = "INSERT INTO webhook_delivery (id, webhook, event, contact, conversation, body, created_at, next_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)";
    QUEUE_AGAIN = "INSERT INTO webhook_delivery (id, webhook, event, contact, conversation, body, created_at, next_at)
        SELECT ?3, webhook, event, contact, conversation, body, ?4, ?4 FROM webhook_delivery WHERE id = ?2 AND webhook = ?1";
    ONE_MORE_WAITS = "UPDATE webhook SET waiting = waiting + 1 WHERE id = ?1";
    NEXT_OF_FEW = "SELECT delivery.id, webhook.id, webhook.url, webhook.secret, delivery.event, delivery.body,
        delivery.attempts, delivery.next_at FROM webhook JOIN webhook_delivery AS delivery ON delivery.id =
        (SELECT min(id) FROM webhook_delivery WHERE webhook = webhook.id AND state = 0) WHERE webhook.active = 1";
    ARRIVED = "UPDATE webhook_delivery SET state = 1, attempts = attempts + 1, status = ?2, answer = ?3
        WHERE id = ?1 AND state = 0";
    ONE_LESS_WAITS = "UPDATE webhook SET waiting = waiting - 1, failing_since = NULL WHERE id = ?1";
    FAILED = "UPDATE webhook_delivery SET attempts = attempts + 1, next_at = ?2, status = ?3, answer = ?4
        WHERE id = ?1 AND state = 0";
    FAILS = "UPDATE webhook SET failing_since = ifnull(failing_since, ?2) WHERE id = ?1";
    GIVE_UP = "UPDATE webhook_delivery SET state = 2 WHERE webhook = ?1 AND state = 0";
    SWITCH_OFF = "UPDATE webhook SET active = 0, waiting = 0 WHERE id = ?1";
    PAGE = "SELECT id, event, created_at, state, attempts, next_at, status, answer FROM webhook_delivery
        WHERE webhook = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
    RECOUNT_OF_FEW = "UPDATE webhook SET waiting = (SELECT count(*) FROM webhook_delivery
        WHERE webhook_delivery.webhook = webhook.id AND state = 0)";
    DROP_OLD = "DELETE FROM webhook_delivery WHERE id IN
        (SELECT id FROM webhook_delivery WHERE created_at < ?1 AND state <> 0 LIMIT ?2)";
}

/// What is to be delivered next to a webhook. It holds the secret and is never shown.
pub(crate) struct Next {
    pub(crate) delivery: i64,
    pub(crate) webhook: i64,
    pub(crate) url: String,
    pub(crate) secret: String,
    pub(crate) event: String,
    pub(crate) body: String,
    /// Tries so far.
    pub(crate) attempts: u32,
    pub(crate) next_at: Timestamp,
}

/// What a webhook is told.
pub(crate) struct Told<'t> {
    pub(crate) event: WebhookEvent,
    pub(crate) contact: ContactId,
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) body: &'t str,
}

/// How a database spells an event: as everybody does.
pub(crate) fn event_code(event: WebhookEvent) -> Outcome<String> {
    Ok(serde_json::to_value(event)?.as_str().unwrap_or_default().to_owned())
}

fn event_from(code: &str) -> Outcome<WebhookEvent> {
    Ok(serde_json::from_value(code.into())?)
}

fn webhook(row: &Row<'_>) -> database::Result<(Webhook, String)> {
    let webhook = Webhook {
        id: row.get(0)?,
        url: row.get(1)?,
        events: Vec::new(),
        active: row.get(3)?,
        created_at: row.get(4)?,
        waiting: row.get(5)?,
        failing_since: row.get(6)?,
    };
    Ok((webhook, row.get(2)?))
}

fn whole((webhook, events): (Webhook, String)) -> Outcome<Webhook> {
    Ok(Webhook { events: serde_json::from_str(&events)?, ..webhook })
}

/// Whether anybody is told of anything.
pub(crate) fn is_any(connection: &Connection) -> database::Result<bool> {
    connection.has(IS_ANY, params![])
}

pub(crate) fn list(connection: &Connection) -> Outcome<Vec<Webhook>> {
    let rows: Vec<_> = connection.all(LIST_OF_FEW, params![], webhook)?;
    rows.into_iter().map(whole).collect()
}

pub(crate) fn find(connection: &Connection, id: i64) -> Outcome<Option<Webhook>> {
    connection.find(FIND, params![id], webhook)?.map(whole).transpose()
}

pub(crate) fn add(connection: &Connection, new: &Webhook, secret: &str) -> Outcome<()> {
    let Webhook { id, url, events, created_at, .. } = new;
    connection.change(ADD, params![id, url, serde_json::to_string(events)?, secret, created_at])?;
    Ok(())
}

/// Stores what a webhook is now. What went wrong before is forgotten.
pub(crate) fn edit(connection: &Connection, now: &Webhook) -> Outcome<()> {
    let Webhook { id, url, events, active, .. } = now;
    connection.change(EDIT, params![id, url, serde_json::to_string(events)?, active])?;
    Ok(())
}

pub(crate) fn set_secret(connection: &Connection, id: i64, secret: &str) -> database::Result<()> {
    connection.change(SET_SECRET, params![id, secret])?;
    Ok(())
}

pub(crate) fn drop(connection: &Connection, id: i64) -> database::Result<()> {
    connection.change(DROP_DELIVERIES, params![id])?;
    connection.change(DROP, params![id])?;
    Ok(())
}

/// Puts something at the end of a webhook's queue.
pub(crate) fn queue(connection: &Connection, id: i64, webhook: i64, told: &Told<'_>, now: Timestamp) -> Outcome<()> {
    let Told { event, contact, conversation, body } = told;
    let (event, conversation) = (event_code(*event)?, conversation.map(|id| id.0));
    let values = params![id, webhook, event, contact.0, conversation, body, now];
    connection.change(QUEUE, values)?;
    connection.change(ONE_MORE_WAITS, params![webhook])?;
    Ok(())
}

/// Puts a copy of a delivery at the end of its webhook's queue. False: there is no such delivery any more.
pub(crate) fn queue_again(
    connection: &Connection,
    webhook: i64,
    delivery: i64,
    id: i64,
    now: Timestamp,
) -> database::Result<bool> {
    let queued = connection.change(QUEUE_AGAIN, params![webhook, delivery, id, now])? > 0;
    if queued {
        connection.change(ONE_MORE_WAITS, params![webhook])?;
    }
    Ok(queued)
}

/// The next delivery of each webhook that is on, due or not.
pub(crate) fn next(connection: &Connection) -> database::Result<Vec<Next>> {
    connection.all(NEXT_OF_FEW, params![], |row| {
        Ok(Next {
            delivery: row.get(0)?,
            webhook: row.get(1)?,
            url: row.get(2)?,
            secret: row.get(3)?,
            event: row.get(4)?,
            body: row.get(5)?,
            attempts: row.get(6)?,
            next_at: row.get(7)?,
        })
    })
}

/// A delivery arrived.
pub(crate) fn arrived(
    connection: &Connection,
    webhook: i64,
    delivery: i64,
    status: u16,
    answer: &str,
) -> database::Result<()> {
    if connection.change(ARRIVED, params![delivery, status, answer])? > 0 {
        connection.change(ONE_LESS_WAITS, params![webhook])?;
    }
    Ok(())
}

/// A delivery did not arrive, and waits.
pub(crate) fn failed(
    connection: &Connection,
    (webhook, delivery): (i64, i64),
    (status, answer): (Option<u16>, &str),
    now: Timestamp,
    next_at: Timestamp,
) -> database::Result<()> {
    connection.change(FAILED, params![delivery, next_at, status, answer])?;
    connection.change(FAILS, params![webhook, now])?;
    Ok(())
}

/// Switches a webhook off. What waits is given up.
pub(crate) fn switch_off(connection: &Connection, webhook: i64) -> database::Result<()> {
    connection.change(GIVE_UP, params![webhook])?;
    connection.change(SWITCH_OFF, params![webhook])?;
    Ok(())
}

/// The newest deliveries of a webhook below `before`.
pub(crate) fn page(connection: &Connection, webhook: i64, before: i64, limit: u32) -> Outcome<Vec<WebhookDelivery>> {
    let rows: Vec<_> = connection.all(PAGE, params![webhook, before, limit], |row| {
        let state = match row.get::<i64>(3)? {
            0 => DeliveryState::Waiting,
            1 => DeliveryState::Arrived,
            _ => DeliveryState::GivenUp,
        };
        let next_at = row.get(5)?;
        let delivery = WebhookDelivery {
            id: row.get(0)?,
            event: WebhookEvent::ContactChanged,
            created_at: row.get(2)?,
            state,
            attempts: row.get(4)?,
            next_at: (state == DeliveryState::Waiting).then_some(next_at),
            status: row.get(6)?,
            answer: row.get(7)?,
        };
        Ok((delivery, row.get::<String>(1)?))
    })?;
    let whole = |(delivery, event): (_, String)| Ok(WebhookDelivery { event: event_from(&event)?, ..delivery });
    rows.into_iter().map(whole).collect()
}

/// Counts anew what waits, after deliveries were erased with a person.
pub(crate) fn recount(connection: &Connection) -> database::Result<()> {
    connection.change(RECOUNT_OF_FEW, params![])?;
    Ok(())
}

/// Deletes deliveries that are over and older than `before`, at most `limit`. How many they were.
pub(crate) fn drop_old(connection: &Connection, before: Timestamp, limit: i64) -> database::Result<usize> {
    connection.change(DROP_OLD, params![before, limit])
}
