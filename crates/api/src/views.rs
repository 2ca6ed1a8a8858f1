//! From the cache's records to what the page draws.

use deskbell_cache::{
    ConversationRecord, FileRecord, Found, OutboxItem, OutboxState, PreviewRecord, SearchRecord, VisitorRecord,
    show_on, visitor_number,
};
use deskbell_client::Standing;
use deskbell_protocol::{
    AgentId, Author, CannedText, ClientId, Command, Contact, Conversation, FoundKind, FoundMessage, Message,
    MessageKind, Seq, Site, Timestamp, VisitorPresence,
    placeholder::{self, Placeholder},
};

use crate::text;
use crate::types::{
    AccountId, AccountView, CannedTextView, ContactRef, ConversationRef, ConversationRow, Deed, Delivery, FileView,
    HitKind, LinkedItem, MessageView, Participant, PastConversation, Preview, RefusedDeed, SearchHit, TextPart,
    VisitorDetails, VisitorRef, VisitorRow,
};

/// A row of a list.
pub(crate) fn conversation_row(
    record: ConversationRecord,
    account: &AccountView,
    online: &[VisitorPresence],
    typing: bool,
) -> ConversationRow {
    let me = account.agent;
    let internal = record.conversation.is_internal();
    let name = if internal { record.internal_name(me).to_owned() } else { record.contact_name.clone() };
    let ConversationRecord {
        conversation,
        contact_name: _,
        visitor_number,
        waits: _,
        assignee_name,
        team_name,
        participants,
        followers,
        followed,
        preview,
        unread,
        my_read,
        draft,
        refused,
        held,
        unread_to_me: _,
    } = record;
    let direct = conversation.is_direct();
    let takes_part = conversation.participants.contains(&me);
    let Conversation {
        id,
        contact,
        visitor,
        state,
        assignee,
        last_number,
        waiting_since,
        active_at,
        visitor_read,
        snoozed_until,
        labels,
        team,
        priority,
        ..
    } = conversation;
    ConversationRow {
        id: ConversationRef::new(account.id, id),
        account: account.id,
        contact: ContactRef::new(account.id, contact),
        visitor: VisitorRef::new(account.id, visitor),
        name,
        visitor_number,
        internal,
        direct,
        participants: others(participants, me),
        takes_part,
        followers: others(followers, me),
        followed,
        state,
        snoozed_until,
        labels,
        assignee,
        assignee_name: assignee_name.unwrap_or_default(),
        mine: assignee == Some(account.agent),
        team,
        team_name: team_name.unwrap_or_default(),
        priority,
        preview: preview.map(|found| self::preview(found, account.agent)),
        active_at,
        unread,
        waiting_since,
        online: online.iter().any(|presence| presence.visitor == visitor),
        typing,
        peek: None,
        draft,
        refused,
        held,
        last_number,
        visitor_read,
        my_read,
    }
}

/// Agents with their names, without me.
fn others(agents: Vec<(AgentId, String)>, me: AgentId) -> Vec<Participant> {
    let others = agents.into_iter().filter(|(agent, _)| *agent != me);
    others.map(|(agent, name)| Participant { agent, name }).collect()
}

/// The newest message in one line.
fn preview(found: PreviewRecord, me: AgentId) -> Preview {
    Preview {
        mine: written_by(&found.author, me),
        author: found.author,
        kind: found.kind,
        text: found.text,
        file: found.file,
    }
}

fn written_by(author: &Author, me: AgentId) -> bool {
    matches!(author, Author::Agent { id, .. } if *id == me)
}

/// Whose screen it is.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) id: AgentId,
    /// An admin, or an owner.
    pub(crate) admin: bool,
    /// Who can be mentioned, by their names of today.
    pub(crate) named: &'a [(AgentId, String)],
}

impl Asker<'_> {
    /// A text in pieces, with the colleagues whom it mentions.
    fn parts(&self, text: &str, mentions: &[AgentId]) -> Vec<TextPart> {
        let parts = text::parts(text);
        if mentions.is_empty() {
            return parts;
        }
        let named: Vec<_> = self.named.iter().filter(|(agent, _)| mentions.contains(agent)).cloned().collect();
        text::with_mentions(parts, &named, self.id)
    }
}

/// A message that the server has, with what is queued for it.
pub(crate) fn message(
    mut message: Message,
    rev: Seq,
    queued: &[OutboxItem],
    asker: Asker<'_>,
    visitor_read: i64,
) -> MessageView {
    let changing = show_on(&mut message, queued).is_some_and(|item| item.state == OutboxState::Queued);
    let mine = written_by(&message.author, asker.id);
    let deleted = message.deleted_at.is_some();
    MessageView {
        key: message.client_id.as_ref().map_or_else(|| message.id.to_string(), ToString::to_string),
        id: Some(message.id),
        number: message.number,
        delivery: match message.kind {
            MessageKind::Reply if mine && message.number <= visitor_read => Delivery::Seen,
            _ if mine => Delivery::Sent,
            _ => Delivery::Received,
        },
        may_edit: mine && !deleted,
        may_delete: !deleted && (mine || asker.admin && message.author != Author::Desk),
        author: message.author,
        mine,
        kind: message.kind,
        text: asker.parts(&message.text, &message.mentions),
        choices: message.choices.into_iter().map(|choice| choice.label).collect(),
        attachments: message.attachments,
        article: message.article,
        files: Vec::new(),
        created_at: message.created_at,
        refusal: None,
        client_id: message.client_id,
        sends_at: None,
        seen: None,
        rev: Some(rev),
        edited: message.edited_at.is_some() && !deleted,
        deleted,
        changing,
    }
}

/// A message on its way. `None` for commands that are not messages.
///
/// `standing` is where the connection has it; the disk knows better what waits for the person.
pub(crate) fn queued_message(
    item: OutboxItem,
    standing: Option<Standing>,
    uploaded: impl Fn(&ClientId) -> i64,
    account: &AccountView,
    asker: Asker<'_>,
) -> Option<MessageView> {
    let Command::Send { kind, text, mentions, .. } = item.frame.command else { return None };
    let (delivery, refusal) = match item.state {
        OutboxState::Refused(code) => (Delivery::Refused, Some(code)),
        OutboxState::Held => (Delivery::Held, None),
        OutboxState::Acked { .. } => (Delivery::Sent, None),
        OutboxState::Queued => {
            let delivery = match standing {
                Some(Standing::Delayed) => Delivery::Delayed,
                Some(Standing::Uploading) => Delivery::Uploading,
                Some(Standing::Sending) => Delivery::Sending,
                Some(Standing::Retrying) => Delivery::Retrying,
                Some(Standing::Done) => Delivery::Sent,
                // The engine was not told of it yet.
                None if item.guard.hold_until.is_some() && !item.tried => Delivery::Delayed,
                None | Some(Standing::Queued | Standing::Held) => Delivery::Queued,
            };
            (delivery, None)
        }
    };
    Some(MessageView {
        key: item.frame.client_id.to_string(),
        id: None,
        number: 0,
        author: Author::Agent { id: account.agent, name: account.name.clone() },
        mine: true,
        kind,
        text: asker.parts(&text, &mentions),
        choices: Vec::new(),
        attachments: if item.files.is_empty() { item.attachments } else { Vec::new() },
        article: None,
        files: item
            .files
            .into_iter()
            .map(|record| {
                let here = uploaded(&record.id);
                file(record, here)
            })
            .collect(),
        created_at: item.queued_at,
        delivery,
        refusal,
        client_id: Some(item.frame.client_id),
        sends_at: item.guard.hold_until.filter(|_| delivery == Delivery::Delayed),
        seen: item.guard.seen.filter(|_| delivery == Delivery::Held),
        rev: None,
        edited: false,
        deleted: false,
        changing: false,
        may_edit: false,
        may_delete: false,
    })
}

/// A command that is not a message and was refused.
pub(crate) fn refused_deed(item: &OutboxItem) -> Option<RefusedDeed> {
    let OutboxState::Refused(refusal) = item.state else { return None };
    let deed = match item.frame.command {
        Command::Send { .. } => return None,
        Command::SetState { .. } => Deed::SetState,
        Command::Snooze { .. } => Deed::Snooze,
        Command::Assign { .. } => Deed::Assign,
        Command::SetPriority { .. } => Deed::SetPriority,
        Command::ChangeLabels { .. } => Deed::ChangeLabels,
        Command::ChangeParticipants { .. } => Deed::ChangeParticipants,
        Command::Follow { .. } => Deed::Follow,
        Command::EditMessage { .. } => Deed::EditMessage,
        Command::DeleteMessage { .. } => Deed::DeleteMessage,
        Command::Introduce { .. }
        | Command::Start { .. }
        | Command::StartInternal { .. }
        | Command::MarkRead { .. }
        | Command::StartFlow { .. }
        | Command::StopFlow { .. }
        | Command::UseCannedText { .. }
        | Command::EditContact { .. } => Deed::Other,
    };
    let (message, text) = match &item.frame.command {
        Command::EditMessage { message, text, .. } => (Some(*message), Some(text.clone())),
        Command::DeleteMessage { message, .. } => (Some(*message), None),
        Command::EditContact { name, email, phone, notes, .. } => {
            let written = [name, email, phone, notes].into_iter().filter(|text| !text.is_empty());
            (None, Some(written.map(String::as_str).collect::<Vec<_>>().join("\n")))
        }
        _ => (None, None),
    };
    Some(RefusedDeed { client_id: item.frame.client_id.clone(), deed, refusal, message, text })
}

/// A file that is on this computer, of which the desk has so many bytes.
pub(crate) fn file(record: FileRecord, uploaded: i64) -> FileView {
    let FileRecord { id, name, size, attachment, refusal, .. } = record;
    let uploaded = if attachment.is_some() { size } else { uploaded.min(size) };
    FileView { file: id, name, size, uploaded, refusal }
}

/// A row of the visitor list.
pub(crate) fn visitor_row(record: VisitorRecord, presence: VisitorPresence, account: AccountId) -> VisitorRow {
    let VisitorRecord { visitor, number, contact_name, conversation } = record;
    VisitorRow {
        id: VisitorRef::new(account, visitor.id),
        account,
        name: contact_name,
        number,
        region: visitor.region,
        page: visitor.pages.into_iter().next(),
        visits: visitor.visits,
        chats: visitor.chats,
        visit_started_at: visitor.visit_started_at,
        visible: presence.visible,
        conversation: conversation.map(|id| ConversationRef::new(account, id)),
    }
}

/// The details panel.
pub(crate) fn visitor_details(
    record: VisitorRecord,
    contact: Contact,
    online: bool,
    past: Vec<ConversationRecord>,
    items: Vec<LinkedItem>,
    account: &AccountView,
) -> VisitorDetails {
    let VisitorRecord { visitor, number, .. } = record;
    VisitorDetails {
        visitor: VisitorRef::new(account.id, visitor.id),
        account: account.id,
        number,
        contact: ContactRef::new(account.id, contact.id),
        name: contact.name,
        email: contact.email,
        phone: contact.phone,
        notes: contact.notes,
        verified: contact.verified,
        region: visitor.region,
        ip: visitor.ip,
        browser: visitor.browser,
        os: visitor.os,
        device: visitor.device,
        language: visitor.language,
        screen: visitor.screen,
        referrer: visitor.referrer,
        visits: visitor.visits,
        chats: visitor.chats,
        online,
        pages: visitor.pages,
        conversations: past
            .into_iter()
            .map(|record| PastConversation {
                id: ConversationRef::new(account.id, record.conversation.id),
                created_at: record.conversation.created_at,
                state: record.conversation.state,
                preview: record.preview.map(|found| preview(found, account.agent)),
            })
            .collect(),
        items,
    }
}

/// A search hit.
pub(crate) fn search_hit(record: SearchRecord, account: AccountId) -> SearchHit {
    SearchHit {
        kind: match record.found {
            Found::Person => HitKind::Person,
            Found::Page => HitKind::Page,
            Found::Message => HitKind::Message,
            Found::Note => HitKind::Note,
            Found::File => HitKind::File,
        },
        account,
        conversation: ConversationRef::new(account, record.conversation),
        number: record.number,
        name: record.contact_name,
        visitor_number: record.visitor_number,
        snippet: record.snippet,
        at: record.at,
    }
}

/// A hit at the desk.
pub(crate) fn found_message(found: FoundMessage, account: AccountId) -> SearchHit {
    SearchHit {
        kind: match found.kind {
            FoundKind::Message => HitKind::Message,
            FoundKind::Note => HitKind::Note,
            FoundKind::File => HitKind::File,
        },
        account,
        conversation: ConversationRef::new(account, found.conversation),
        number: Some(found.number),
        name: found.name,
        visitor_number: visitor_number(found.visitor),
        snippet: found.snippet,
        at: found.at,
    }
}

/// What the placeholders of prepared texts stand for in one conversation.
pub(crate) struct Filling {
    pub(crate) contact: Option<Contact>,
    pub(crate) site: Option<Site>,
    pub(crate) agent: String,
}

impl Filling {
    fn value(&self, placeholder: Placeholder) -> String {
        let contact = self.contact.as_ref();
        let name = contact.map(|contact| contact.name.as_str()).unwrap_or_default();
        match placeholder {
            Placeholder::VisitorName => name,
            Placeholder::VisitorFirstName => name.split_whitespace().next().unwrap_or_default(),
            Placeholder::VisitorEmail => contact.map(|contact| contact.email.as_str()).unwrap_or_default(),
            Placeholder::AgentName => self.agent.as_str(),
            Placeholder::SiteName => self.site.as_ref().map(|site| site.name.as_str()).unwrap_or_default(),
        }
        .to_owned()
    }
}

/// A prepared text with its placeholders filled in. `team` is the name of the team whose text it is.
pub(crate) fn canned_text(canned: CannedText, team: Option<String>, filling: &Filling) -> CannedTextView {
    let CannedText { id, owner, shortcut, title, text, attachments, uses: _ } = canned;
    let (text, missing) = placeholder::fill(&text, |placeholder| filling.value(placeholder));
    CannedTextView { id, owner, team: team.unwrap_or_default(), shortcut, title, text, missing, attachments }
}

/// Messages of visitors newer than this are worth an alert when they arrive late, in milliseconds.
/// Older ones arrive after a long absence and are told by the unread marks alone.
pub(crate) const ALERT_AGE_MAX: Timestamp = 12 * 60 * 60 * 1000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskbell_cache::Guard;
    use deskbell_protocol::{CommandFrame, ConversationId, ErrorCode, Seq};

    use super::*;

    fn shown(state: OutboxState, standing: Option<Standing>) -> MessageView {
        let command = Command::Send {
            conversation: Some(ConversationId(1)),
            kind: MessageKind::Reply,
            text: "Hello".into(),
            attachments: vec![],
            mentions: Vec::new(),
            article: None,
            choice: None,
        };
        let item = OutboxItem {
            frame: CommandFrame { client_id: ClientId::from_bits(1), command, if_rev: None, client_time: 0 },
            attachments: vec![],
            files: vec![],
            queued_at: 0,
            state,
            guard: Guard { hold_until: Some(5_000), seen: Some(7) },
            tried: false,
        };
        let account = AccountView {
            id: AccountId(1),
            agent: AgentId(1),
            name: "Ann".into(),
            email: String::new(),
            desk: String::new(),
            address: String::new(),
            local: false,
        };
        let asker = Asker { id: account.agent, admin: false, named: &[] };
        queued_message(item, standing, |_| 0, &account, asker).unwrap()
    }

    #[test]
    fn a_message_says_where_it_stands_and_only_then_when_it_goes_or_what_was_seen() {
        let of = |state, standing| {
            let view = shown(state, standing);
            (view.delivery, view.sends_at, view.seen)
        };
        let queued = |standing| of(OutboxState::Queued, standing);
        assert_eq!(queued(None), (Delivery::Delayed, Some(5_000), None), "the engine hears of it in a moment");
        assert_eq!(queued(Some(Standing::Delayed)), (Delivery::Delayed, Some(5_000), None));
        assert_eq!(queued(Some(Standing::Queued)), (Delivery::Queued, None, None));
        assert_eq!(queued(Some(Standing::Uploading)), (Delivery::Uploading, None, None));
        assert_eq!(queued(Some(Standing::Sending)), (Delivery::Sending, None, None));
        assert_eq!(queued(Some(Standing::Retrying)), (Delivery::Retrying, None, None));
        assert_eq!(of(OutboxState::Held, Some(Standing::Held)), (Delivery::Held, None, Some(7)));
        assert_eq!(of(OutboxState::Acked { seq: Seq(3) }, Some(Standing::Done)), (Delivery::Sent, None, None));
        let refused = shown(OutboxState::Refused(ErrorCode::TooLarge), None);
        assert_eq!((refused.delivery, refused.refusal), (Delivery::Refused, Some(ErrorCode::TooLarge)));
    }
}
