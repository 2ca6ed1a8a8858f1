//! Projects, tickets and tasks: made by hand or from a conversation, and linked to conversations.

use deskbell_protocol::{
    AgentId, Author, Conversation, ConversationId, EntityKind, ErrorCode, ITEM_CONVERSATIONS_MAX, ITEM_DESCRIPTION_MAX,
    ITEM_FOLLOWERS_MAX, ITEM_TITLE_MAX, ITEMS_MAX, Item, ItemEdit, ItemId, ItemKind, ItemPage, ItemState, MessageKind,
    NewItem, Refusal,
};

use crate::administration::{Administration, refuse};
use crate::authorize::{Action, Object};
use crate::people::Actor;
use crate::store::batch::Write;
use crate::store::items::{self, Wanted};
use crate::store::{Connection, Failure, Outcome, agents, conversations, rights};
use crate::text;

/// A ticket's text is made from so many first messages of a conversation.
const FIRST_MESSAGES: u32 = 20;

/// An item that an actor may see or change.
fn find(actor: &Actor, connection: &Connection, action: Action, id: ItemId) -> Outcome<Item> {
    let found = items::find(connection, id)?.ok_or_else(|| Failure::not_found("item"))?;
    actor.may_with(connection, action, Object::Item { site: found.site })?;
    Ok(found)
}

/// A conversation that an actor may read.
fn conversation(actor: &Actor, connection: &Connection, id: ConversationId) -> Outcome<Conversation> {
    let found = conversations::find(connection, id)?.ok_or_else(|| Failure::not_found("conversation"))?;
    actor.may_with(connection, Action::Read, (&found).into())?;
    if found.is_internal() {
        return Err(Refusal::invalid("conversation", "is one among the team, which has no item").into());
    }
    Ok(found)
}

/// Somebody of the team who may see an item.
fn colleague(connection: &Connection, field: &str, agent: AgentId, item: &Item) -> Outcome<()> {
    let there = agents::find(connection, agent)?.is_some_and(|agent| agent.active);
    let sees = match item.site {
        Some(site) => rights::sees(connection, agent, site)?,
        None => true,
    };
    if there && sees { Ok(()) } else { Err(Refusal::invalid(field, "is nobody who may see this item").into()) }
}

/// What an item says, without slips. What it said `before` stays as it was: whoever did it may have left since.
fn check(actor: &Actor, connection: &Connection, item: &mut Item, before: Option<&Item>) -> Outcome<()> {
    item.title = text::field("title", &item.title, ITEM_TITLE_MAX)?;
    if item.title.is_empty() {
        return Err(Refusal::invalid("title", "must not be empty").into());
    }
    item.description = text::long_field("description", &item.description, ITEM_DESCRIPTION_MAX)?;
    if let Some(assignee) = item.assignee
        && before.is_none_or(|before| before.assignee != item.assignee)
    {
        colleague(connection, "assignee", assignee, item)?;
    }
    let Some(project) = item.project.filter(|_| before.is_none_or(|before| before.project != item.project)) else {
        return Ok(());
    };
    if item.kind == ItemKind::Project {
        return Err(Refusal::invalid("project", "a project belongs to none").into());
    }
    match find(actor, connection, Action::ReadItems, project) {
        Ok(Item { kind: ItemKind::Project, .. }) => Ok(()),
        _ => Err(Refusal::invalid("project", "is no project").into()),
    }
}

/// Makes an item about a conversation. The first one decides whose customers and whom it is about.
fn link(write: &mut Write<'_>, actor: &Actor, item: &mut Item, conversation: &Conversation) -> Outcome<()> {
    if item.site.is_some_and(|site| site != conversation.site) {
        return Err(Refusal::invalid("conversation", "is of another site than the item").into());
    }
    if item.conversations.len() >= ITEM_CONVERSATIONS_MAX {
        let rule = format!("one item is about {ITEM_CONVERSATIONS_MAX} conversations at the most");
        return Err(Refusal::invalid("conversation", &rule).into());
    }
    let before = items::of_conversation(write.connection, conversation.id)?;
    if let Some(before) = before {
        // It is about one conversation fewer then, which is a change of it.
        find(actor, write.connection, Action::EditItems, before)?;
    }
    if item.site.is_none() {
        item.site = Some(conversation.site);
        // Whoever does it must be able to see it from now on.
        if let Some(assignee) = item.assignee {
            colleague(write.connection, "assignee", assignee, item)?;
        }
    }
    if item.kind == ItemKind::Ticket && item.contact.is_none() {
        item.contact = Some(conversation.contact);
    }
    items::link(write.connection, item.id, conversation.id)?;
    let before = before.map(|id| items::find(write.connection, id)).transpose()?.flatten();
    before.map_or(Ok(()), |before| store(write, before).map(drop))
}

/// Stores what changed, tells the log, and reads it again.
fn store(write: &mut Write<'_>, mut item: Item) -> Outcome<Item> {
    item.changed_at = write.now;
    items::edit(write.connection, &item)?;
    write.touch(EntityKind::Item, item.id.0)?;
    items::find(write.connection, item.id)?.ok_or_else(|| Failure::not_found("item"))
}

/// Makes an item.
pub(crate) fn add(write: &mut Write<'_>, actor: &Actor, new: NewItem) -> Outcome<Item> {
    actor.may_with(write.connection, Action::EditItems, Object::Item { site: None })?;
    let NewItem { kind, title, description, assignee, project, conversation: from } = new;
    let mut item = Item {
        id: ItemId(write.new_id()),
        number: items::next_number(write.connection)?,
        kind,
        state: ItemState::Open,
        title,
        description,
        assignee,
        project,
        site: None,
        contact: None,
        followers: Vec::new(),
        conversations: Vec::new(),
        created_by: actor.id(),
        created_at: write.now,
        changed_at: write.now,
        rev: 1,
    };
    check(actor, write.connection, &mut item, None)?;
    items::add(write.connection, &item)?;
    let Some(from) = from else {
        write.touch(EntityKind::Item, item.id.0)?;
        return Ok(item);
    };
    let from = conversation(actor, write.connection, from)?;
    link(write, actor, &mut item, &from)?;
    store(write, item)
}

/// Changes an item; what is left out stays.
pub(crate) fn edit(write: &mut Write<'_>, actor: &Actor, id: ItemId, edit: ItemEdit) -> Outcome<Item> {
    let before = find(actor, write.connection, Action::EditItems, id)?;
    if edit.if_rev.is_some_and(|rev| rev != before.rev) {
        let words = "The item has changed meanwhile; read it again.";
        return Err(Refusal::new(ErrorCode::Conflict, words).into());
    }
    let mut now = before.clone();
    let ItemEdit { state, title, description, assignee, project, if_rev: _ } = edit;
    now.state = state.unwrap_or(now.state);
    now.title = title.unwrap_or(now.title);
    now.description = description.unwrap_or(now.description);
    now.assignee = assignee.unwrap_or(now.assignee);
    now.project = project.unwrap_or(now.project);
    check(actor, write.connection, &mut now, Some(&before))?;
    if now == before { Ok(before) } else { store(write, now) }
}

impl Administration {
    /// The items that whoever asks may see, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) async fn items(&self, wanted: Wanted, of: Option<ConversationId>) -> Result<ItemPage, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            if let Some(of) = of {
                conversation(&actor, connection, of)?;
                let about = items::of_conversation(connection, of)?;
                let items = match about.map(|id| find(&actor, connection, Action::ReadItems, id)) {
                    // A guest reads a conversation of a site that they do not see, and no item of it.
                    None | Some(Err(Failure::Refused(_))) => Vec::new(),
                    Some(found) => vec![found?],
                };
                return Ok(ItemPage { items, next: None });
            }
            let limit = wanted.limit.clamp(1, ITEMS_MAX);
            let ids = items::list(connection, &Wanted { asker: actor.id(), limit, ..wanted })?;
            let next = ids.last().copied().filter(|_| ids.len() == usize::try_from(limit).unwrap_or(usize::MAX));
            let mut items = Vec::with_capacity(ids.len());
            for id in ids {
                items.extend(items::find(connection, id)?);
            }
            Ok(ItemPage { items, next })
        });
        read.await.map_err(refuse)
    }

    /// One item.
    ///
    /// # Errors
    /// `not_found` when there is none, or no right to see it.
    pub async fn item(&self, id: ItemId) -> Result<Item, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| find(&actor, connection, Action::ReadItems, id));
        read.await.map_err(refuse)
    }

    /// A ticket that is filled in from what the visitor of a conversation wrote first, to be looked over.
    ///
    /// # Errors
    /// `not_found` when there is no such conversation, or no right to read it.
    pub async fn ticket_from(&self, id: ConversationId) -> Result<NewItem, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            let found = conversation(&actor, connection, id)?;
            let words: Vec<String> = items::first_words(connection, found.id, FIRST_MESSAGES)?
                .into_iter()
                // What the desk says by itself ends nothing, an agent's answer does.
                .take_while(|it| it.kind != MessageKind::Reply || !matches!(it.author, Author::Agent { .. }))
                .filter(|message| message.author == Author::Visitor && !message.text.trim().is_empty())
                .map(|message| message.text)
                .collect();
            let first = words.iter().flat_map(|text| text.lines()).find(|line| !line.trim().is_empty());
            Ok(NewItem {
                kind: ItemKind::Ticket,
                title: text::cut(first.unwrap_or_default(), ITEM_TITLE_MAX),
                description: words.join("\n\n").chars().take(ITEM_DESCRIPTION_MAX).collect(),
                assignee: found.assignee,
                project: None,
                conversation: Some(found.id),
            })
        });
        read.await.map_err(refuse)
    }

    /// Makes an item.
    ///
    /// # Errors
    /// `invalid`, with the field; `not_found` for a conversation that is not there or may not be read.
    pub async fn add_item(&self, new: NewItem) -> Result<Item, Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| add(write, &actor, new)).await
    }

    /// Changes an item; what is left out stays.
    ///
    /// # Errors
    /// `invalid`, with the field; `conflict` when it has changed meanwhile; `not_found`.
    pub async fn edit_item(&self, id: ItemId, changes: ItemEdit) -> Result<Item, Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| edit(write, &actor, id, changes)).await
    }

    /// Makes an item about a conversation, which is about no other one then, or about this one no more.
    ///
    /// # Errors
    /// `invalid` for a conversation of another site; `not_found`.
    pub async fn link_item(&self, id: ItemId, of: ConversationId, linked: bool) -> Result<Item, Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            let mut item = find(&actor, write.connection, Action::EditItems, id)?;
            let of = conversation(&actor, write.connection, of)?;
            if item.conversations.contains(&of.id) == linked {
                return Ok(item);
            }
            if linked {
                let of_no_site = item.site.is_none();
                link(write, &actor, &mut item, &of)?;
                if of_no_site {
                    // Everybody was told of it as long as it was about nobody's customers.
                    for agent in items::blind(write.connection, of.site)? {
                        write.forget(EntityKind::Item, id.0, agent.0)?;
                    }
                }
            } else {
                items::unlink(write.connection, id, of.id)?;
            }
            store(write, item)
        })
        .await
    }

    /// Lets an agent follow an item, or follow it no more.
    ///
    /// # Errors
    /// `invalid` for an agent who may not see it, or one too many; `not_found`.
    pub async fn follow_item(&self, id: ItemId, agent: AgentId, follows: bool) -> Result<Item, Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            // To follow is no change of the item: whoever sees it may do so for themselves.
            let action = if actor.is(agent) { Action::ReadItems } else { Action::EditItems };
            let item = find(&actor, write.connection, action, id)?;
            if item.followers.contains(&agent) == follows {
                return Ok(item);
            }
            if follows {
                colleague(write.connection, "agent", agent, &item)?;
                if item.followers.len() >= ITEM_FOLLOWERS_MAX {
                    let rule = format!("at most {ITEM_FOLLOWERS_MAX} follow one item");
                    return Err(Refusal::invalid("agent", &rule).into());
                }
                items::follow(write.connection, id, agent)?;
            } else {
                items::unfollow(write.connection, id, agent)?;
            }
            write.touch(EntityKind::Item, id.0)?;
            items::find(write.connection, id)?.ok_or_else(|| Failure::not_found("item"))
        })
        .await
    }
}
