//! One deed for many conversations, each of which is answered for itself.

use axum::Json;
use axum::extract::State;
use deskbell_protocol::http::{BULK_MAX, Bulk, BulkDeed, BulkDone, BulkResult};
use deskbell_protocol::{ClientId, Command, CommandFrame, ConversationId, Refusal, ServerFrame};

use crate::commands;
use crate::desk::Serving;
use crate::http::{Body, HttpError, json};
use crate::routes::Asker;

fn command(deed: &BulkDeed, conversation: ConversationId) -> Command {
    match deed.clone() {
        BulkDeed::SetState { state } => Command::SetState { conversation, state },
        BulkDeed::Snooze { until } => Command::Snooze { conversation, until },
        BulkDeed::Assign { agent, team } => Command::Assign { conversation, agent, team, from: None },
        BulkDeed::SetPriority { priority } => Command::SetPriority { conversation, priority },
        BulkDeed::ChangeLabels { add, remove } => Command::ChangeLabels { conversation, add, remove },
    }
}

/// Do the same with many conversations: close, put off, assign and so on. One that is refused keeps no other from it.
#[utoipa::path(
    post,
    path = "/v1/conversations/bulk",
    tag = "conversations",
    request_body = Bulk,
    responses((status = 200, body = BulkDone)),
)]
pub(crate) async fn bulk(
    State(serving): State<Serving>,
    asker: Asker,
    body: Body,
) -> Result<Json<BulkDone>, HttpError> {
    let Bulk { conversations, deed } = json(body)?;
    if conversations.len() > BULK_MAX {
        return Err(Refusal::invalid("conversations", &format!("has {BULK_MAX} at the most")).into());
    }
    // All of them are queued before the first is waited for, so that they share commits.
    let mut asked = Vec::with_capacity(conversations.len());
    for wanted in conversations {
        let client_id = ClientId::from_bits(rand::random());
        let command = command(&deed, wanted.id);
        let frame = CommandFrame { client_id, command, if_rev: wanted.if_rev, client_time: crate::clock() };
        asked.push((wanted.id, commands::submit(&serving.core, asker.principal, frame)));
    }
    let mut results = Vec::with_capacity(asked.len());
    for (id, done) in asked {
        let (seq, refused) = match done.await {
            ServerFrame::Ack(ack) => (Some(ack.seq), None),
            ServerFrame::Nack(nack) => {
                let retry_after_ms = nack.retry_after_ms;
                (None, Some(Refusal { retry_after_ms, ..Refusal::new(nack.code, nack.message) }))
            }
            // A command is answered by nothing else.
            _ => continue,
        };
        results.push(BulkResult { id, seq, refused });
    }
    Ok(Json(BulkDone { results }))
}
