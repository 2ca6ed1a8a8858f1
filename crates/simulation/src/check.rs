//! What must be so when it is quiet.

use std::collections::{BTreeMap, HashMap, HashSet};

use deskbell_cache::Cache;
use deskbell_protocol::{
    AgentId, ClientId, Command, CommandFrame, ContactId, Conversation, ConversationId, Entity, EntityData, EntityKind,
    Item, Message, MessageId, Number, Seq,
};
use deskbell_server::simulation::{Desk, Person};
use serde_json::Value;

use crate::computer::Computer;
use crate::world::World;

/// Messages of each conversation that a snapshot brings.
const KEPT: Number = 30;

/// The conversations on a computer, with the places of their last changes.
pub(crate) fn conversations(cache: &Cache) -> Vec<(Conversation, Seq)> {
    cache.conversations_for_test().unwrap_or_default()
}

/// The commands on a computer's disk that are not known to be done.
pub(crate) fn outbox_names(cache: &Cache) -> HashSet<ClientId> {
    let items = cache.outbox().unwrap_or_default();
    items.into_iter().map(|item| item.frame.client_id).collect()
}

/// How far a computer is.
pub(crate) fn cursor(cache: &Cache) -> Option<Seq> {
    cache.cursor().ok().flatten().map(|cursor| cursor.seq)
}

/// What a person may see of the desk, read once for all that is compared with it.
struct Seen {
    rows: Rows,
    entities: Vec<Entity>,
}

impl Seen {
    fn read(desk: &Desk, person: Person) -> Result<Self, String> {
        let mut rows = Rows::new();
        for row in desk.rows(person).map_err(|error| error.to_string())? {
            if let Some(data) = row.data {
                rows.insert((row.entity, row.id), data.read().map_err(|error| error.to_string())?);
            }
        }
        Ok(Self::of(rows))
    }

    /// What all of them together see. Nobody sees all: what some say among themselves is not for the others.
    fn together<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        Self::of(all.flat_map(|seen| seen.rows.clone()).collect())
    }

    fn of(rows: Rows) -> Self {
        let decode = |kind, data| Entity::decode(kind, &EntityData::of(data).ok()?).ok()?;
        let decoded = rows.iter().filter_map(|((kind, _), data)| decode(*kind, data));
        let mut entities: Vec<Entity> = decoded.collect();
        let place = |entity: &Entity| match entity {
            Entity::Message(message) => Some((message.conversation, message.number)),
            _ => None,
        };
        entities.sort_by_key(place);
        Self { rows, entities }
    }

    fn has(&self, conversation: ConversationId) -> bool {
        self.rows.contains_key(&(EntityKind::Conversation, conversation.0))
    }

    /// In their order.
    fn messages(&self) -> impl Iterator<Item = &Message> {
        self.entities.iter().filter_map(|entity| match entity {
            Entity::Message(message) => Some(message),
            _ => None,
        })
    }

    fn read_marks(&self) -> HashMap<ConversationId, Number> {
        let marks = self.entities.iter().filter_map(|entity| match entity {
            Entity::ReadMark(mark) => Some((mark.conversation, mark.number)),
            _ => None,
        });
        marks.collect()
    }
}

/// Checks everything.
pub(crate) fn everything(world: &World, desk: &Desk) -> Result<(), String> {
    let mut seen = Vec::with_capacity(world.computers.len());
    for computer in &world.computers {
        seen.push((computer, Seen::read(desk, computer.person)?));
    }
    let by_agents = || seen.iter().filter(|(computer, _)| matches!(computer.person, Person::Agent(_)));
    // Agents last: of what visitors see, too, they see more.
    let by_all = Seen::together(seen.iter().rev().map(|(_, seen)| seen));
    let by_team = Seen::together(by_agents().map(|(_, seen)| seen));
    dense(&by_team)?;
    rewritten(world, &by_team)?;
    for (computer, seen) in &seen {
        only_for_those_who_take_part(computer, seen)?;
    }
    counted(world, by_agents().map(|(_, seen)| seen))?;
    for (computer, seen) in &seen {
        let who = computer.person;
        done_once(world, computer, desk, seen, &by_all).map_err(|what| format!("{who:?}: {what}"))?;
        if let Some(hole) = computer.cache().hole_for_test().map_err(|error| error.to_string())? {
            return Err(format!("{who:?}: {hole:?} counts as here and is not"));
        }
        shown(computer).map_err(|what| format!("{who:?}: {what}"))?;
        equal(computer, &seen.rows).map_err(|what| format!("{who:?} ({:?}): {what}", computer.phase()))?;
    }
    Ok(())
}

/// The numbers of each conversation have no hole, and no command has made two messages.
fn dense(seen: &Seen) -> Result<(), String> {
    let mut last: HashMap<ConversationId, Number> = HashMap::new();
    let mut texts: HashSet<&str> = HashSet::new();
    for message in seen.messages() {
        let before = last.insert(message.conversation, message.number).unwrap_or(0);
        if message.number != before + 1 {
            return Err(format!("after message {before} of {:?} comes {}", message.conversation, message.number));
        }
        // What people write carries a number of its own.
        if message.text.starts_with("message ") && !texts.insert(&message.text) {
            return Err(format!("“{}” is there twice", message.text));
        }
    }
    Ok(())
}

/// What was edited or deleted says what the last change of it made it say, and nobody wrote over what they had not seen.
fn rewritten(world: &World, seen: &Seen) -> Result<(), String> {
    let mut changes: HashMap<MessageId, Vec<&CommandFrame>> = HashMap::new();
    for computer in &world.computers {
        let refused: HashSet<&ClientId> = computer.refused.iter().map(|(id, _)| id).collect();
        for frame in computer.queued.iter().filter(|frame| !refused.contains(&frame.client_id)) {
            if let Command::EditMessage { message, .. } | Command::DeleteMessage { message, .. } = &frame.command {
                changes.entry(*message).or_default().push(frame);
            }
        }
    }
    for message in seen.messages() {
        let changes = changes.remove(&message.id).unwrap_or_default();
        let deletes = changes.iter().any(|frame| matches!(frame.command, Command::DeleteMessage { .. }));
        // Its author alone edits it, and their computer keeps the order.
        let text = changes.iter().rev().find_map(|frame| match &frame.command {
            Command::EditMessage { text, .. } => Some(text),
            _ => None,
        });
        let stands = match (deletes, text) {
            (true, _) => message.deleted_at.is_some() && message.text.is_empty() && message.attachments.is_empty(),
            (false, Some(text)) => message.deleted_at.is_none() && message.edited_at.is_some() && message.text == *text,
            (false, None) => message.deleted_at.is_none() && message.edited_at.is_none(),
        };
        if !stands {
            return Err(format!("{message:?} does not say what these made of it: {changes:?}"));
        }
        // Another log counts anew.
        for (later, unless) in changes.iter().filter_map(|frame| Some((frame, frame.if_rev?))) {
            let unseen = changes.iter().filter(|frame| matches!(frame.command, Command::EditMessage { .. })).find(
                |edit| match (world.places.get(&edit.client_id), world.places.get(&later.client_id)) {
                    (Some(edited), Some(written)) => unless < *edited && edited < written,
                    _ => false,
                },
            );
            if let (Some(unseen), false) = (unseen, world.restored) {
                return Err(format!("{later:?} was written over {unseen:?}, which nobody had seen there"));
            }
        }
    }
    // A restored desk may not have what was to be changed, and then refuses; a group that everybody left, nobody sees.
    let is_seen = |frame: &&CommandFrame| frame.command.conversation().is_some_and(|id| seen.has(id));
    match changes.into_values().find(|changes| changes.iter().any(is_seen)) {
        Some(lost) => Err(format!("{lost:?} are done, and what they changed is not there")),
        None => Ok(()),
    }
}

/// What is said among the team is seen by those alone who take part, and by no visitor; nor is who is mentioned or follows.
fn only_for_those_who_take_part(computer: &Computer, seen: &Seen) -> Result<(), String> {
    for entity in &seen.entities {
        let Entity::Conversation(found) = entity else { continue };
        let takes_part = match computer.person {
            Person::Agent(me) => found.participants.contains(&me),
            Person::Visitor(_) => false,
        };
        if found.is_internal() && !takes_part {
            return Err(format!("{:?} sees {found:?}", computer.person));
        }
        if matches!(computer.person, Person::Visitor(_)) && !found.followers.is_empty() {
            return Err(format!("{:?} sees who follows {found:?}", computer.person));
        }
    }
    if matches!(computer.person, Person::Visitor(_))
        && let Some(message) = seen.messages().find(|message| !message.mentions.is_empty())
    {
        return Err(format!("{:?} sees whom {message:?} mentions", computer.person));
    }
    let internal = seen.messages().find(|message| !seen.has(message.conversation));
    match internal {
        Some(message) => Err(format!("{:?} sees {message:?} of a conversation that they do not see", computer.person)),
        None => Ok(()),
    }
}

/// Every command is done exactly once or was refused, and messages stand in the order in which they were written.
///
/// What was said in a group that everybody has left is shown to nobody any more.
fn done_once(world: &World, computer: &Computer, desk: &Desk, seen: &Seen, by_all: &Seen) -> Result<(), String> {
    let unsent = computer.unsent();
    if unsent > 0 {
        return Err(format!("{unsent} commands still wait ({:?}): {}", computer.phase(), computer.waiting()));
    }
    let refused: HashSet<&ClientId> = computer.refused.iter().map(|(id, _)| id).collect();
    // By its name: what it says may have been changed since.
    let messages: HashMap<&ClientId, &Message> =
        by_all.messages().filter_map(|message| Some((message.client_id.as_ref()?, message))).collect();
    let marks = seen.read_marks();
    let mut last: HashMap<ConversationId, Number> = HashMap::new();
    for frame in &computer.queued {
        if refused.contains(&frame.client_id) {
            continue;
        }
        if !desk.has_done(computer.person, &frame.client_id).map_err(|error| error.to_string())? {
            return Err(format!("{:?} is lost", frame.command));
        }
        // A restored desk may have had fewer messages to read.
        if let Command::MarkRead { conversation, number } = &frame.command
            && !world.restored
            && seen.has(*conversation)
            && marks.get(conversation).copied().unwrap_or(0) < *number
        {
            return Err(format!("{conversation:?} was read up to {number}, and no mark says so"));
        }
        if let Command::Send { text, conversation, mentions, .. } = &frame.command
            && conversation.is_none_or(|conversation| by_all.has(conversation))
        {
            let message = messages.get(&frame.client_id).ok_or_else(|| format!("“{text}” is lost"))?;
            let Message { conversation, number, .. } = message;
            if last.insert(*conversation, *number).is_some_and(|before| before > *number) {
                return Err(format!(
                    "“{text}” overtook one that was written before: {conversation:?} {number} {last:?}"
                ));
            }
            if message.deleted_at.is_none() && message.mentions != *mentions {
                return Err(format!("“{text}” should mention {mentions:?}: {message:?}"));
            }
        }
    }
    Ok(())
}

/// Each use of a prepared text counts once. A restored desk may have lost some.
fn counted<'a>(world: &World, seen_by_agents: impl Iterator<Item = &'a Seen>) -> Result<(), String> {
    let (mut counted, mut used) = (BTreeMap::new(), BTreeMap::new());
    for entity in seen_by_agents.flat_map(|seen| &seen.entities) {
        if let Entity::CannedText(text) = entity {
            counted.insert(text.id, text.uses);
        }
    }
    for computer in &world.computers {
        for frame in &computer.queued {
            if let Command::UseCannedText { text } = &frame.command {
                *used.entry(*text).or_insert(0) += 1;
            }
        }
    }
    for (text, uses) in counted {
        let expected = used.get(&text).copied().unwrap_or(0);
        if uses > expected || (uses < expected && !world.restored) {
            return Err(format!("{text:?} was used {expected} times, and {uses} are counted"));
        }
    }
    Ok(())
}

/// No conversation sleeps beyond its time.
pub(crate) fn nothing_is_overdue(world: &World) -> Result<(), String> {
    let Some(agent) = world.computers.iter().find(|computer| matches!(computer.person, Person::Agent(_))) else {
        return Ok(());
    };
    for row in world.desk()?.rows(agent.person).map_err(|error| error.to_string())? {
        if let Some(data) = row.data
            && let Ok(Some(Entity::Conversation(found))) = Entity::decode(row.entity, &data)
            && found.snoozed_until.is_some_and(|until| until <= world.latest_wake())
        {
            return Err(format!("{:?} should be open since {:?}", found.id, found.snoozed_until));
        }
    }
    Ok(())
}

/// With nothing on its way, lists show what the desk has said.
fn shown(computer: &Computer) -> Result<(), String> {
    for (said, _) in conversations(computer.cache()) {
        let found = computer.cache().conversation(said.id).map_err(|error| error.to_string())?;
        let shown = found.ok_or_else(|| format!("{:?} is in no list", said.id))?.conversation;
        if shown != said {
            return Err(format!("{said:?} is shown as {shown:?}"));
        }
        let page = computer.cache().messages(said.id, None, 200).map_err(|error| error.to_string())?;
        for stored in page.messages {
            let shown = computer.cache().message(said.id, stored.number).map_err(|error| error.to_string())?;
            if shown.as_ref() != Some(&stored) {
                return Err(format!("{stored:?} is shown as {shown:?}"));
            }
            // What was edited is found by its new words.
            if stored.text.starts_with("edited ") {
                let found =
                    computer.cache().search(&stored.text, AgentId(1), 100).map_err(|error| error.to_string())?;
                if !found.iter().any(|hit| hit.conversation == said.id && hit.number == Some(stored.number)) {
                    return Err(format!("{stored:?} is not found"));
                }
            }
        }
    }
    Ok(())
}

/// What waits rings on the computers of those who may answer, and nothing else does.
pub(crate) fn rings(world: &World, desk: &Desk) -> Result<(), String> {
    for computer in &world.computers {
        let Person::Agent(agent) = computer.person else { continue };
        let (here, there) = (computer.ringing(world.now), desk.ringing(agent).map_err(|error| error.to_string())?);
        if here != there {
            return Err(format!("{agent:?}: {here:?} ring, and should {there:?}"));
        }
    }
    Ok(())
}

type Rows = BTreeMap<(EntityKind, i64), Value>;

/// What is on the computer is what the desk has, and nothing else.
fn equal(computer: &Computer, truth: &Rows) -> Result<(), String> {
    let mut here = Rows::new();
    for (kind, id, _, data) in computer.cache().rows_for_test().map_err(|error| error.to_string())? {
        here.insert((kind, id), data);
    }
    for (key, data) in &here {
        match truth.get(key) {
            None => return Err(format!("{key:?} is on the screen and not on the desk: {data}")),
            Some(expected) if expected != data => {
                return Err(format!("{key:?} is {data} on the screen and {expected} on the desk"));
            }
            Some(_) => {}
        }
    }
    let items = here.iter().filter(|((kind, _), _)| *kind == EntityKind::Item);
    for (_, data) in items {
        let item: Item = serde_json::from_value(data.clone()).map_err(|error| error.to_string())?;
        for id in &item.conversations {
            let Some(about) = truth.get(&(EntityKind::Conversation, id.0)) else { continue };
            let contact = ContactId(about["contact"].as_i64().unwrap_or_default());
            let found = computer.cache().items_of(contact, u32::MAX).map_err(|error| error.to_string())?;
            if !found.contains(&item) {
                return Err(format!("{item:?} does not stand with {id:?}"));
            }
        }
    }
    let newest: HashMap<i64, Number> = truth
        .iter()
        .filter(|((kind, _), _)| *kind == EntityKind::Conversation)
        .map(|((_, id), data)| (*id, data["last_number"].as_i64().unwrap_or_default()))
        .collect();
    let talks: HashSet<(&str, i64)> = truth
        .iter()
        .filter(|((kind, _), _)| *kind == EntityKind::Conversation)
        .flat_map(|(_, data)| ["visitor", "contact"].map(|field| (field, data[field].as_i64().unwrap_or_default())))
        .collect();
    for (key, data) in truth {
        // Older messages than a snapshot's last ones are fetched when somebody wants to see them.
        let old = key.0 == EntityKind::Message
            && data["conversation"]
                .as_i64()
                .and_then(|id| newest.get(&id))
                .is_some_and(|last| data["number"].as_i64().unwrap_or_default() <= last - KEPT);
        // Whoever never chatted and has not been seen for a day, by the desk's clock, is no news.
        let silent = match key.0 {
            EntityKind::Visitor => !talks.contains(&("visitor", key.1)),
            EntityKind::Contact => !talks.contains(&("contact", key.1)),
            _ => false,
        };
        // What is done and about nothing any more is asked for when it is wanted.
        let done =
            key.0 == EntityKind::Item && data["state"] == "closed" && data["conversations"] == Value::Array(vec![]);
        let elsewhere = matches!(computer.person, Person::Visitor(_));
        if !old && !silent && !done && !elsewhere && !here.contains_key(key) {
            return Err(format!("{key:?} is missing on the screen: {data}"));
        }
    }
    if matches!(computer.person, Person::Visitor(_)) {
        let shown = here.keys().filter(|(kind, _)| *kind == EntityKind::Message).count();
        let there = truth.keys().filter(|(kind, _)| *kind == EntityKind::Message).count();
        if shown < there.min(usize::try_from(KEPT).unwrap_or_default()) {
            return Err(format!("{shown} of {there} messages are on the screen"));
        }
    }
    Ok(())
}
