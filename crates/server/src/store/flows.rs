//! Scripts by which the desk talks to visitors, and how far each has come where it talks.

use deskbell_protocol::{
    Choice, ConversationId, Flow, FlowDesk, FlowId, FlowStart, FlowStep, MessageId, Number, OfferedFlow, SiteId,
    Timestamp,
};

use super::database::{self, Connection, Row, params};
use super::{Outcome, queries};

queries! {
    FLOWS_OF_FEW = "SELECT id, name, site, active, start, desk_is, patience_s, steps FROM flow ORDER BY id";
    FIND = "SELECT id, name, site, active, start, desk_is, patience_s, steps FROM flow WHERE id = ?1";
    OFFERED_OF_FEW = "SELECT id, name FROM flow WHERE active = 1 AND (site IS NULL OR site = ?1) ORDER BY id";
    FIRST_OF_FEW = "SELECT id FROM flow WHERE active = 1 AND start = 1 AND (site IS NULL OR site = ?1)
        AND (desk_is IS NULL OR desk_is = ?2) ORDER BY id LIMIT 1";
    PUT = "INSERT INTO flow (id, name, site, active, start, desk_is, patience_s, steps)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, site = excluded.site, active = excluded.active,
            start = excluded.start, desk_is = excluded.desk_is, patience_s = excluded.patience_s, steps = excluded.steps";
    DELETE = "DELETE FROM flow WHERE id = ?1";
    SOMETHING_ELSE_SAID = "SELECT 1 FROM message WHERE conversation = ?1 AND number <> ?2 AND kind = 0 LIMIT 1";
    RUN = "SELECT conversation, flow, patience_s, step, asked, asked_again, ends_at, steps FROM flow_run
        WHERE conversation = ?1";
    BEGIN_RUN = "INSERT INTO flow_run (conversation, flow, patience_s, step, asked, asked_again, ends_at, steps)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    MOVE_RUN = "UPDATE flow_run SET step = ?2, asked = ?3, asked_again = ?4, ends_at = ?5 WHERE conversation = ?1";
    RUNS = "SELECT 1 FROM flow_run WHERE conversation = ?1";
    END_RUN = "DELETE FROM flow_run WHERE conversation = ?1";
    DUE = "SELECT conversation FROM flow_run WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2";
    NEXT_DUE = "SELECT ends_at FROM flow_run WHERE ends_at > ?1 ORDER BY ends_at LIMIT 1";
    OFFER = "INSERT INTO message_choices (message, choices) VALUES (?1, ?2)";
    OFFERS = "SELECT choices FROM message_choices WHERE message = ?1";
    WITHDRAW = "DELETE FROM message_choices WHERE message = ?1";
}

/// How the database names what a flow begins with. The numbers are for ever.
fn code(start: FlowStart) -> (i64, Option<i64>) {
    match start {
        FlowStart::Agent => (0, None),
        FlowStart::FirstMessage { desk } => (1, desk.map(desk_code)),
    }
}

fn desk_code(desk: FlowDesk) -> i64 {
    match desk {
        FlowDesk::Online => 0,
        FlowDesk::Offline => 1,
    }
}

/// A flow. One that this version cannot read has no steps and is not active.
fn flow(row: &Row<'_>) -> database::Result<Flow> {
    let start = match (row.get(4)?, row.get(5)?) {
        (0, _) => Some(FlowStart::Agent),
        (1, None) => Some(FlowStart::FirstMessage { desk: None }),
        (1, Some(0)) => Some(FlowStart::FirstMessage { desk: Some(FlowDesk::Online) }),
        (1, Some(1)) => Some(FlowStart::FirstMessage { desk: Some(FlowDesk::Offline) }),
        (_, Some(_) | None::<i64>) => None,
    };
    let steps: Vec<FlowStep> = serde_json::from_str(&row.get::<String>(7)?).unwrap_or_default();
    let known = start.is_some() && !steps.is_empty();
    let site: Option<i64> = row.get(2)?;
    Ok(Flow {
        id: FlowId(row.get(0)?),
        name: row.get(1)?,
        site: site.map(SiteId),
        active: row.get::<bool>(3)? && known,
        start: start.unwrap_or(FlowStart::Agent),
        patience_s: row.get(6)?,
        steps,
    })
}

/// All flows, the oldest first.
pub(crate) fn list(connection: &Connection) -> database::Result<Vec<Flow>> {
    connection.all(FLOWS_OF_FEW, params![], flow)
}

pub(crate) fn find(connection: &Connection, id: FlowId) -> database::Result<Option<Flow>> {
    connection.find(FIND, params![id.0], flow)
}

/// The flows that agents may begin with visitors of a site, the oldest first.
pub(crate) fn offered(connection: &Connection, site: SiteId) -> database::Result<Vec<OfferedFlow>> {
    connection
        .all(OFFERED_OF_FEW, params![site.0], |row| Ok(OfferedFlow { id: FlowId(row.get(0)?), name: row.get(1)? }))
}

/// The flow that begins with a visitor's first message on a site. Of several, the oldest.
pub(crate) fn first(connection: &Connection, site: SiteId, desk: FlowDesk) -> database::Result<Option<Flow>> {
    let id = connection.find(FIRST_OF_FEW, params![site.0, desk_code(desk)], |row| row.get(0).map(FlowId))?;
    match id {
        Some(id) => find(connection, id),
        None => Ok(None),
    }
}

pub(crate) fn put(connection: &Connection, flow: &Flow) -> Outcome<()> {
    let (start, desk) = code(flow.start);
    connection.change(
        PUT,
        params![
            flow.id.0,
            flow.name,
            flow.site.map(|site| site.0),
            flow.active,
            start,
            desk,
            flow.patience_s,
            serde_json::to_string(&flow.steps)?
        ],
    )?;
    Ok(())
}

/// False: there was none. Where it talks, it goes on.
pub(crate) fn delete(connection: &Connection, id: FlowId) -> database::Result<bool> {
    Ok(connection.change(DELETE, params![id.0])? > 0)
}

/// Whether anybody has said anything to the other side but this.
pub(crate) fn is_anything_else_said(
    connection: &Connection,
    conversation: ConversationId,
    number: Number,
) -> database::Result<bool> {
    connection.has(SOMETHING_ELSE_SAID, params![conversation.0, number])
}

/// How far a flow has come in a conversation: it has asked something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) conversation: ConversationId,
    pub(crate) flow: FlowId,
    pub(crate) patience_s: u32,
    /// Which of the steps asked.
    pub(crate) step: u32,
    /// The number of the message in which it did.
    pub(crate) asked: Number,
    /// How often it had to ask the same again.
    pub(crate) asked_again: u32,
    /// When it hands over without an answer.
    pub(crate) ends_at: Timestamp,
    /// As they were when it began. None: this version cannot read them.
    pub(crate) steps: Vec<FlowStep>,
}

/// The flow that talks in a conversation.
pub(crate) fn run(connection: &Connection, conversation: ConversationId) -> database::Result<Option<Run>> {
    connection.find(RUN, params![conversation.0], |row| {
        Ok(Run {
            conversation: ConversationId(row.get(0)?),
            flow: FlowId(row.get(1)?),
            patience_s: row.get(2)?,
            step: row.get(3)?,
            asked: row.get(4)?,
            asked_again: row.get(5)?,
            ends_at: row.get(6)?,
            steps: serde_json::from_str(&row.get::<String>(7)?).unwrap_or_default(),
        })
    })
}

/// Whether a flow talks in a conversation.
pub(crate) fn runs(connection: &Connection, conversation: ConversationId) -> database::Result<bool> {
    connection.has(RUNS, params![conversation.0])
}

/// A flow has asked its first question. There is none yet in this conversation.
pub(crate) fn begin(connection: &Connection, run: &Run) -> Outcome<()> {
    connection.change(
        BEGIN_RUN,
        params![
            run.conversation.0,
            run.flow.0,
            run.patience_s,
            run.step,
            run.asked,
            run.asked_again,
            run.ends_at,
            serde_json::to_string(&run.steps)?
        ],
    )?;
    Ok(())
}

/// A flow has asked again, or something else.
pub(crate) fn go_on(connection: &Connection, run: &Run) -> database::Result<()> {
    let Run { conversation, step, asked, asked_again, ends_at, .. } = run;
    connection.change(MOVE_RUN, params![conversation.0, step, asked, asked_again, ends_at])?;
    Ok(())
}

/// No flow talks in a conversation any more.
pub(crate) fn end(connection: &Connection, conversation: ConversationId) -> database::Result<()> {
    connection.change(END_RUN, params![conversation.0])?;
    Ok(())
}

/// Conversations whose visitors have let a flow wait too long, at most `limit` of them.
pub(crate) fn due(connection: &Connection, now: Timestamp, limit: i64) -> database::Result<Vec<ConversationId>> {
    connection.all(DUE, params![now, limit], |row| row.get(0).map(ConversationId))
}

/// When the next one has.
pub(crate) fn next_due(connection: &Connection) -> database::Result<Option<Timestamp>> {
    connection.find(NEXT_DUE, params![i64::MIN], |row| row.get(0))
}

/// A message offers these answers.
pub(crate) fn offer(connection: &Connection, message: MessageId, choices: &[Choice]) -> Outcome<()> {
    connection.change(OFFER, params![message.0, serde_json::to_string(choices)?])?;
    Ok(())
}

/// The answers that a message offers.
pub(super) fn offers(connection: &Connection, message: MessageId) -> database::Result<Vec<Choice>> {
    let found: Option<String> = connection.find(OFFERS, params![message.0], |row| row.get(0))?;
    Ok(found.and_then(|choices| serde_json::from_str(&choices).ok()).unwrap_or_default())
}

/// A message offers nothing any more.
pub(super) fn withdraw(connection: &Connection, message: MessageId) -> database::Result<()> {
    connection.change(WITHDRAW, params![message.0])?;
    Ok(())
}
