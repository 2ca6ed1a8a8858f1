//! What the desk answers by itself: once in a conversation for each rule, in the visitor's language. It is no agent's
//! answer, so the visitor waits on, and it rings on. What is due stands in the database alone.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use deskbell_protocol::http::{AutoAnswer, AutoAnswerWhen, NewAutoAnswer};
use deskbell_protocol::placeholder::{self, Placeholder};
use deskbell_protocol::{Conversation, ConversationId, ConversationState, Refusal, SiteId, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::administration::{Administration, refuse};
use crate::authorize::Action;
use crate::commands::desk_answers;
use crate::deadlines;
use crate::desk::Core;
use crate::flows::Turn;
use crate::store::batch::Write;
use crate::store::{Connection, Failure, Outcome, agents, auto_answers, conversations, sites, visitors};
use crate::text;

/// Most rules of a desk, and most characters of a text.
const RULES_MAX: usize = 50;
const TEXT_MAX: usize = 2_000;
/// Seconds after which an answer may come that waits for an agent's: up to a day.
const AFTER_S: RangeInclusive<u32> = 1..=86_400;
/// Answers that one transaction gives.
const AT_ONCE: i64 = 64;

/// A rule within its bounds. Its texts can be filled in for a visitor of whom nothing is known.
fn checked(connection: &Connection, given: NewAutoAnswer) -> Outcome<NewAutoAnswer> {
    if let AutoAnswerWhen::Unanswered { after_s } = given.when
        && !AFTER_S.contains(&after_s)
    {
        let rule = format!("is {} to {} seconds", AFTER_S.start(), AFTER_S.end());
        return Err(Refusal::invalid("when.after_s", &rule).into());
    }
    if let Some(site) = given.site
        && sites::find(connection, site)?.is_none()
    {
        return Err(Refusal::invalid("site", "there is no such site").into());
    }
    Ok(NewAutoAnswer { texts: checked_texts("texts", given.texts)?, ..given })
}

/// What the desk may say by itself, by language: it can be filled in for a visitor of whom nothing is known.
pub(crate) fn checked_texts(name: &str, given: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Refusal> {
    let mut texts = text::tagged(name, given)?;
    for words in texts.values_mut() {
        *words = text::long_field(name, words, TEXT_MAX)?;
        if let Some(unknown) = placeholder::unknown(words).first() {
            return Err(Refusal::invalid(name, &format!("there is no placeholder {unknown}")));
        }
        let known = |it| if it == Placeholder::SiteName { "Shop".to_owned() } else { String::new() };
        if let Some(missing) = placeholder::fill(words, known).1.first() {
            let rule = format!("{missing} needs words behind a bar for when it is not known");
            return Err(Refusal::invalid(name, &rule));
        }
    }
    texts.retain(|_, words| !words.trim().is_empty());
    if texts.is_empty() {
        return Err(Refusal::invalid(name, "has one language at least"));
    }
    Ok(texts)
}

/// Words of the desk for the visitor of a conversation, filled in with what is known.
pub(crate) fn filled(
    connection: &Connection,
    texts: &BTreeMap<String, String>,
    conversation: &Conversation,
) -> Outcome<String> {
    let visitor = visitors::find(connection, conversation.visitor)?.ok_or_else(|| Failure::not_found("visitor"))?;
    let contact =
        visitors::find_contact(connection, conversation.contact)?.ok_or_else(|| Failure::not_found("person"))?;
    let site = sites::find(connection, conversation.site)?.map(|site| site.name).unwrap_or_default();
    let agent = match conversation.assignee {
        Some(id) => agents::find(connection, id)?.map(|agent| agent.name).unwrap_or_default(),
        None => String::new(),
    };
    let value = |it| match it {
        Placeholder::VisitorName => contact.name.clone(),
        Placeholder::VisitorFirstName => contact.name.split_whitespace().next().unwrap_or_default().to_owned(),
        Placeholder::VisitorEmail => contact.email.clone(),
        Placeholder::AgentName => agent.clone(),
        Placeholder::SiteName => site.clone(),
    };
    let words: String = text::in_language(texts, visitor.spoken_to());
    Ok(placeholder::fill(&words, value).0)
}

/// Says what a rule says.
fn say(write: &mut Write<'_>, rule: &AutoAnswer, conversation: &mut Conversation) -> Outcome<()> {
    let words = filled(write.connection, &rule.texts, conversation)?;
    desk_answers(write, conversation, words, &[])?;
    Ok(auto_answers::said(write.connection, conversation.id, rule.id)?)
}

fn due_at(conversation: &Conversation, after_s: u32) -> Option<Timestamp> {
    conversation.waiting_since.map(|since| since.saturating_add(i64::from(after_s) * 1000))
}

/// Does what the rules say of a message that a visitor of a site has just written, or of a flow that has handed them over.
/// Whether anything is to be said later.
///
/// As long as a flow talks, nothing else does; and where one has talked, nothing is said to the first message any more.
pub(crate) fn heard(
    write: &mut Write<'_>,
    (id, site): (ConversationId, SiteId),
    online: bool,
    turn: Turn,
) -> Outcome<bool> {
    let mut later = false;
    if turn == Turn::Talks {
        return Ok(later);
    }
    let rules = auto_answers::holding(write.connection, site)?;
    if rules.is_empty() {
        return Ok(later);
    }
    let Some(mut conversation) = conversations::find(write.connection, id)? else { return Ok(later) };
    // Whoever hears that nobody is there is not welcomed as well.
    let away = !online && rules.iter().any(|(_, when)| *when == AutoAnswerWhen::Offline);
    for (rule, when) in rules {
        if auto_answers::is_known(write.connection, id, rule)? {
            continue;
        }
        let now = match when {
            AutoAnswerWhen::FirstMessage => {
                !away && turn == Turn::Nothing && auto_answers::is_first(write.connection, id)?
            }
            AutoAnswerWhen::Offline => !online,
            AutoAnswerWhen::Unanswered { after_s } => {
                if let Some(at) = due_at(&conversation, after_s) {
                    auto_answers::wait(write.connection, id, rule, at)?;
                    later = true;
                }
                false
            }
        };
        if now {
            let rule = auto_answers::find(write.connection, rule)?;
            say(write, &rule, &mut conversation)?;
        }
    }
    Ok(later)
}

/// Says at most `limit` of what is due, where the visitor still waits.
pub(crate) fn say_due(write: &mut Write<'_>, limit: i64) -> Outcome<()> {
    for (id, rule) in auto_answers::due(write.connection, write.now, limit)? {
        let found = conversations::find(write.connection, id)?.filter(|it| it.state == ConversationState::Open);
        let rule = auto_answers::find(write.connection, rule)?;
        let at = match (&found, &rule.when) {
            (Some(conversation), AutoAnswerWhen::Unanswered { after_s }) if rule.active => {
                due_at(conversation, *after_s)
            }
            _ => None,
        };
        match (found, at) {
            (Some(mut conversation), Some(at)) if at <= write.now => say(write, &rule, &mut conversation)?,
            // Somebody answered, and the visitor wrote again: they wait for less long than they seemed to.
            (Some(_), Some(at)) => auto_answers::wait(write.connection, id, rule.id, at)?,
            _ => auto_answers::forget(write.connection, id, rule.id)?,
        }
    }
    Ok(())
}

/// Says what is due until cancelled.
pub(crate) async fn run(core: Arc<Core>, cancelled: CancellationToken) {
    let failed = "what the desk answers by itself could not be said";
    deadlines::keep(cancelled, &core.hub.answering, Duration::ZERO, failed, || look(&core)).await;
}

/// Says what is due. When the next is.
async fn look(core: &Core) -> Outcome<Option<Timestamp>> {
    deadlines::look(core, auto_answers::due, auto_answers::next_due, || {
        core.writer.submit(|write| say_due(write, AT_ONCE))
    })
    .await
}

impl Administration {
    /// What the desk answers by itself, the oldest rule first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn auto_answers(&self) -> Result<Vec<AutoAnswer>, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            actor.may(connection, Action::ManageSettings)?;
            auto_answers::list(connection)
        });
        read.await.map_err(refuse)
    }

    /// Adds a rule, or puts another one in the place of one. It holds for what visitors write from then on.
    ///
    /// # Errors
    /// `invalid`, with the field and its rule; `not_found` when there is no such rule.
    pub async fn put_auto_answer(&self, id: Option<i64>, given: NewAutoAnswer) -> Result<AutoAnswer, Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            actor.may(write.connection, Action::ManageSettings)?;
            let known = auto_answers::list(write.connection)?;
            if id.is_some_and(|id| known.iter().all(|rule| rule.id != id)) {
                return Err(Failure::not_found("automatic answer"));
            }
            if id.is_none() && known.len() >= RULES_MAX {
                return Err(Refusal::invalid("rules", &format!("a desk has {RULES_MAX} at the most")).into());
            }
            let NewAutoAnswer { when, site, texts, active } = checked(write.connection, given)?;
            let rule = AutoAnswer { id: id.unwrap_or_else(|| write.new_id()), when, site, texts, active };
            auto_answers::put(write.connection, &rule)?;
            let detail = text::cut(&serde_json::to_string(&rule)?, 4 * deskbell_protocol::FIELD_MAX);
            actor.did(write, if id.is_some() { "edit" } else { "add" }, "auto_answer", Some(rule.id), detail)?;
            Ok(rule)
        })
        .await
    }

    /// Takes a rule away, with what it would have said.
    ///
    /// # Errors
    /// `not_found` when there is no such rule.
    pub async fn delete_auto_answer(&self, id: i64) -> Result<(), Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            actor.may(write.connection, Action::ManageSettings)?;
            if !auto_answers::delete(write.connection, id)? {
                return Err(Failure::not_found("automatic answer"));
            }
            actor.did(write, "delete", "auto_answer", Some(id), String::new())
        })
        .await
    }
}
