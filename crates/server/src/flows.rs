//! Scripts by which the desk talks to a visitor before a person does. How far one has come stands in the database alone,
//! and moves in the transaction of the message that moves it.
//!
//! As long as a flow waits for the visitor, the visitor waits for nobody: the conversation is not unanswered, rings
//! nowhere and is given to nobody. However a flow ends, the visitor waits from then on and it rings, unless an agent has
//! replied, or has closed or put off the conversation.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use deskbell_protocol::{
    AgentId, Choice, Conversation, ConversationId, EntityKind, ErrorCode, FieldKind, Flow, FlowChoice, FlowDesk,
    FlowDoes, FlowId, FlowKeep, FlowStep, FormAnswer, Message, MessageId, NewFlow, Number, OfferedFlow, ReadMark,
    Refusal, Seq, SiteId, TeamId, Timestamp,
};
use tokio_util::sync::CancellationToken;

use crate::administration::{Administration, refuse};
use crate::authorize::{Action, Principal};
use crate::availability::Online;
use crate::commands::{
    Made, close, desk_answers, desk_says, fill_contact, move_read_mark, open, reopen, said, store, unchanged_since,
};
use crate::deadlines;
use crate::desk::Core;
use crate::forms::{ANSWER_MAX, is_plain};
use crate::store::batch::Write;
use crate::store::flows::{self, Run};
pub(crate) use crate::store::flows::{end, offer};
use crate::store::{Connection, Failure, Outcome, assignments, conversations, rights, sites, teams, visitors};
use crate::{assignment, auto_answers, routing, text};

/// Most flows of a desk.
const FLOWS_MAX: usize = 50;
/// Characters of a flow's name.
const NAME_MAX: usize = 100;
/// Seconds that a flow waits for an answer: up to a day.
const PATIENCE_S: RangeInclusive<u32> = 10..=86_400;
/// Steps of a flow, answers of a step, and characters of one.
const STEPS: RangeInclusive<usize> = 1..=50;
const CHOICES: RangeInclusive<usize> = 1..=8;
const LABEL_MAX: usize = 80;
/// Bytes of a flow's steps, of which each conversation has a copy where it talks.
const STEPS_BYTES_MAX: usize = 64 * 1024;
/// Largest body that tells of a flow, in bytes: its steps, however they are written.
pub(crate) const BODY_BYTES_MAX: usize = 4 * STEPS_BYTES_MAX;
/// So often the same is asked again.
const AGAIN_MAX: u32 = 2;
/// Flows that one transaction ends.
const AT_ONCE: i64 = 64;

/// The steps that may follow a step, each under the name of the field that says so.
fn leads_to(step: &FlowStep) -> Vec<(String, Option<&String>)> {
    match &step.does {
        FlowDoes::Say { next, .. } | FlowDoes::Ask { next, .. } => vec![("next".to_owned(), next.as_ref())],
        FlowDoes::Choose { choices, .. } => {
            let choices = choices.iter().enumerate();
            choices.map(|(entry, choice)| (format!("choices[{entry}].next"), choice.next.as_ref())).collect()
        }
        FlowDoes::HandOver { .. } | FlowDoes::Close {} => Vec::new(),
    }
}

/// The place of the step that follows another one.
fn after(steps: &[FlowStep], at: usize, next: Option<&String>) -> Option<usize> {
    match next {
        Some(key) => steps.iter().position(|step| step.key == *key),
        None => at.checked_add(1).filter(|next| *next < steps.len()),
    }
}

/// Answers within their bounds.
fn checked_choices(place: &str, given: Vec<FlowChoice>) -> Result<Vec<FlowChoice>, Refusal> {
    let place = format!("{place}.choices");
    if !CHOICES.contains(&given.len()) {
        return Err(Refusal::invalid(&place, &format!("has {} to {} entries", CHOICES.start(), CHOICES.end())));
    }
    let mut checked: Vec<FlowChoice> = Vec::with_capacity(given.len());
    for (entry, FlowChoice { label, next }) in given.into_iter().enumerate() {
        let place = format!("{place}[{entry}].label");
        let label = text::by_language(&place, label, LABEL_MAX)?;
        if label.is_empty() {
            return Err(Refusal::invalid(&place, "has one language at least"));
        }
        // A visitor may see one answer in their language and another one in English, and may type what they see.
        let ambiguous = checked.iter().any(|other| label.values().any(|words| says(other, words)));
        if ambiguous {
            return Err(Refusal::invalid(&place, "says the same as another answer of the step, in whatever language"));
        }
        checked.push(FlowChoice { label, next });
    }
    Ok(checked)
}

/// Whether that is what an answer says, in any of its languages.
fn says(choice: &FlowChoice, words: &str) -> bool {
    let plain = |words: &str| words.trim().to_lowercase();
    choice.label.values().any(|label| plain(label) == plain(words))
}

/// Steps within their bounds, each by itself.
fn checked_steps(connection: &Connection, given: Vec<FlowStep>) -> Outcome<Vec<FlowStep>> {
    if !STEPS.contains(&given.len()) {
        return Err(Refusal::invalid("steps", &format!("has {} to {} entries", STEPS.start(), STEPS.end())).into());
    }
    let mut keys = HashSet::new();
    let mut checked = Vec::with_capacity(given.len());
    for (entry, FlowStep { key, does }) in given.into_iter().enumerate() {
        if !is_plain(&key) || !keys.insert(key.clone()) {
            let rule = "is 1 to 40 small letters, digits and underscores, and no other step's";
            return Err(Refusal::invalid(&format!("steps[{entry}].key"), rule).into());
        }
        let place = format!("steps[{entry}].does");
        let words = |texts| auto_answers::checked_texts(&format!("{place}.texts"), texts);
        let does = match does {
            FlowDoes::Say { texts, next } => FlowDoes::Say { texts: words(texts)?, next },
            FlowDoes::Ask { texts, keep, next } => FlowDoes::Ask { texts: words(texts)?, keep, next },
            FlowDoes::Choose { texts, choices } => {
                FlowDoes::Choose { texts: words(texts)?, choices: checked_choices(&place, choices)? }
            }
            FlowDoes::HandOver { team: Some(team) } => {
                if teams::find(connection, team)?.is_none_or(|team| !team.active) {
                    return Err(Refusal::invalid(&format!("{place}.team"), "there is no such team").into());
                }
                FlowDoes::HandOver { team: Some(team) }
            }
            FlowDoes::HandOver { team: None } | FlowDoes::Close {} => does,
        };
        checked.push(FlowStep { key, does });
    }
    Ok(checked)
}

/// Refuses ways that lead nowhere, or for ever on without the visitor.
fn checked_ways(steps: &[FlowStep]) -> Result<(), Refusal> {
    let mut ways = Vec::with_capacity(steps.len());
    for (at, step) in steps.iter().enumerate() {
        let mut next = Vec::new();
        for (field, key) in leads_to(step) {
            let Some(place) = after(steps, at, key) else {
                let rule = match key {
                    Some(_) => "names no step of the flow",
                    None => "is left out, and no step follows",
                };
                return Err(Refusal::invalid(&format!("steps[{at}].does.{field}"), rule));
            };
            next.push(place);
        }
        ways.push(next);
    }
    let asks = |at: &usize| !matches!(steps.get(*at).map(|step| &step.does), Some(FlowDoes::Say { .. }));
    for first in (0..steps.len()).filter(|at| !asks(at)) {
        // Whatever only says something leads to one step.
        let mut way = std::iter::successors(Some(first), |at| ways.get(*at)?.first().copied()).skip(1);
        if way.by_ref().take(steps.len()).take_while(|at| !asks(at)).any(|at| at == first) {
            let rule = "goes round in a circle in which the visitor is asked nothing";
            return Err(Refusal::invalid(&format!("steps[{first}].does.next"), rule));
        }
    }
    let mut ends: Vec<bool> =
        steps.iter().map(|step| matches!(step.does, FlowDoes::HandOver { .. } | FlowDoes::Close {})).collect();
    for _ in steps {
        for (at, next) in ways.iter().enumerate() {
            let leads = next.iter().any(|next| ends.get(*next).copied().unwrap_or_default());
            if let Some(end) = ends.get_mut(at) {
                *end |= leads;
            }
        }
    }
    match ends.iter().position(|ends| !ends) {
        Some(at) => Err(Refusal::invalid(&format!("steps[{at}]"), "leads to no hand_over and to no close")),
        None => Ok(()),
    }
}

/// A flow within its bounds, that comes to an end.
fn checked(connection: &Connection, given: NewFlow) -> Outcome<NewFlow> {
    let name = text::field("name", &given.name, NAME_MAX)?;
    if name.is_empty() {
        return Err(Refusal::invalid("name", "must not be empty").into());
    }
    if let Some(site) = given.site
        && sites::find(connection, site)?.is_none()
    {
        return Err(Refusal::invalid("site", "there is no such site").into());
    }
    if !PATIENCE_S.contains(&given.patience_s) {
        let rule = format!("is {} to {} seconds", PATIENCE_S.start(), PATIENCE_S.end());
        return Err(Refusal::invalid("patience_s", &rule).into());
    }
    let steps = checked_steps(connection, given.steps)?;
    checked_ways(&steps)?;
    if serde_json::to_vec(&steps)?.len() > STEPS_BYTES_MAX {
        return Err(Refusal::invalid("steps", &format!("take {STEPS_BYTES_MAX} bytes at the most, as JSON")).into());
    }
    Ok(NewFlow { name, steps, ..given })
}

/// What a flow made of a visitor's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing: no flow talks there.
    Nothing,
    /// It has answered, or waits on.
    Talks,
    /// It has handed over, to a team if it names one.
    HandsOver(Option<TeamId>),
}

/// Goes on from a step until the visitor is asked something, or the flow ends. The visitor waits for nobody then, unless
/// it hands over.
///
/// Whatever is wrong with the steps, such as a row that another version wrote: people take over.
fn walk(write: &mut Write<'_>, conversation: &mut Conversation, run: &mut Run, from: Option<usize>) -> Outcome<Turn> {
    conversation.waiting_since = None;
    let mut at = from;
    // No way is longer than all steps together.
    for _ in 0..run.steps.len() {
        let Some((place, step)) = at.and_then(|place| Some((place, run.steps.get(place)?.clone()))) else { break };
        match step.does {
            FlowDoes::Say { texts, next } => {
                say(write, conversation, &texts, &[])?;
                at = after(&run.steps, place, next.as_ref());
            }
            FlowDoes::Ask { .. } | FlowDoes::Choose { .. } => {
                let Ok(step) = u32::try_from(place) else { break };
                (run.step, run.asked_again) = (step, 0);
                ask(write, conversation, run)?;
                return Ok(Turn::Talks);
            }
            FlowDoes::HandOver { team } => return hand_over(write, conversation, team, said::FLOW_HANDED_OVER),
            FlowDoes::Close {} => {
                close(write, conversation)?;
                store(write, conversation)?;
                return Ok(Turn::Talks);
            }
        }
    }
    hand_over(write, conversation, None, said::FLOW_HANDED_OVER)
}

/// Asks what the step at hand asks, and waits from now on.
fn ask(write: &mut Write<'_>, conversation: &mut Conversation, run: &mut Run) -> Outcome<()> {
    let step = usize::try_from(run.step).ok().and_then(|step| run.steps.get(step)).cloned();
    let (texts, choices) = match step.map(|step| step.does) {
        Some(FlowDoes::Ask { texts, .. }) => (texts, Vec::new()),
        Some(FlowDoes::Choose { texts, choices }) => {
            let visitor = visitors::find(write.connection, conversation.visitor)?;
            let language = visitor.map(|visitor| visitor.spoken_to().to_owned()).unwrap_or_default();
            let number = conversation.last_number.saturating_add(1);
            let offered = choices.iter().enumerate().map(|(entry, FlowChoice { label, .. })| Choice {
                key: key(number, entry),
                label: text::in_language(label, &language),
            });
            (texts, offered.collect())
        }
        _ => return Ok(()),
    };
    run.asked = say(write, conversation, &texts, &choices)?;
    run.ends_at = write.now.saturating_add(i64::from(run.patience_s) * 1000);
    if flows::runs(write.connection, conversation.id)? {
        Ok(flows::go_on(write.connection, run)?)
    } else {
        flows::begin(write.connection, run)
    }
}

/// How an answer to a question is named. What was tapped twice, or long after its question, is known by that.
fn key(asked: Number, entry: usize) -> String {
    format!("{asked}.{entry}")
}

fn say(
    write: &mut Write<'_>,
    conversation: &mut Conversation,
    texts: &BTreeMap<String, String>,
    choices: &[Choice],
) -> Outcome<Number> {
    let words = auto_answers::filled(write.connection, texts, conversation)?;
    desk_answers(write, conversation, words, choices)
}

/// Ends the flow of a conversation, whose visitor waits for a person from now on. `code` says so to the team, and is what
/// rings: whoever has read all that was said before has not read this. What nobody has is for [`routing::give`] then.
fn hand_over(
    write: &mut Write<'_>,
    conversation: &mut Conversation,
    team: Option<TeamId>,
    code: &str,
) -> Outcome<Turn> {
    flows::end(write.connection, conversation.id)?;
    // Nobody looks for somebody who waits among what is closed or put off.
    reopen(write, conversation)?;
    if let Some(agent) = conversation.assignee
        && !may_answer(write.connection, agent, conversation.site)?
    {
        assignment::let_go(write, conversation)?;
    }
    conversation.waiting_since = Some(write.now);
    desk_says(write, conversation, code)?;
    if let Some(agent) = conversation.assignee {
        // It rings with whoever has taken it, as if it was given to them now.
        assignments::give(write.connection, conversation.id, agent, write.now, None)?;
    }
    store(write, conversation)?;
    Ok(Turn::HandsOver(team))
}

/// Whether what waits on a site can ring with an agent.
fn may_answer(connection: &Connection, agent: AgentId, site: SiteId) -> Outcome<bool> {
    Ok(rights::answers(connection, agent)? && rights::sees(connection, agent, site)?)
}

/// Lets a flow talk in a conversation from now on.
fn begin(write: &mut Write<'_>, conversation: &mut Conversation, flow: Flow) -> Outcome<Turn> {
    desk_says(write, conversation, &said::flow_started(&flow.name))?;
    let Flow { id, patience_s, steps, .. } = flow;
    let conversation_id = conversation.id;
    let mut run = Run {
        conversation: conversation_id,
        flow: id,
        patience_s,
        step: 0,
        asked: 0,
        asked_again: 0,
        ends_at: 0,
        steps,
    };
    walk(write, conversation, &mut run, Some(0))
}

/// What an answer comes to.
enum Answer {
    /// The next step.
    Leads(Option<usize>),
    /// It has to be asked again.
    Unfit,
    /// A tap on an answer of an earlier question, such as the second of two: nothing was said by it.
    Late,
}

/// What a message of a visitor says to what was asked.
fn answered(
    write: &mut Write<'_>,
    conversation: &Conversation,
    run: &Run,
    message: &Message,
    choice: Option<&str>,
) -> Outcome<Answer> {
    let at = usize::try_from(run.step).unwrap_or(usize::MAX);
    let Some(step) = run.steps.get(at) else { return Ok(Answer::Leads(None)) };
    Ok(match &step.does {
        FlowDoes::Ask { .. } if choice.is_some() => Answer::Late,
        FlowDoes::Ask { keep: None, next, .. } => Answer::Leads(after(&run.steps, at, next.as_ref())),
        FlowDoes::Ask { keep: Some(keep), next, .. } => match of_the_person(*keep, &message.text) {
            Some(said) => {
                fill_contact(write, conversation.contact, &[said])?;
                Answer::Leads(after(&run.steps, at, next.as_ref()))
            }
            None => Answer::Unfit,
        },
        FlowDoes::Choose { choices, .. } => {
            let tapped = choice.map(|choice| (0..choices.len()).find(|entry| key(run.asked, *entry) == choice));
            // What stands in the thread decides: a key beside other words says nothing.
            let said = choices.iter().position(|choice| says(choice, &message.text));
            match (tapped, said) {
                (Some(None), _) => Answer::Late,
                (Some(Some(tapped)), said) if said != Some(tapped) => Answer::Unfit,
                (_, Some(said)) => {
                    let next = choices.get(said).and_then(|choice| choice.next.as_ref());
                    Answer::Leads(after(&run.steps, at, next))
                }
                (_, None) => Answer::Unfit,
            }
        }
        FlowDoes::Say { .. } | FlowDoes::HandOver { .. } | FlowDoes::Close {} => Answer::Leads(None),
    })
}

/// What somebody says of themselves. `None`: it cannot be that.
fn of_the_person(keep: FlowKeep, words: &str) -> Option<FormAnswer> {
    let (kind, answer) = match keep {
        FlowKeep::Name => (FieldKind::Name, text::field("name", words, ANSWER_MAX).ok()?),
        FlowKeep::Email => (FieldKind::Email, text::email(words).ok()?),
        FlowKeep::Phone => {
            let number = text::field("phone", words, ANSWER_MAX).ok()?;
            (FieldKind::Phone, number.chars().any(|it| it.is_ascii_digit()).then_some(number)?)
        }
    };
    (!answer.is_empty()).then(|| FormAnswer { kind, label: String::new(), answer })
}

/// Does what a flow does about a message that a visitor has just written: the one that talks there, or one that begins
/// with a first message.
pub(crate) fn heard(
    write: &mut Write<'_>,
    mut conversation: Conversation,
    (message, number): (MessageId, Number),
    choice: Option<&str>,
    online: bool,
) -> Outcome<Turn> {
    let Some(mut run) = flows::run(write.connection, conversation.id)? else {
        if flows::is_anything_else_said(write.connection, conversation.id, number)? {
            return Ok(Turn::Nothing);
        }
        let desk = if online { FlowDesk::Online } else { FlowDesk::Offline };
        return match flows::first(write.connection, conversation.site, desk)? {
            Some(flow) if flow.active => begin(write, &mut conversation, flow),
            _ => Ok(Turn::Nothing),
        };
    };
    let message = conversations::find_message(write.connection, message)?;
    let Some(message) = message.filter(|message| message.conversation == conversation.id) else {
        return Ok(Turn::Nothing);
    };
    match answered(write, &conversation, &run, &message, choice)? {
        Answer::Leads(next) => walk(write, &mut conversation, &mut run, next),
        Answer::Unfit if run.asked_again >= AGAIN_MAX => {
            hand_over(write, &mut conversation, None, said::FLOW_HANDED_OVER)
        }
        Answer::Unfit => {
            conversation.waiting_since = None;
            run.asked_again += 1;
            ask(write, &mut conversation, &mut run)?;
            Ok(Turn::Talks)
        }
        Answer::Late => {
            conversation.waiting_since = None;
            store(write, &conversation)?;
            Ok(Turn::Talks)
        }
    }
}

/// An agent lets a flow talk to a visitor. What came of it at once.
pub(crate) fn start(
    write: &mut Write<'_>,
    principal: Principal,
    id: ConversationId,
    flow: FlowId,
    if_rev: Option<Seq>,
) -> Outcome<(Made, Turn)> {
    let mut conversation = open(write, &principal, Action::RunFlow, id)?;
    unchanged_since(write, &principal, EntityKind::Conversation, id.0, if_rev)?;
    let found = flows::find(write.connection, flow)?;
    let fits = |flow: &Flow| flow.active && flow.site.is_none_or(|site| site == conversation.site);
    let Some(flow) = found.filter(fits) else {
        return Err(Refusal::invalid("flow", "there is no such flow for the visitors of this site").into());
    };
    if flows::runs(write.connection, id)? {
        let words = "A flow talks in this conversation already; stop it first.";
        return Err(Refusal::new(ErrorCode::Conflict, words).into());
    }
    reopen(write, &mut conversation)?;
    let turn = begin(write, &mut conversation, flow)?;
    Ok(((Some(id.0), None), turn))
}

/// An agent lets no flow talk to a visitor any more. What came of it.
pub(crate) fn stop(
    write: &mut Write<'_>,
    principal: Principal,
    id: ConversationId,
    if_rev: Option<Seq>,
) -> Outcome<(Made, Turn)> {
    let mut conversation = open(write, &principal, Action::RunFlow, id)?;
    unchanged_since(write, &principal, EntityKind::Conversation, id.0, if_rev)?;
    let mut turn = Turn::Nothing;
    if flows::runs(write.connection, id)? {
        turn = hand_over(write, &mut conversation, None, said::FLOW_STOPPED)?;
        if let Principal::Agent(agent) = principal {
            // Whoever stopped it knows.
            move_read_mark(write, agent, ReadMark { conversation: id, number: conversation.last_number })?;
        }
    }
    Ok(((Some(id.0), None), turn))
}

/// Hands over at most `limit` conversations whose visitors have let a flow wait too long, to the teams that they are for.
/// Whether the desk is to answer anything by itself later, and whether what waits at teams is to be everybody's later.
fn hand_over_due(
    write: &mut Write<'_>,
    limit: i64,
    online: &Online,
    agents: &BTreeSet<AgentId>,
) -> Outcome<(bool, bool)> {
    let (mut later, mut routed) = (false, false);
    for id in flows::due(write.connection, write.now, limit)? {
        match conversations::find(write.connection, id)? {
            Some(mut conversation) => {
                let (turn, site) =
                    (hand_over(write, &mut conversation, None, said::FLOW_HANDED_OVER)?, conversation.site);
                routed |= routing::give(write, id, None, agents)?;
                later |= auto_answers::heard(write, (id, site), online.at(site), turn)?;
            }
            None => flows::end(write.connection, id)?,
        }
    }
    Ok((later, routed))
}

/// Hands over what visitors do not answer, until cancelled.
pub(crate) async fn run(core: Arc<Core>, cancelled: CancellationToken) {
    let failed = "flows could not hand over";
    deadlines::keep(cancelled, &core.hub.talking, Duration::ZERO, failed, || look(&core)).await;
}

/// Does what is due. When the next is.
async fn look(core: &Core) -> Outcome<Option<Timestamp>> {
    deadlines::look(core, flows::due, flows::next_due, || async {
        let (online, agents) = (core.availability.online(&core.hub), core.hub.agents_online());
        let (later, routed) = core.writer.submit(move |write| hand_over_due(write, AT_ONCE, &online, &agents)).await?;
        if later {
            core.hub.answering.notify_one();
        }
        if routed {
            core.hub.routing.notify_one();
        }
        Ok(())
    })
    .await
}

impl Administration {
    /// All flows, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn flows(&self) -> Result<Vec<Flow>, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            actor.may(connection, Action::ManageSettings)?;
            Ok(flows::list(connection)?)
        });
        read.await.map_err(refuse)
    }

    /// Adds a flow, or puts another one in the place of one. Where it talks already, it goes on as it was.
    ///
    /// # Errors
    /// `invalid`, with the field and its rule; `not_found` when there is no such flow.
    pub async fn put_flow(&self, id: Option<FlowId>, given: NewFlow) -> Result<Flow, Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            actor.may(write.connection, Action::ManageSettings)?;
            match id {
                Some(id) if flows::find(write.connection, id)?.is_none() => return Err(Failure::not_found("flow")),
                None if flows::list(write.connection)?.len() >= FLOWS_MAX => {
                    return Err(Refusal::invalid("flows", &format!("a desk has {FLOWS_MAX} at the most")).into());
                }
                _ => {}
            }
            let NewFlow { name, site, active, start, patience_s, steps } = checked(write.connection, given)?;
            let flow =
                Flow { id: id.unwrap_or_else(|| FlowId(write.new_id())), name, site, active, start, patience_s, steps };
            flows::put(write.connection, &flow)?;
            let detail = text::cut(&serde_json::to_string(&flow)?, 4 * deskbell_protocol::FIELD_MAX);
            actor.did(write, if id.is_some() { "edit" } else { "add" }, "flow", Some(flow.id.0), detail)?;
            Ok(flow)
        })
        .await
    }

    /// Takes a flow away. Where it talks already, it goes on.
    ///
    /// # Errors
    /// `not_found` when there is no such flow.
    pub async fn delete_flow(&self, id: FlowId) -> Result<(), Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            actor.may(write.connection, Action::ManageSettings)?;
            if !flows::delete(write.connection, id)? {
                return Err(Failure::not_found("flow"));
            }
            actor.did(write, "delete", "flow", Some(id.0), String::new())
        })
        .await
    }

    /// The flows that whoever asks may begin in a conversation.
    ///
    /// # Errors
    /// `not_found` when there is no such conversation with a visitor, or it is not theirs to see.
    pub async fn offered_flows(&self, id: ConversationId) -> Result<Vec<OfferedFlow>, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            let found = conversations::find(connection, id)?.filter(|found| !found.is_internal());
            let found = found.ok_or_else(|| Failure::not_found("conversation"))?;
            actor.may_with(connection, Action::RunFlow, (&found).into())?;
            Ok(flows::offered(connection, found.site)?)
        });
        read.await.map_err(refuse)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn words(text: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("en".to_owned(), text.to_owned())])
    }

    fn step(key: &str, does: FlowDoes) -> FlowStep {
        FlowStep { key: key.to_owned(), does }
    }

    fn say(next: Option<&str>) -> FlowDoes {
        FlowDoes::Say { texts: words("Hello"), next: next.map(str::to_owned) }
    }

    fn choose(next: &[Option<&str>]) -> FlowDoes {
        let choice = |(entry, next): (usize, &Option<&str>)| FlowChoice {
            label: words(&format!("Answer {entry}")),
            next: next.map(str::to_owned),
        };
        FlowDoes::Choose { texts: words("Which?"), choices: next.iter().enumerate().map(choice).collect() }
    }

    fn refused(steps: &[FlowStep]) -> String {
        checked_ways(steps).unwrap_err().field.unwrap()
    }

    #[test]
    fn tv_06_ways_that_lead_nowhere_or_in_a_circle_without_the_visitor_are_refused_by_their_field() {
        let end = || step("end", FlowDoes::HandOver { team: None });
        checked_ways(&[step("a", say(None)), end()]).unwrap();
        checked_ways(&[step("menu", choose(&[Some("menu"), None])), step("b", FlowDoes::Close {})]).unwrap();
        // A circle in which the visitor is asked something is a menu.
        checked_ways(&[step("menu", choose(&[None, Some("end")])), step("told", say(Some("menu"))), end()]).unwrap();
        for (steps, field) in [
            (vec![step("a", say(None))], "steps[0].does.next"),
            (vec![step("a", say(Some("b"))), end()], "steps[0].does.next"),
            (vec![step("a", choose(&[Some("end"), Some("b")])), end()], "steps[0].does.choices[1].next"),
            (vec![end(), step("a", say(Some("a")))], "steps[1].does.next"),
            (vec![step("a", say(None)), step("b", say(Some("a"))), end()], "steps[0].does.next"),
            (vec![end(), step("menu", choose(&[Some("menu")]))], "steps[1]"),
        ] {
            assert_eq!(refused(&steps), field, "{steps:?}");
        }
    }

    #[test]
    fn tv_06_an_answer_is_known_by_its_words_in_any_spelling_of_case_and_in_any_language() {
        let choice = FlowChoice {
            label: BTreeMap::from([("en".to_owned(), "Returns".to_owned()), ("ru".to_owned(), "Возврат".to_owned())]),
            next: None,
        };
        for typed in ["Returns", " returns\n", "RETURNS", "возврат"] {
            assert!(says(&choice, typed), "{typed}");
        }
        for typed in ["", "Return", "Returns!"] {
            assert!(!says(&choice, typed), "{typed}");
        }
    }

    #[test]
    fn tv_06_what_cannot_be_an_address_or_a_number_is_none() {
        let kept = |keep, words| of_the_person(keep, words).map(|said| said.answer);
        assert_eq!(kept(FlowKeep::Email, " vic@home.example ").as_deref(), Some("vic@home.example"));
        assert_eq!(kept(FlowKeep::Phone, "+34 600 000 000").as_deref(), Some("+34 600 000 000"));
        assert_eq!(kept(FlowKeep::Name, "Vic\nSmith").as_deref(), Some("Vic Smith"));
        let long = "5".repeat(ANSWER_MAX + 1);
        for (keep, words) in [
            (FlowKeep::Email, "vic"),
            (FlowKeep::Email, ""),
            (FlowKeep::Phone, "none"),
            (FlowKeep::Phone, &long),
            (FlowKeep::Name, " \n "),
            (FlowKeep::Name, &long),
        ] {
            assert_eq!(kept(keep, words), None, "{words}");
        }
    }
}
