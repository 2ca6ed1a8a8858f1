//! What each command does, inside the writer's transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use deskbell_protocol::planted::{Bug, is_planted};
use deskbell_protocol::{
    ATTACHMENTS_MAX, Ack, AgentId, ArticleId, AttachmentId, Author, CannedTextId, Change, Choice, ClientId, Command,
    CommandFrame, Contact, ContactId, Conversation, ConversationId, ConversationKind, ConversationState, EntityKind,
    ErrorCode, FIELD_MAX, FieldKind, FormAnswer, FormKind, Holder, MESSAGE_TEXT_MAX, Message, MessageId, MessageKind,
    NOTES_MAX, Nack, Number, Priority, ReadMark, Refusal, SNOOZE_MAX_MS, Seq, ServerFrame, SiteId, Timestamp,
    VisitorId,
};

use crate::authorize::{Action, Object, Principal, admit, answers_visitors, authorize};
use crate::desk::Core;
use crate::flows::Turn;
use crate::forms::answered;
use crate::store::batch::Write;
use crate::store::log::{self, Done, EVERYBODY};
use crate::store::{
    Failure, Outcome, Refused, agents, assignments, blocks, canned_texts, conversations, files, forms, merges, rights,
    search, teams, visitors, webhooks,
};
use crate::text;
use crate::webhooks::{contact_changed, conversation_changes, message_said};
use crate::{articles, assignment, auto_answers, flows, followers, participants, routing};

/// Bytes that a contact's fields may take together, so that the contact fits into a frame.
pub(crate) const CONTACT_BYTES_MAX: usize = 48 * 1024;

/// Codes of messages that the desk itself writes.
pub(crate) mod said {
    use deskbell_protocol::FormAnswer;

    use crate::store::Outcome;

    pub(super) const CLOSED: &str = "closed";
    pub(super) const REOPENED: &str = "reopened";
    pub(super) use crate::store::conversations::{SNOOZED, WOKEN};

    pub(crate) const UNASSIGNED: &str = "unassigned";

    pub(crate) use crate::store::conversations::{FLOW_HANDED_OVER, FLOW_STOPPED};

    pub(crate) fn flow_started(name: &str) -> String {
        format!("{}{name}", crate::store::conversations::FLOW_STARTED)
    }

    pub(crate) fn assigned(name: &str) -> String {
        format!("assigned:{name}")
    }

    /// What a visitor has answered before their first message.
    pub(super) fn form(answers: &[FormAnswer]) -> Outcome<String> {
        Ok(format!("form:{}", serde_json::to_string(answers)?))
    }

    pub(crate) fn given_to_team(name: &str) -> String {
        format!("team:{name}")
    }
}

/// Does a command once: a repeat is answered like the first time. With what a flow made of it.
pub(crate) fn perform(write: &mut Write<'_>, principal: Principal, frame: CommandFrame) -> Outcome<(Ack, Turn)> {
    let mut turn = Turn::Nothing;
    let CommandFrame { client_id, command, if_rev, client_time: _ } = frame;
    let mut client_id = client_id;
    if let Some(done) = log::find_command(write.connection, principal.key(), &client_id)? {
        if !is_planted(Bug::DedupeDropped) {
            return Ok((ack(client_id, done, true), turn));
        }
        client_id = ClientId::from_bits(write.new_id().unsigned_abs().into());
    }
    admit(write.connection, &principal, Action::of_command(&command))?;
    write.caused_by(&principal, &client_id);
    let made = match command {
        Command::Send { conversation, kind, text, attachments, mentions, article, choice } => {
            if choice.is_some() && !matches!(principal, Principal::Visitor(_)) {
                return Err(Refusal::invalid("choice", "is for visitors, who answer what the desk asks").into());
            }
            send(write, principal, &client_id, conversation, kind, &text, &attachments, mentions, article, if_rev)?
        }
        Command::Introduce { form, answers, text, attachments } => {
            let conversation = introduce(write, principal, form, &answers)?;
            let (to, kind) = (Some(conversation), MessageKind::Reply);
            send(write, principal, &client_id, to, kind, &text, &attachments, Vec::new(), None, if_rev)?
        }
        Command::Start { visitor } => start(write, principal, visitor)?,
        Command::StartInternal { agents, title, text } => {
            participants::start(write, principal, &client_id, agents, &title, &text)?
        }
        Command::ChangeParticipants { conversation, add, remove } => {
            participants::change(write, principal, conversation, add, remove, if_rev)?
        }
        Command::Follow { conversation, following } => {
            followers::change(write, principal, conversation, following, if_rev)?
        }
        Command::MarkRead { conversation, number } => mark_read(write, principal, conversation, number, if_rev)?,
        Command::SetState { conversation, state } => set_state(write, principal, conversation, state, if_rev)?,
        Command::Snooze { conversation, until } => snooze(write, principal, conversation, until, if_rev)?,
        Command::Assign { conversation, agent, team, from } => {
            assign(write, principal, conversation, Holder { agent, team }, from, if_rev)?
        }
        Command::SetPriority { conversation, priority } => {
            set_priority(write, principal, conversation, priority, if_rev)?
        }
        Command::EditMessage { conversation, message, text } => {
            edit_message(write, principal, conversation, message, &text, if_rev)?
        }
        Command::DeleteMessage { conversation, message } => {
            delete_message(write, principal, conversation, message, if_rev)?
        }
        Command::ChangeLabels { conversation, add, remove } => {
            change_labels(write, principal, conversation, &add, &remove, if_rev)?
        }
        Command::StartFlow { conversation, flow } => {
            let made;
            (made, turn) = flows::start(write, principal, conversation, flow, if_rev)?;
            made
        }
        Command::StopFlow { conversation } => {
            let made;
            (made, turn) = flows::stop(write, principal, conversation, if_rev)?;
            made
        }
        Command::UseCannedText { text } => use_canned_text(write, principal, text)?,
        Command::EditContact { contact, name, email, phone, notes } => {
            let changed = Contact {
                id: contact,
                name: text::field("name", &name, FIELD_MAX)?,
                email: text::email(&email)?,
                phone: text::field("phone", &phone, FIELD_MAX)?,
                notes: text::long_field("notes", &notes, NOTES_MAX)?,
                created_at: 0,
                verified: None,
            };
            edit_contact(write, principal, &changed, if_rev)?
        }
    };
    let done = Done { seq: write.head(), id: made.0, number: made.1 };
    log::add_command(write.connection, principal.key(), &client_id, done)?;
    Ok((ack(client_id, done, false), turn))
}

fn ack(client_id: ClientId, done: Done, duplicate: bool) -> Ack {
    Ack { client_id, seq: done.seq, id: done.id, number: done.number, duplicate }
}

/// What is to be done later, by itself, because of a command.
#[derive(Clone, Copy, Debug, Default)]
struct Later {
    /// The desk answers something.
    answers: bool,
    /// What a team has is everybody's.
    routed: bool,
}

/// Gives a conversation to whom it is for, and answers it, after a visitor has written in it, or a flow has come to an end
/// there. `anew`: it begins, or begins again.
fn follow_up(
    write: &mut Write<'_>,
    (id, site): (ConversationId, SiteId),
    turn: Turn,
    anew: bool,
    online: bool,
    agents: &BTreeSet<AgentId>,
) -> Outcome<Later> {
    let routed = match turn {
        Turn::HandsOver(team) => routing::give(write, id, team, agents)?,
        Turn::Nothing if anew => routing::give(write, id, None, agents)?,
        Turn::Nothing | Turn::Talks => false,
    };
    assignment::give(write, id, agents)?;
    let answers = auto_answers::heard(write, (id, site), online, turn)?;
    Ok(Later { answers, routed })
}

/// Queues a command at once, in the order of calls; the answer comes after the commit.
pub(crate) fn submit(
    core: &Arc<Core>,
    principal: Principal,
    frame: CommandFrame,
) -> impl Future<Output = ServerFrame> + Send + 'static {
    let client_id = frame.client_id.clone();
    let snoozes = matches!(frame.command, Command::Snooze { .. });
    let deletes = matches!(frame.command, Command::DeleteMessage { .. });
    let wait = match (principal, &frame.command) {
        (Principal::Visitor(visitor), Command::Send { .. } | Command::Introduce { .. }) => {
            core.visitor_messages.take(visitor, Instant::now())
        }
        _ => Ok(()),
    };
    let writes = match (principal, &frame.command) {
        (Principal::Visitor(visitor), Command::Send { .. } | Command::Introduce { .. }) => Some(visitor),
        _ => None,
    };
    let of_flow = match &frame.command {
        Command::StartFlow { conversation, .. } | Command::StopFlow { conversation } => Some(*conversation),
        _ => None,
    };
    // Whoever is given what a visitor writes hears of both at once, and so does the visitor of the desk's own answer.
    let there = (writes.is_some() || of_flow.is_some())
        .then(|| (core.hub.agents_online(), core.availability.online(&core.hub)));
    let choice = match &frame.command {
        Command::Send { choice, .. } => choice.clone(),
        _ => None,
    };
    let hub = Arc::clone(&core.hub);
    let done = wait.map(|()| {
        core.writer.submit(move |write| {
            let opened = match writes {
                Some(visitor) => conversations::is_opened_by(write.connection, visitor)?,
                None => false,
            };
            let (ack, mut turn) = perform(write, principal, frame)?;
            let mut later = Later::default();
            let found = match (writes, of_flow) {
                _ if ack.duplicate => None,
                (Some(visitor), _) => conversations::latest_of_visitor(write.connection, visitor)?,
                // A flow that goes on has done what there was to do, and where none was stopped there is nothing.
                (None, Some(id)) if matches!(turn, Turn::HandsOver(_)) => conversations::find(write.connection, id)?,
                (None, _) => None,
            };
            if let (Some(found), Some((agents, online))) = (found, there) {
                let (id, site, anew) = (found.id, found.site, opened || found.created_at == write.now);
                let online = online.at(site);
                // A flow goes first: whoever it talks to waits for nobody, and is given to nobody.
                if let (Some(_), Some(message), Some(number)) = (writes, ack.id, ack.number) {
                    turn = flows::heard(write, found, (MessageId(message), number), choice.as_deref(), online)?;
                }
                later = follow_up(write, (id, site), turn, anew, online, &agents)?;
            }
            // What a flow that goes on does next waits for its time.
            let talks = turn == Turn::Talks;
            if snoozes || deletes || talks || later.answers || later.routed {
                write.then(move || {
                    let due = [
                        (snoozes, &hub.snoozed),
                        (deletes, &hub.deleted),
                        (talks, &hub.talking),
                        (later.answers, &hub.answering),
                        (later.routed, &hub.routing),
                    ];
                    due.iter().filter(|(is_due, _)| *is_due).for_each(|(_, task)| task.notify_one());
                });
            }
            Ok(ack)
        })
    });
    let core = Arc::clone(core);
    async move {
        let wait = match done {
            Ok(done) => {
                return match done.await {
                    Ok(ack) => {
                        core.hub.metrics.command(if ack.duplicate { "repeated" } else { "done" });
                        ServerFrame::Ack(ack)
                    }
                    Err(failure) => {
                        let refused = nack(client_id, failure);
                        core.hub.metrics.command("refused");
                        core.hub.metrics.error(refused.code);
                        ServerFrame::Nack(refused)
                    }
                };
            }
            Err(wait) => wait,
        };
        core.hub.metrics.command("refused");
        core.hub.metrics.error(ErrorCode::TooManyAttempts);
        ServerFrame::Nack(Nack {
            client_id,
            code: ErrorCode::TooManyAttempts,
            message: "Too many messages at once; this one can be sent again in a moment.".to_owned(),
            field: None,
            retry_after_ms: Some(wait.as_millis().try_into().unwrap_or(u64::MAX).max(1)),
            current: None,
        })
    }
}

/// The refusal of a command.
pub(crate) fn nack(client_id: ClientId, failure: Failure) -> Nack {
    let current = match &failure {
        Failure::Refused(refused) => refused.current.clone().map(Box::new),
        _ => None,
    };
    let refusal = failure.into_refusal();
    let Refusal { code, message, field, retry_after_ms } = refusal;
    Nack { client_id, code, message, field, retry_after_ms, current }
}

/// The id and the number that an ack tells.
pub(crate) type Made = (Option<i64>, Option<Number>);

pub(crate) fn open(
    write: &Write<'_>,
    principal: &Principal,
    action: Action,
    id: ConversationId,
) -> Outcome<Conversation> {
    let found = conversations::find(write.connection, id)?.ok_or_else(|| Failure::not_found("conversation"))?;
    if found.is_internal() && !action.fits_internal() {
        authorize(write.connection, principal, Action::Read, &found)?;
        let words =
            "is one among the team: nobody has or follows it, it is not closed or put off, and all in it are notes";
        return Err(Refusal::invalid("conversation", words).into());
    }
    authorize(write.connection, principal, action, &found)?;
    Ok(found)
}

/// Refuses when somebody else was faster.
pub(crate) fn unchanged_since(
    write: &Write<'_>,
    principal: &Principal,
    entity: EntityKind,
    id: i64,
    if_rev: Option<Seq>,
) -> Outcome<()> {
    let Some(if_rev) = if_rev else { return Ok(()) };
    let Some(row) = log::row(write.connection, entity, id, EVERYBODY)? else { return Ok(()) };
    if row.change.seq == if_rev {
        return Ok(());
    }
    Err(conflict(write, principal, entity, id)?)
}

/// Somebody else was faster: the refusal, with the present state.
fn conflict(write: &Write<'_>, principal: &Principal, entity: EntityKind, id: i64) -> Outcome<Failure> {
    let row = log::row(write.connection, entity, id, EVERYBODY)?;
    let refusal = Refusal::new(
        ErrorCode::Conflict,
        "Somebody else changed it first; look at the present state and decide again.",
    );
    // A visitor's view of a conversation is narrower than the row, so visitors are told the reason alone.
    let current: Option<Change> =
        row.filter(|_| matches!(principal, Principal::Agent(_))).map(|row| row.seen_by(principal));
    Ok(Failure::Refused(Box::new(Refused { refusal, current })))
}

pub(crate) fn store(write: &mut Write<'_>, conversation: &Conversation) -> Outcome<()> {
    if webhooks::is_any(write.connection)? {
        let before = conversations::find(write.connection, conversation.id)?;
        conversation_changes(write, before.as_ref(), conversation)?;
    }
    conversations::update(write.connection, conversation)?;
    write.touch_in(EntityKind::Conversation, conversation.id.0, conversation.id)
}

/// Adds a message at the end of a conversation. The caller stores the conversation.
pub(crate) fn say(
    write: &mut Write<'_>,
    conversation: &mut Conversation,
    author: Author,
    kind: MessageKind,
    text: String,
    client_id: Option<ClientId>,
    attachments: &[AttachmentId],
) -> Outcome<(MessageId, Number)> {
    conversation.last_number += 1;
    conversation.active_at = write.now;
    let message = Message {
        id: MessageId(write.new_id()),
        conversation: conversation.id,
        number: conversation.last_number,
        author,
        kind,
        text,
        attachments: Vec::new(),
        client_id,
        created_at: write.now,
        edited_at: None,
        deleted_at: None,
        mentions: Vec::new(),
        article: None,
        choices: Vec::new(),
    };
    conversations::add_message(write.connection, &message, attachments.len())?;
    for attachment in attachments {
        if !files::attach(write.connection, *attachment, message.id)? {
            return Err(Refusal::invalid("attachments", "a file can be sent only once").into());
        }
    }
    write.touch_in(EntityKind::Message, message.id.0, conversation.id)?;
    Ok((message.id, message.number))
}

/// Says something in the desk's own name. The caller stores the conversation.
pub(crate) fn desk_says(write: &mut Write<'_>, conversation: &mut Conversation, code: &str) -> Outcome<()> {
    say(write, conversation, Author::Desk, MessageKind::System, code.to_owned(), None, &[])?;
    Ok(())
}

/// Answers in the desk's own name, or asks and offers answers. That is no answer of an agent's: whoever waits, waits on.
pub(crate) fn desk_answers(
    write: &mut Write<'_>,
    conversation: &mut Conversation,
    text: String,
    choices: &[Choice],
) -> Outcome<Number> {
    let kind = MessageKind::Reply;
    let (id, number) = say(write, conversation, Author::Desk, kind, text, None, &[])?;
    if !choices.is_empty() {
        flows::offer(write.connection, id, choices)?;
    }
    store(write, conversation)?;
    message_said(write, conversation, kind, false, id)?;
    Ok(number)
}

/// Makes a conversation with a visitor.
fn begin(write: &mut Write<'_>, visitor: VisitorId) -> Outcome<Conversation> {
    let visitor = visitors::find(write.connection, visitor)?.ok_or_else(|| Failure::not_found("visitor"))?;
    let conversation = Conversation {
        contact: visitor.contact,
        visitor: visitor.id,
        site: visitor.site,
        ..conversations::empty(ConversationId(write.new_id()), ConversationKind::Customer, write.now)
    };
    conversations::add(write.connection, &conversation)?;
    if webhooks::is_any(write.connection)? {
        conversation_changes(write, None, &conversation)?;
    }
    visitors::count_chat(write.connection, visitor.id)?;
    // Whoever took a snapshot while the visitor was away has not heard of the person.
    write.touch(EntityKind::Contact, visitor.contact.0)?;
    write.touch(EntityKind::Visitor, visitor.id.0)?;
    Ok(conversation)
}

#[allow(clippy::too_many_arguments)]
fn send(
    write: &mut Write<'_>,
    principal: Principal,
    client_id: &ClientId,
    conversation: Option<ConversationId>,
    kind: MessageKind,
    text: &str,
    attachments: &[AttachmentId],
    mentions: Vec<AgentId>,
    article: Option<ArticleId>,
    if_rev: Option<Seq>,
) -> Outcome<Made> {
    let action = match kind {
        MessageKind::Reply => Action::Reply,
        MessageKind::Note => Action::WriteNote,
        MessageKind::System => return Err(Refusal::invalid("kind", "must be reply or note").into()),
    };
    let text = text::long_field("text", text, MESSAGE_TEXT_MAX)?;
    if text.trim().is_empty() && attachments.is_empty() && article.is_none() {
        return Err(Refusal::invalid("text", "must not be empty without attachments").into());
    }
    if attachments.len() > ATTACHMENTS_MAX {
        return Err(Refusal::invalid("attachments", &format!("at most {ATTACHMENTS_MAX}")).into());
    }
    let mut conversation = match (conversation, principal) {
        (Some(id), _) => open(write, &principal, action, id)?,
        (None, Principal::Visitor(visitor)) => match conversations::latest_of_visitor(write.connection, visitor)? {
            Some(found) => found,
            None => begin(write, visitor)?,
        },
        (None, _) => return Err(Refusal::invalid("conversation", "must be given").into()),
    };
    authorize(write.connection, &principal, action, &conversation)?;
    unchanged_since(write, &principal, EntityKind::Conversation, conversation.id.0, if_rev)?;
    for id in attachments {
        let stored = files::find(write.connection, *id)?.ok_or_else(|| Failure::not_found("file"))?;
        authorize(write.connection, &principal, Action::Attach, &stored)?;
    }
    let mentions = followers::mentioned(write, &conversation, kind, mentions)?;
    let article = article.map(|id| articles::sent(write, &principal, &conversation, kind, id)).transpose()?;

    let author = match principal {
        Principal::Visitor(_) => {
            // Their session ends as well; what they sent a moment before that is not taken either.
            if blocks::stops_contact(write.connection, conversation.contact, write.now)? {
                return Err(Failure::not_found("conversation"));
            }
            // However its agent came to answer it no more: what is written now has to reach somebody.
            assignment::let_go_lost(write, &mut conversation)?;
            reopen(write, &mut conversation)?;
            conversation.waiting_since = conversation.waiting_since.or(Some(write.now));
            Author::Visitor
        }
        Principal::Agent(id) => {
            let agent = agents::find(write.connection, id)?.ok_or_else(|| Failure::not_found("agent"))?;
            if kind == MessageKind::Reply {
                conversation.waiting_since = None;
                flows::end(write.connection, conversation.id)?;
            }
            Author::Agent { id, name: agent.name }
        }
        Principal::Nobody => return Err(Failure::not_found("conversation")),
    };
    let (id, number) = say(write, &mut conversation, author, kind, text, Some(client_id.clone()), attachments)?;
    followers::mention(write, &mut conversation, id, &mentions)?;
    if let Some(card) = &article {
        articles::bring(write, id, card)?;
    }
    store(write, &conversation)?;
    message_said(write, &conversation, kind, matches!(principal, Principal::Visitor(_)), id)?;
    if let Principal::Agent(agent) = principal {
        move_read_mark(write, agent, ReadMark { conversation: conversation.id, number })?;
    }
    Ok((Some(id.0), Some(number)))
}

/// Writes down what a visitor answers before their first message: for the team in the conversation, and of the person
/// what the team does not know yet.
fn introduce(
    write: &mut Write<'_>,
    principal: Principal,
    form: FormKind,
    answers: &BTreeMap<String, String>,
) -> Outcome<ConversationId> {
    let Principal::Visitor(id) = principal else { return Err(Failure::not_found("visitor")) };
    let visitor = visitors::find(write.connection, id)?.ok_or_else(|| Failure::not_found("visitor"))?;
    let asked = forms::find(write.connection, visitor.site)?;
    let said = answered(&asked, form, answers, visitor.spoken_to())?;
    let mut conversation = match conversations::latest_of_visitor(write.connection, id)? {
        Some(found) => found,
        None => begin(write, id)?,
    };
    authorize(write.connection, &principal, Action::Introduce, &conversation)?;
    if !said.is_empty() {
        desk_says(write, &mut conversation, &said::form(&said)?)?;
        store(write, &conversation)?;
        fill_contact(write, conversation.contact, &said)?;
    }
    Ok(conversation.id)
}

/// What somebody says of themselves, as far as nothing else is known: an agent's word, or an earlier one, stands.
pub(crate) fn fill_contact(write: &mut Write<'_>, contact: ContactId, said: &[FormAnswer]) -> Outcome<()> {
    let before = visitors::find_contact(write.connection, contact)?.ok_or_else(|| Failure::not_found("person"))?;
    let mut now = before.clone();
    for FormAnswer { kind, answer, .. } in said {
        let known = match kind {
            FieldKind::Name => &mut now.name,
            FieldKind::Email => &mut now.email,
            FieldKind::Phone => &mut now.phone,
            FieldKind::Text | FieldKind::Choice => continue,
        };
        if known.is_empty() {
            known.clone_from(answer);
        }
    }
    if now != before {
        visitors::edit_contact(write.connection, &now)?;
        contact_changed(write, &before, &now)?;
        write.touch(EntityKind::Contact, contact.0)?;
    }
    Ok(())
}

fn start(write: &mut Write<'_>, principal: Principal, visitor: VisitorId) -> Outcome<Made> {
    let site = visitors::site_of(write.connection, visitor)?.ok_or_else(|| Failure::not_found("person"))?;
    authorize(write.connection, &principal, Action::StartConversation, Object::Customer(site))?;
    let conversation = match conversations::latest_of_visitor(write.connection, visitor)? {
        Some(mut found) => {
            if reopen(write, &mut found)? {
                store(write, &found)?;
            }
            found
        }
        None => {
            let begun = begin(write, visitor)?;
            store(write, &begun)?;
            begun
        }
    };
    Ok((Some(conversation.id.0), None))
}

/// Opens a conversation. Whoever had it and cannot answer it any more has it no more. False: it was open. The caller
/// stores it.
pub(crate) fn reopen(write: &mut Write<'_>, conversation: &mut Conversation) -> Outcome<bool> {
    let code = match conversation.state {
        ConversationState::Open => return Ok(false),
        ConversationState::Closed => said::REOPENED,
        ConversationState::Snoozed => said::WOKEN,
    };
    conversation.state = ConversationState::Open;
    conversation.snoozed_until = None;
    assignment::let_go_lost(write, conversation)?;
    desk_says(write, conversation, code)?;
    Ok(true)
}

/// Closes a conversation. Nobody waits in it, and no flow talks there. The caller stores it.
pub(crate) fn close(write: &mut Write<'_>, conversation: &mut Conversation) -> Outcome<()> {
    conversation.state = ConversationState::Closed;
    conversation.waiting_since = None;
    conversation.snoozed_until = None;
    flows::end(write.connection, conversation.id)?;
    desk_says(write, conversation, said::CLOSED)
}

/// Opens snoozed conversations whose time has come, at most `limit` of them.
pub(crate) fn wake_due(write: &mut Write<'_>, limit: i64) -> Outcome<()> {
    for id in conversations::due(write.connection, write.now, limit)? {
        if let Some(mut conversation) = conversations::find(write.connection, id)?
            && reopen(write, &mut conversation)?
        {
            store(write, &conversation)?;
        }
    }
    Ok(())
}

pub(crate) fn move_read_mark(write: &mut Write<'_>, agent: AgentId, mark: ReadMark) -> Outcome<()> {
    let before = conversations::find_read_mark(write.connection, agent, mark.conversation)?;
    if before.is_none_or(|before| before.number < mark.number) || is_planted(Bug::ReadMarkGoesBack) {
        conversations::set_read_mark(write.connection, agent, mark)?;
        write.touch_for(EntityKind::ReadMark, mark.conversation.0, agent.0)?;
    }
    Ok(())
}

fn mark_read(
    write: &mut Write<'_>,
    principal: Principal,
    id: ConversationId,
    number: Number,
    if_rev: Option<Seq>,
) -> Outcome<Made> {
    let mut conversation = open(write, &principal, Action::MarkRead, id)?;
    unchanged_since(write, &principal, EntityKind::Conversation, id.0, if_rev)?;
    if number < 0 {
        return Err(Refusal::invalid("number", "must not be negative").into());
    }
    let number = number.min(conversation.last_number);
    match principal {
        Principal::Agent(agent) => move_read_mark(write, agent, ReadMark { conversation: id, number })?,
        Principal::Visitor(_) if number > conversation.visitor_read => {
            conversation.visitor_read = number;
            store(write, &conversation)?;
        }
        Principal::Visitor(_) | Principal::Nobody => {}
    }
    Ok((Some(id.0), Some(number)))
}

fn set_state(
    write: &mut Write<'_>,
    principal: Principal,
    id: ConversationId,
    state: ConversationState,
    if_rev: Option<Seq>,
) -> Outcome<Made> {
    let change: fn(&mut Write<'_>, &mut Conversation) -> Outcome<()> = match state {
        ConversationState::Closed => close,
        ConversationState::Open => |write, conversation| reopen(write, conversation).map(drop),
        ConversationState::Snoozed => {
            return Err(Refusal::invalid("state", "must be open or closed; the command snooze puts off").into());
        }
    };
    let mut conversation = open(write, &principal, Action::SetState, id)?;
    unchanged_since(write, &principal, EntityKind::Conversation, id.0, if_rev)?;
    if conversation.state != state {
        change(write, &mut conversation)?;
        store(write, &conversation)?;
    }
    Ok((Some(id.0), None))
}

fn snooze(
    write: &mut Write<'_>,
    principal: Principal,
    id: ConversationId,
    until: Option<Timestamp>,
    if_rev: Option<Seq>,
) -> Outcome<Made> {
    let mut conversation = open(write, &principal, Action::SetState, id)?;
    unchanged_since(write, &principal, EntityKind::Conversation, id.0, if_rev)?;
    if let Some(until) = until {
        if until <= write.now {
            return Err(Refusal::invalid("until", "must be in the future").into());
        }
        if until > write.now.saturating_add(SNOOZE_MAX_MS) {
            return Err(Refusal::invalid("until", "must be within one year").into());
        }
    }
    if conversation.state != ConversationState::Snoozed || conversation.snoozed_until != until {
        conversation.state = ConversationState::Snoozed;
        conversation.snoozed_until = until;
        // Whoever puts it off has seen to it; the visitor's next message is for people.
        flows::end(write.connection, id)?;
        desk_says(write, &mut conversation, said::SNOOZED)?;
        store(write, &conversation)?;
    }
    Ok((Some(id.0), None))
}

fn assign(
    write: &mut Write<'_>,
    principal: Principal,
    id: ConversationId,
    to: Holder,
    from: Option<Holder>,
    if_rev: Option<Seq>,
) -> Outcome<Made> {
    let Holder { agent, team } = to;
    let mut conversation = open(write, &principal, Action::Assign, id)?;
    unchanged_since(write, &principal, EntityKind::Conversation, id.0, if_rev)?;
    // That it is where it should be is no conflict, whoever brought it there.
    if from.is_some_and(|from| from != conversation.holder()) && to != conversation.holder() {
        return Err(conflict(write, &principal, EntityKind::Conversation, id.0)?);
    }
    let site = conversation.site;
    // Whoever it is given to has to see and to answer it, or nobody would.
    let agent_name = match agent {
        Some(id) => {
            let found = agents::find(write.connection, id)?.filter(|found| found.active);
            let found = found.ok_or_else(|| Refusal::invalid("agent", "there is no such agent"))?;
            if !rights::sees_conversation(write.connection, id, site, conversation.id)? {
                return Err(Refusal::invalid("agent", "does not see the conversations of this site").into());
            }
            if !answers_visitors(found.role) {
                return Err(Refusal::invalid("agent", "has a role that answers no visitors").into());
            }
            Some(found.name)
        }
        None => None,
    };
    let team_name = match team {
        Some(id) => {
            let found = teams::find(write.connection, id)?.filter(|found| found.active);
            let found = found.ok_or_else(|| Refusal::invalid("team", "there is no such team"))?;
            if !rights::team_answers(write.connection, id, site)? {
                return Err(Refusal::invalid("team", "has nobody who answers the visitors of this site").into());
            }
            Some(found.name)
        }
        None => None,
    };
    let (to_agent, to_team) = (conversation.assignee != agent, conversation.team != team);
    if to_agent || to_team {
        // From here on somebody has decided, and whoever had it is not given it again at once.
        assignments::forget(write.connection, id)?;
        if let (Some(had), Some(since), true) = (conversation.assignee, conversation.waiting_since, to_agent) {
            assignments::let_go(write.connection, id, had, since)?;
        }
        (conversation.assignee, conversation.team) = (agent, team);
        let said = match (agent_name, team_name) {
            (Some(name), _) if to_agent => said::assigned(&name),
            (_, Some(name)) if to_team => said::given_to_team(&name),
            _ => said::UNASSIGNED.to_owned(),
        };
        desk_says(write, &mut conversation, &said)?;
        store(write, &conversation)?;
        // Whoever gives it back knows that it is nobody's, unless they have not read what waits there either.
        if let (Principal::Agent(me), None) = (principal, agent) {
            let read = conversations::find_read_mark(write.connection, me, id)?.map_or(0, |mark| mark.number);
            if read.saturating_add(1) == conversation.last_number {
                move_read_mark(write, me, ReadMark { conversation: id, number: conversation.last_number })?;
            }
        }
    }
    Ok((Some(id.0), None))
}

fn set_priority(
    write: &mut Write<'_>,
    principal: Principal,
    id: ConversationId,
    priority: Priority,
    if_rev: Option<Seq>,
) -> Outcome<Made> {
    let mut conversation = open(write, &principal, Action::Prioritise, id)?;
    unchanged_since(write, &principal, EntityKind::Conversation, id.0, if_rev)?;
    if conversation.priority != priority {
        conversation.priority = priority;
        store(write, &conversation)?;
    }
    Ok((Some(id.0), None))
}

/// The message, and the agent who may do that with it.
fn open_message(
    write: &Write<'_>,
    principal: &Principal,
    action: Action,
    conversation: ConversationId,
    id: MessageId,
) -> Outcome<(Message, AgentId)> {
    let Principal::Agent(agent) = *principal else { return Err(Failure::not_found("message")) };
    // Whoever sees the conversation no more leaves it as it is.
    let conversation = open(write, principal, Action::Read, conversation)?;
    // What the desk itself says belongs to nobody.
    let found = conversations::find_message(write.connection, id)?
        .filter(|message| message.conversation == conversation.id && message.kind != MessageKind::System)
        .ok_or_else(|| Failure::not_found("message"))?;
    authorize(write.connection, principal, action, (&found, &conversation))?;
    Ok((found, agent))
}

/// Stores a message that says something else now.
fn rewrite(write: &mut Write<'_>, before: &Message, now: &Message, by: AgentId) -> Outcome<Made> {
    conversations::rewrite_message(write.connection, before, now, by, write.now)?;
    search::reword_message(write.connection, now.id)?;
    write.touch_in(EntityKind::Message, now.id.0, now.conversation)?;
    Ok((Some(now.id.0), Some(now.number)))
}

fn edit_message(
    write: &mut Write<'_>,
    principal: Principal,
    conversation: ConversationId,
    id: MessageId,
    text: &str,
    if_rev: Option<Seq>,
) -> Outcome<Made> {
    let (before, by) = open_message(write, &principal, Action::EditMessage, conversation, id)?;
    unchanged_since(write, &principal, EntityKind::Message, id.0, if_rev)?;
    if before.deleted_at.is_some() {
        let words = "The message was deleted and cannot be edited any more; write a new one.";
        return Err(Refusal::new(ErrorCode::Conflict, words).into());
    }
    let text = text::long_field("text", text, MESSAGE_TEXT_MAX)?;
    if text.trim().is_empty() && before.attachments.is_empty() && before.article.is_none() {
        return Err(Refusal::invalid("text", "must not be empty without attachments").into());
    }
    if text == before.text {
        return Ok((Some(id.0), Some(before.number)));
    }
    let now = Message { text, edited_at: Some(write.now), ..before.clone() };
    rewrite(write, &before, &now, by)
}

fn delete_message(
    write: &mut Write<'_>,
    principal: Principal,
    conversation: ConversationId,
    id: MessageId,
    if_rev: Option<Seq>,
) -> Outcome<Made> {
    let (before, by) = open_message(write, &principal, Action::DeleteMessage, conversation, id)?;
    unchanged_since(write, &principal, EntityKind::Message, id.0, if_rev)?;
    if before.deleted_at.is_some() {
        return Ok((Some(id.0), Some(before.number)));
    }
    files::drop_of_message(write.connection, id)?;
    let now = Message {
        text: String::new(),
        attachments: Vec::new(),
        mentions: Vec::new(),
        article: None,
        choices: Vec::new(),
        deleted_at: Some(write.now),
        ..before.clone()
    };
    rewrite(write, &before, &now, by)
}

fn change_labels(
    write: &mut Write<'_>,
    principal: Principal,
    id: ConversationId,
    add: &[String],
    remove: &[String],
    if_rev: Option<Seq>,
) -> Outcome<Made> {
    let conversation = open(write, &principal, Action::Label, id)?;
    unchanged_since(write, &principal, EntityKind::Conversation, id.0, if_rev)?;
    let labels = deskbell_search::change_labels(&conversation.labels, add, remove)
        .map_err(|bad| Refusal::invalid("add", &bad.to_string()))?;
    if labels != conversation.labels {
        conversations::set_labels(write.connection, id, &labels)?;
        write.touch_in(EntityKind::Conversation, id.0, id)?;
    }
    Ok((Some(id.0), None))
}

/// Whoever no longer sees a text has inserted it from what was here before; nothing is wrong with that.
fn use_canned_text(write: &mut Write<'_>, principal: Principal, id: CannedTextId) -> Outcome<Made> {
    if let Principal::Agent(me) = principal
        && let Some(found) = canned_texts::find(write.connection, id)?
        && canned_texts::sees(write.connection, me, found.owner)?
    {
        canned_texts::count(write, &found)?;
    }
    Ok((None, None))
}

fn edit_contact(write: &mut Write<'_>, principal: Principal, changed: &Contact, if_rev: Option<Seq>) -> Outcome<Made> {
    // Whoever has not heard of a merge yet means the one that stays.
    let changed = &Contact { id: merges::resolve(write.connection, changed.id)?, ..changed.clone() };
    let ContactId(id) = changed.id;
    let site = visitors::site_of_contact(write.connection, changed.id)?.ok_or_else(|| Failure::not_found("person"))?;
    authorize(write.connection, &principal, Action::EditContact, Object::Customer(site))?;
    let Some(before) = visitors::find_contact(write.connection, changed.id)? else {
        return Err(Failure::not_found("person"));
    };
    unchanged_since(write, &principal, EntityKind::Contact, id, if_rev)?;
    if changed.name.len() + changed.phone.len() + changed.notes.len() > CONTACT_BYTES_MAX {
        return Err(Refusal::invalid("notes", "name, phone and notes together are too long").into());
    }
    let changed = &Contact { created_at: before.created_at, verified: before.verified.clone(), ..changed.clone() };
    if *changed != before {
        visitors::edit_contact(write.connection, changed)?;
        contact_changed(write, &before, changed)?;
        write.touch(EntityKind::Contact, id)?;
    }
    Ok((Some(id), None))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use deskbell_protocol::Role;

    use super::*;
    use crate::{Desk, Settings};

    #[tokio::test]
    async fn dc_01_what_follows_from_a_command_follows_although_nobody_waits_for_its_answer() {
        let directory = tempfile::tempdir().unwrap();
        let desk = Desk::open(Settings { data: directory.path().to_owned(), ..Settings::default() }).unwrap();
        let (core, administration) = (desk.core(), desk.administer());
        let mut team = Vec::new();
        for name in ["Ann", "Ben"] {
            let email = format!("{name}@desk.example");
            team.push(administration.add_agent(name, &email, "correct horse", Role::Agent).await.unwrap().id);
        }
        let frame = |command| CommandFrame {
            client_id: ClientId::from_bits(rand::random()),
            command,
            if_rev: None,
            client_time: 0,
        };
        let ann = Principal::Agent(team[0]);
        let start = Command::StartInternal { agents: vec![team[1]], title: String::new(), text: "Tea?".to_owned() };
        let ServerFrame::Ack(begun) = submit(core, ann, frame(start)).await else { unreachable!() };
        let conversation = ConversationId(begun.id.unwrap());
        let said = core
            .readers
            .read(move |connection| Ok(conversations::last_messages(connection, conversation, Number::MAX, true, 1)?));
        let message = said.await.unwrap()[0].0;
        // Ann's connection breaks before the commit.
        drop(submit(core, ann, frame(Command::DeleteMessage { conversation, message })));
        let told = tokio::time::timeout(Duration::from_secs(30), core.hub.deleted.notified()).await;
        assert!(told.is_ok(), "nobody removes the files of the message");
    }
}
