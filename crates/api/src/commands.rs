//! The bodies of the app's commands, in the order of the list.

use std::time::Duration;

use deskbell_cache::{ConversationRecord, DraftRecord, FileRecord, OutboxState};
use deskbell_client::Sending;
use deskbell_protocol::{
    ATTACHMENTS_MAX, ClientId, Command, ConversationId, ConversationState, FIELD_MAX, Holder, Item, MESSAGE_TEXT_MAX,
    MessageId, MessageKind, NOTES_MAX, Role, SNOOZE_MAX_MS, Seq, TextOwner,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::types::*;
use crate::{kept, merged, text, views};

/// Rows of one list at the most.
const ROWS_MAX: u32 = 500;
/// Messages of one page at the most.
const MESSAGES_MAX: u32 = 200;
/// Hits of one search at the most.
const HITS_MAX: u32 = 100;
/// Prepared texts offered at once.
const CANNED_TEXTS_MAX: u32 = 50;
/// Labels offered at once.
const LABELS_OFFERED: u32 = 20;
/// Items in the details panel.
const ITEMS_MAX: u32 = 20;
/// Earlier conversations in the details panel.
const PAST_MAX: u32 = 50;
/// Visitors in the list at the most.
const VISITORS_MAX: usize = 2_000;
/// How long a reply is kept back, so that it can be taken back.
const UNDO: Duration = Duration::from_secs(5);
/// Most colleagues who were chosen for an unsent note, whether their names still stand in it or not.
const DRAFT_MENTIONS_MAX: usize = 1_000;
/// Characters of an unsent text: some messages that were taken back may stand in it, one after the other.
const DRAFT_MAX: usize = 10 * MESSAGE_TEXT_MAX;
/// Name of the setting that keeps the chat boxes.
const BOXES: &str = "boxes";

/// A chat box as its account keeps it.
#[derive(Deserialize, Serialize)]
struct KeptBox {
    conversation: ConversationId,
    state: BoxState,
    last_focus: i64,
    tab: MessageKind,
    /// Where it stood among the boxes of all accounts.
    place: Option<usize>,
}

impl KeptBox {
    fn of(shown: &BoxRecord, place: usize) -> Self {
        let BoxRecord { conversation, state, last_focus, tab } = shown.clone();
        Self { conversation: conversation.id, state, last_focus, tab, place: Some(place) }
    }

    /// As the page shows it, with its place. `at`: its place among its account's own.
    fn shown(self, account: AccountId, at: usize) -> (usize, BoxRecord) {
        let Self { conversation, state, last_focus, tab, place } = self;
        let conversation = ConversationRef::new(account, conversation);
        (place.unwrap_or(at), BoxRecord { conversation, state, last_focus, tab })
    }
}

impl App {
    /// Everything the first screen needs, from disk alone.
    ///
    /// # Errors
    /// Never; a start-up fault is part of the answer.
    pub async fn start(&self, _: Nothing) -> Result<StartView, ApiError> {
        let kept = self.read_all(None, |session| {
            let kept = session.cache.setting(BOXES)?;
            let boxes: Vec<KeptBox> = kept.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
            Ok(boxes.into_iter().enumerate().map(|(at, kept)| kept.shown(session.account.id, at)).collect::<Vec<_>>())
        });
        let mut boxes = kept.await.unwrap_or_default().concat();
        boxes.sort_by_key(|(place, _)| *place);
        Ok(StartView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            accounts: self.account_states(),
            settings: self.settings(),
            boxes: boxes.into_iter().map(|(_, shown)| shown).collect(),
            sync: merged::worst(&self.syncs()),
        })
    }

    /// Opens an account again after something kept it from being opened.
    ///
    /// # Errors
    /// What keeps it closed this time.
    pub async fn open_account(&self, request: ForAccount) -> Result<Nothing, ApiError> {
        self.open_again(request.account).await?;
        Ok(Nothing {})
    }

    /// Signs in at a desk and starts to sync.
    ///
    /// # Errors
    /// One code for each thing that can be wrong with address, e-mail, password, code, version or disk; `signed_in_already`,
    /// `too_many_accounts`; `conflict` when an account's session was to begin again for somebody else.
    pub async fn connect_desk(&self, request: ConnectDesk) -> Result<Nothing, ApiError> {
        for (field, value) in
            [("address", &request.address), ("email", &request.email), ("password", &request.password)]
        {
            if value.trim().is_empty() {
                return Err(ApiError::invalid(field, "is required"));
            }
            check_length(field, value, FIELD_MAX)?;
        }
        check_length("code", request.code.as_deref().unwrap_or_default(), FIELD_MAX)?;
        self.sign_in_at(request).await?;
        Ok(Nothing {})
    }

    /// Starts a desk inside this app and signs in at it.
    ///
    /// # Errors
    /// `too_many_accounts`, `disk_full`, `newer_database`.
    pub async fn try_here(&self, _: Nothing) -> Result<Nothing, ApiError> {
        self.sign_in_here().await?;
        Ok(Nothing {})
    }

    /// Ends an account's session and removes its cache, and nothing of the others.
    ///
    /// # Errors
    /// `conflict` with a count while this computer alone has messages or drafts, or something is not sent yet, unless
    /// the person agreed.
    pub async fn sign_out(&self, request: SignOut) -> Result<Nothing, ApiError> {
        self.leave(request.account, request.force).await?;
        Ok(Nothing {})
    }

    /// Tries to connect at once, wherever there is no connection.
    ///
    /// # Errors
    /// `signed_out`.
    pub async fn retry_now(&self, _: Nothing) -> Result<Nothing, ApiError> {
        for session in self.sessions(None)? {
            session.client.retry_now();
        }
        Ok(Nothing {})
    }

    /// How healthy the sync is.
    ///
    /// # Errors
    /// `invalid` for more conversations than a screen has.
    pub async fn sync_health(&self, request: AskHealth) -> Result<SyncHealth, ApiError> {
        if request.conversations.len() > ROWS_MAX as usize {
            return Err(ApiError::invalid("conversations", "are 500 at the most"));
        }
        let holes = self.read_all(None, move |session| {
            let shown = request.conversations.iter().filter(|shown| shown.account == session.account.id);
            let shown: Vec<ConversationId> = shown.map(|shown| shown.id).collect();
            Ok(session.cache.holes(&shown)?)
        });
        let holes = holes.await?.into_iter().sum();
        let accounts = self.syncs();
        Ok(SyncHealth { sync: merged::worst(&accounts), holes, accounts })
    }

    /// A folder's rows and all counts. Every account gives its own first rows by an index, and no more of them are
    /// shown than were asked for.
    ///
    /// # Errors
    /// `signed_out`, or what the cache reports.
    pub async fn list_conversations(&self, request: ListConversations) -> Result<ConversationList, ApiError> {
        let ListConversations { folder, account, limit } = request;
        let limit = limit.clamp(1, ROWS_MAX);
        let accounts = self.counts().await?;
        let lists = self.read_all(account, move |session| {
            let folder = match folder {
                Folder::Open => deskbell_cache::Folder::Open,
                Folder::Waiting => deskbell_cache::Folder::Waiting,
                Folder::Mine => deskbell_cache::Folder::Mine,
                Folder::Snoozed => deskbell_cache::Folder::Snoozed,
                Folder::Closed => deskbell_cache::Folder::Closed,
                Folder::Team => deskbell_cache::Folder::Team,
            };
            let online = session.client.online();
            let typing = session.client.typing_in();
            let records = session.cache.conversations(folder, session.account.agent, limit)?;
            let row = |record: ConversationRecord| {
                let typing = typing.contains(&record.conversation.id);
                views::conversation_row(record, &session.account, &online, typing)
            };
            Ok(records.into_iter().map(row).collect::<Vec<_>>())
        });
        let rows = merged::merge(lists.await?, merged::by_folder(folder), limit as usize);
        Ok(ConversationList { rows, counts: merged::total(&accounts), accounts })
    }

    /// One conversation's head.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn conversation(&self, request: ForConversation) -> Result<ConversationRow, ApiError> {
        let ConversationRef { account, id } = request.conversation;
        self.read(account, move |session| {
            let record = session.cache.conversation(id)?.ok_or_else(|| ApiError::not_found("conversation"))?;
            let typing = session.client.typing_in().contains(&id);
            let row = views::conversation_row(record, &session.account, &session.client.online(), typing);
            Ok(ConversationRow { peek: session.client.peek_in(id), ..row })
        })
        .await
    }

    /// Messages of a conversation, from the cache; the newest page ends with what is on its way.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn messages(&self, request: ListMessages) -> Result<Thread, ApiError> {
        let ConversationRef { account, id } = request.conversation;
        let now = self.host().now();
        self.read(account, move |session| {
            let record = session.cache.conversation(id)?.ok_or_else(|| ApiError::not_found("conversation"))?;
            session.cache.use_conversation(id, now)?;
            // The outbox is read first: a message that leaves it meanwhile is then in both and shown once,
            // while the other order could miss it.
            let queued = session.cache.outbox_of(id)?;
            let page = session.cache.messages(id, request.before, request.limit.clamp(1, MESSAGES_MAX))?;
            let me = session.account.agent;
            let visitor_read = record.conversation.visitor_read;
            let role = session.cache.agent(me)?.map(|me| me.role);
            let admin = matches!(role, Some(Role::Owner | Role::Admin));
            let mentions = page.messages.iter().any(|message| !message.mentions.is_empty())
                || queued
                    .iter()
                    .any(|item| matches!(&item.frame.command, Command::Send { mentions, .. } if !mentions.is_empty()));
            let named = if mentions { session.cache.colleagues()? } else { Vec::new() };
            let named: Vec<_> = named.into_iter().map(|agent| (agent.id, agent.name)).collect();
            let asker = views::Asker { id: me, admin, named: &named };
            let mut messages: Vec<MessageView> = page
                .messages
                .into_iter()
                .zip(page.revs)
                .map(|(message, rev)| views::message(message, rev, &queued, asker, visitor_read))
                .collect();
            let (queued, edits) = match request.before {
                None => (queued, session.cache.edits_of(record.conversation.contact)?),
                Some(_) => (Vec::new(), Vec::new()),
            };
            let refused = queued.iter().chain(&edits).filter_map(views::refused_deed).collect();
            for item in queued {
                let standing = session.client.standing(&item.frame.client_id);
                let uploaded = |file: &ClientId| session.client.uploaded(file);
                if let Some(view) = views::queued_message(item, standing, uploaded, &session.account, asker)
                    && !messages.iter().any(|message| message.key == view.key)
                {
                    messages.push(view);
                }
            }
            let files = messages.iter().flat_map(|message| &message.attachments);
            let (kept, away) = kept::sorted(&session.cache, files)?;
            session.wanted.want(id, away);
            Ok(Thread { messages, more_here: page.more_here, more_there: page.more_there, refused, kept })
        })
        .await
    }

    /// Fetches older messages from the server into the cache.
    ///
    /// # Errors
    /// `offline`.
    pub async fn load_older(&self, request: LoadOlder) -> Result<Nothing, ApiError> {
        let ConversationRef { account, id } = request.conversation;
        self.session(account)?.client.load_older(id, request.before).await?;
        Ok(Nothing {})
    }

    /// Queues a message: it is on disk when this returns.
    ///
    /// # Errors
    /// `invalid` names the field; `disk_full` when it could not be kept.
    pub async fn send_message(&self, request: SendMessage) -> Result<Queued, ApiError> {
        check_length("text", &request.text, MESSAGE_TEXT_MAX)?;
        if request.kind == MessageKind::System {
            return Err(ApiError::invalid("kind", "is reply or note"));
        }
        if request.text.trim().is_empty() && request.files.is_empty() {
            return Err(ApiError::invalid("text", "is required"));
        }
        if request.files.len() > ATTACHMENTS_MAX {
            return Err(ApiError::invalid("files", "are 10 at the most"));
        }
        let ConversationRef { account, id } = request.conversation;
        let mentions = match request.kind {
            MessageKind::Note if !request.mentions.is_empty() => self.mentions(&request).await?,
            // In a reply an `@` is text.
            _ => Vec::new(),
        };
        let command = Command::Send {
            conversation: Some(id),
            kind: request.kind,
            text: request.text,
            // The desk gives them their ids, when it has them.
            attachments: Vec::new(),
            mentions,
            article: None,
            choice: None,
        };
        // A note goes to colleagues alone, and they can be told of a slip.
        if request.kind != MessageKind::Reply {
            return self.submit(account, command, request.files).await;
        }
        let delay = if self.settings().undo_send { UNDO } else { Duration::ZERO };
        let sending = Sending { delay, seen: Some(request.seen), if_rev: None };
        let client_id = self.session(account)?.client.submit_reply(command, request.files, sending).await?;
        Ok(Queued { client_id })
    }

    /// Sends a refused or held command again.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn retry(&self, request: ForQueued) -> Result<Nothing, ApiError> {
        self.session(request.conversation.account)?.client.retry(request.client_id).await?;
        Ok(Nothing {})
    }

    /// Makes unsent text of a message that nobody else can have seen.
    ///
    /// # Errors
    /// `too_late` when it may have been on its way; it stays queued then.
    pub async fn take_back(&self, request: ForQueued) -> Result<TakenBack, ApiError> {
        let account = request.conversation.account;
        let item = self.session(account)?.client.take_back(request.client_id).await?.item;
        let Command::Send { conversation: Some(conversation), kind, text, mentions, .. } = item.frame.command else {
            return Err(ApiError::not_found("message"));
        };
        // On the way or refused with their message, they are neither now.
        let files = item.files.into_iter().map(|file| views::file(FileRecord { refusal: None, ..file }, 0)).collect();
        let conversation = ConversationRef::new(account, conversation);
        Ok(TakenBack { conversation, kind, text, mentions, files })
    }

    /// Drops a refused, held or queued command for good.
    ///
    /// # Errors
    /// `too_late` when it may have been on its way.
    pub async fn discard(&self, request: ForQueued) -> Result<Nothing, ApiError> {
        self.session(request.conversation.account)?.client.discard(request.client_id).await?;
        Ok(Nothing {})
    }

    /// Begins a conversation with a visitor, or finds the one at hand.
    ///
    /// # Errors
    /// `offline` when there is none at hand and the desk cannot be asked.
    pub async fn start_conversation(&self, request: ForVisitor) -> Result<ForConversation, ApiError> {
        let VisitorRef { account, id: visitor } = request.visitor;
        let found = self
            .read(account, move |session| {
                let Some(id) = session.cache.open_conversation_of(visitor)? else { return Ok(None) };
                let record = session.cache.conversation(id)?;
                Ok(record.filter(|record| record.conversation.state == ConversationState::Open).map(|_| id))
            })
            .await?;
        let conversation = match found {
            Some(id) => id,
            None => self.session(account)?.client.start_conversation(visitor).await?,
        };
        Ok(ForConversation { conversation: ConversationRef::new(account, conversation) })
    }

    /// Closes, or reopens; a snoozed one is woken.
    ///
    /// # Errors
    /// `invalid` for `snoozed`; `disk_full` when it could not be kept.
    pub async fn set_state(&self, request: SetState) -> Result<Queued, ApiError> {
        if request.state == ConversationState::Snoozed {
            return Err(ApiError::invalid("state", "is open or closed"));
        }
        let ConversationRef { account, id } = request.conversation;
        self.submit(account, Command::SetState { conversation: id, state: request.state }, Vec::new()).await
    }

    /// Puts a conversation off, until a time or until the visitor's next message.
    ///
    /// # Errors
    /// `invalid` names the field; `disk_full` when it could not be kept.
    pub async fn snooze(&self, request: Snooze) -> Result<Queued, ApiError> {
        let Snooze { conversation: ConversationRef { account, id }, until } = request;
        if let Some(until) = until {
            let ahead = until.saturating_sub(self.host().now());
            if ahead <= 0 {
                return Err(ApiError::invalid("until", "is in the future"));
            }
            if ahead > SNOOZE_MAX_MS {
                return Err(ApiError::invalid("until", "is within one year"));
            }
        }
        self.submit(account, Command::Snooze { conversation: id, until }, Vec::new()).await
    }

    /// Gives a conversation to an agent, to a team or to nobody. The desk refuses with `conflict` when somebody else
    /// has it by then than was on screen.
    ///
    /// # Errors
    /// `not_found`; `disk_full` when it could not be kept.
    pub async fn assign(&self, request: Assign) -> Result<Queued, ApiError> {
        let Assign { conversation: ConversationRef { account, id }, to, from } = request;
        let command = self
            .read(account, move |session| {
                let record = session.cache.conversation(id)?.ok_or_else(|| ApiError::not_found("conversation"))?;
                let Holder { agent: had, team: had_by } = record.conversation.holder();
                let (agent, team) = match to {
                    // Whoever takes a conversation of a team leaves it with the team.
                    AssignTo::Me => (Some(session.account.agent), had_by),
                    AssignTo::Nobody => (None, had_by.filter(|_| had.is_some())),
                    AssignTo::Agent { agent } => {
                        let found = had_by.map(|team| session.cache.team(team)).transpose()?.flatten();
                        (Some(agent), found.filter(|team| team.members.contains(&agent)).map(|team| team.id))
                    }
                    AssignTo::Team { team } => (None, Some(team)),
                };
                Ok(Command::Assign { conversation: id, agent, team, from })
            })
            .await?;
        self.submit(account, command, Vec::new()).await
    }

    /// Takes a conversation that nobody has, as a toast offers it: when somebody has it by now, the desk refuses and the
    /// person is told who.
    ///
    /// # Errors
    /// `not_found`; `disk_full` when it could not be kept.
    pub async fn take_waiting(&self, conversation: ConversationRef) -> Result<Queued, ApiError> {
        let ConversationRef { account, id } = conversation;
        let team = self
            .read(account, move |session| {
                let record = session.cache.conversation(id)?.ok_or_else(|| ApiError::not_found("conversation"))?;
                Ok(record.conversation.team)
            })
            .await?;
        self.assign(Assign { conversation, to: AssignTo::Me, from: Some(Holder { agent: None, team }) }).await
    }

    /// To whom a conversation can be given, but for me.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn assignees(&self, request: ForConversation) -> Result<Assignees, ApiError> {
        let ConversationRef { account, id } = request.conversation;
        self.read(account, move |session| {
            let record = session.cache.conversation(id)?.ok_or_else(|| ApiError::not_found("conversation"))?;
            let found = session.cache.answering(record.conversation.site)?;
            let online = session.client.agents_online();
            let me = session.account.agent;
            let agents = found.agents.into_iter().filter(|agent| agent.id != me);
            let mut agents: Vec<Assignee> = agents
                .map(|agent| Assignee { agent: agent.id, online: online.contains(&agent.id), name: agent.name })
                .collect();
            agents.sort_by_key(|agent| (!agent.online, agent.name.to_lowercase(), agent.agent));
            let teams = found.teams.into_iter();
            let mut teams: Vec<AssignableTeam> =
                teams.map(|team| AssignableTeam { team: team.id, name: team.name }).collect();
            teams.sort_by_key(|team| (team.name.to_lowercase(), team.team));
            Ok(Assignees { agents, teams })
        })
        .await
    }

    /// Says how pressing a conversation is.
    ///
    /// # Errors
    /// `disk_full` when it could not be kept.
    pub async fn set_priority(&self, request: SetPriority) -> Result<Queued, ApiError> {
        let SetPriority { conversation: ConversationRef { account, id }, priority } = request;
        self.submit(account, Command::SetPriority { conversation: id, priority }, Vec::new()).await
    }

    /// Writes a message of mine anew.
    ///
    /// # Errors
    /// `invalid` names the field; `disk_full` when it could not be kept.
    pub async fn edit_message(&self, request: EditMessage) -> Result<Queued, ApiError> {
        let EditMessage { conversation, message, seen, text } = request;
        check_length("text", &text, MESSAGE_TEXT_MAX)?;
        let if_rev = self.unless_changing(conversation, message, seen).await?;
        self.submit_if(
            conversation.account,
            Command::EditMessage { conversation: conversation.id, message, text },
            if_rev,
        )
        .await
    }

    /// Takes the text and the files of a message away.
    ///
    /// # Errors
    /// `disk_full` when it could not be kept.
    pub async fn delete_message(&self, request: DeleteMessage) -> Result<Queued, ApiError> {
        let DeleteMessage { conversation, message, seen } = request;
        let if_rev = self.unless_changing(conversation, message, seen).await?;
        self.submit_if(conversation.account, Command::DeleteMessage { conversation: conversation.id, message }, if_rev)
            .await
    }

    /// The change that must be the last one of a message. None while a change of mine is on its way: the next one
    /// builds on it.
    async fn unless_changing(
        &self,
        conversation: ConversationRef,
        message: MessageId,
        seen: Option<Seq>,
    ) -> Result<Option<Seq>, ApiError> {
        self.read(conversation.account, move |session| {
            let mine = session.cache.outbox_of(conversation.id)?.into_iter().any(|item| {
                let changes = matches!(item.frame.command, Command::EditMessage { message: of, .. } | Command::DeleteMessage { message: of, .. } if of == message);
                changes && !matches!(item.state, OutboxState::Refused(_))
            });
            Ok(seen.filter(|_| !mine))
        })
        .await
    }

    /// Puts labels on a conversation and takes others off.
    ///
    /// # Errors
    /// `invalid` for what is no label and for more than a conversation can have; `disk_full` when it could not be kept.
    pub async fn change_labels(&self, request: ChangeLabels) -> Result<Queued, ApiError> {
        let ChangeLabels { conversation: ConversationRef { account, id }, add, remove } = request;
        let (add, remove) = self
            .read(account, move |session| {
                session
                    .cache
                    .check_labels(id, &add, &remove)?
                    .map_err(|bad| ApiError::invalid("add", &bad.to_string()))?;
                Ok((add, remove))
            })
            .await?;
        self.submit(account, Command::ChangeLabels { conversation: id, add, remove }, Vec::new()).await
    }

    /// Labels in use that begin with what was typed.
    ///
    /// # Errors
    /// `signed_out`.
    pub async fn labels(&self, request: FindLabels) -> Result<Vec<String>, ApiError> {
        let FindLabels { conversation, query } = request;
        self.read(conversation.account, move |session| Ok(session.cache.labels(&query, LABELS_OFFERED)?)).await
    }

    /// Everything up to a number was on screen. Nothing happens when that was known.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn mark_read(&self, request: MarkRead) -> Result<Nothing, ApiError> {
        let MarkRead { conversation: ConversationRef { account, id }, number } = request;
        let news = self
            .read(account, move |session| {
                let record = session.cache.conversation(id)?.ok_or_else(|| ApiError::not_found("conversation"))?;
                Ok(record.my_read < number && number <= record.conversation.last_number)
            })
            .await?;
        if news {
            self.submit(account, Command::MarkRead { conversation: id, number }, Vec::new()).await?;
        }
        Ok(Nothing {})
    }

    /// I am typing, or stopped.
    ///
    /// # Errors
    /// `signed_out`.
    pub async fn set_typing(&self, request: SetTyping) -> Result<Nothing, ApiError> {
        let ConversationRef { account, id } = request.conversation;
        self.session(account)?.client.typing(id, request.typing);
        Ok(Nothing {})
    }

    /// Which conversation is on screen in an active window.
    ///
    /// # Errors
    /// Never.
    pub async fn set_focus(&self, request: SetFocus) -> Result<Nothing, ApiError> {
        self.focus_on(request.conversation);
        Ok(Nothing {})
    }

    /// Who is on the sites now, longest visit first.
    ///
    /// # Errors
    /// `signed_out`.
    pub async fn visitors(&self, _: Nothing) -> Result<Vec<VisitorRow>, ApiError> {
        let lists = self.read_all(None, |session| {
            let mut rows = Vec::new();
            for presence in session.client.online().into_iter().take(VISITORS_MAX) {
                // A visitor whose row is still on its way shows with the next change.
                if let Some(record) = session.cache.visitor(presence.visitor)? {
                    rows.push(views::visitor_row(record, presence, session.account.id));
                }
            }
            Ok(rows)
        });
        let mut rows = lists.await?.concat();
        rows.sort_by_key(|row| (row.visit_started_at, row.id));
        rows.truncate(VISITORS_MAX);
        Ok(rows)
    }

    /// The details panel.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn visitor_details(&self, request: ForVisitor) -> Result<VisitorDetails, ApiError> {
        let VisitorRef { account, id } = request.visitor;
        self.read(account, move |session| {
            let record = session.cache.visitor(id)?.ok_or_else(|| ApiError::not_found("visitor"))?;
            let contact =
                session.cache.contact(record.visitor.contact)?.ok_or_else(|| ApiError::not_found("contact"))?;
            let online = session.client.online().iter().any(|presence| presence.visitor == id);
            let past = session.cache.past_conversations(contact.id, PAST_MAX)?;
            let items = session.cache.items_of(contact.id, ITEMS_MAX)?.into_iter().map(|item| {
                let assignee = item.assignee.map(|agent| session.cache.agent(agent)).transpose()?.flatten();
                let Item { number, kind, state, title, .. } = item;
                Ok(LinkedItem { number, kind, state, title, assignee: assignee.map(|agent| agent.name) })
            });
            let items = items.collect::<Result<_, ApiError>>()?;
            Ok(views::visitor_details(record, contact, online, past, items, &session.account))
        })
        .await
    }

    /// Writes down what is known of a person.
    ///
    /// # Errors
    /// `invalid` names the field.
    pub async fn edit_contact(&self, request: EditContact) -> Result<Queued, ApiError> {
        let EditContact { contact, name, email, phone, notes } = request;
        for (field, value) in [("name", &name), ("phone", &phone)] {
            check_length(field, value, FIELD_MAX)?;
        }
        check_length("notes", &notes, NOTES_MAX)?;
        let email = deskbell_protocol::text::email(&email)
            .ok_or_else(|| ApiError::invalid("email", "is empty or an address such as ann@shop.example"))?;
        let ContactRef { account, id: contact } = contact;
        self.submit(account, Command::EditContact { contact, name, email, phone, notes }, Vec::new()).await
    }

    /// Where the account's agent is signed in, this computer first, then by when it was last heard.
    ///
    /// # Errors
    /// `offline`; `signed_out`.
    pub async fn devices(&self, request: ForAccount) -> Result<Vec<Device>, ApiError> {
        let session = self.session(request.account)?;
        let mut devices = session.client.devices(session.account.agent).await?;
        devices.sort_by_key(|device| (!device.current, !device.online, std::cmp::Reverse(device.last_seen_at)));
        Ok(devices)
    }

    /// Signs the account's agent out on another computer, which then deletes what it keeps, or on all others.
    ///
    /// # Errors
    /// `offline`; `not_found` when it is signed out already; `signed_out`.
    pub async fn revoke_device(&self, request: RevokeDevice) -> Result<Nothing, ApiError> {
        let session = self.session(request.account)?;
        session.client.revoke(session.account.agent, request.device).await?;
        Ok(Nothing {})
    }

    /// Prepared texts that fit what was typed.
    ///
    /// # Errors
    /// `signed_out`.
    pub async fn canned_texts(&self, request: FindCannedTexts) -> Result<Vec<CannedTextView>, ApiError> {
        let ConversationRef { account, id } = request.conversation;
        self.read(account, move |session| {
            let head = session.cache.conversation(id)?.map(|record| record.conversation);
            let filling = views::Filling {
                contact: head.as_ref().map(|head| session.cache.contact(head.contact)).transpose()?.flatten(),
                site: head.as_ref().map(|head| session.cache.site(head.site)).transpose()?.flatten(),
                agent: session.account.name.clone(),
            };
            let found = session.cache.canned_texts(&request.query, CANNED_TEXTS_MAX)?.into_iter();
            found
                .map(|canned| {
                    let team = match canned.owner {
                        TextOwner::Team { team } => session.cache.team(team)?.map(|team| team.name),
                        TextOwner::Desk | TextOwner::Agent { .. } => None,
                    };
                    Ok(views::canned_text(canned, team, &filling))
                })
                .collect()
        })
        .await
    }

    /// Counts that a prepared text was inserted, and copies its files into the draft, which they are returned of.
    ///
    /// # Errors
    /// `signed_out`; `disk_full` when it could not be kept; `offline`, when files are to be fetched from the desk and it
    /// cannot be reached; `invalid` when the draft has no room for one of them.
    pub async fn use_canned_text(&self, request: UseCannedText) -> Result<Vec<FileView>, ApiError> {
        let UseCannedText { conversation, text } = request;
        let account = conversation.account;
        let found = self.read(account, move |session| Ok(session.cache.canned_text(text)?)).await?;
        self.submit(account, Command::UseCannedText { text }, Vec::new()).await?;
        let mut added = Vec::new();
        for file in found.into_iter().flat_map(|found| found.attachments) {
            let bytes = self.session(account)?.client.download(file.id).await?;
            added.push(self.add_to_draft(conversation, file.name, bytes).await?);
        }
        Ok(added)
    }

    /// Search as you type, over the caches.
    ///
    /// # Errors
    /// `signed_out`.
    pub async fn search(&self, request: Search) -> Result<Vec<SearchHit>, ApiError> {
        let Search { account, text, limit } = request;
        check_length("text", &text, FIELD_MAX)?;
        let limit = limit.clamp(1, HITS_MAX);
        let lists = self.read_all(account, move |session| {
            let found = session.cache.search(&text, session.account.agent, limit)?;
            Ok(found.into_iter().map(|hit| views::search_hit(hit, session.account.id)).collect::<Vec<_>>())
        });
        Ok(merged::merge(lists.await?, merged::by_hit, limit as usize))
    }

    /// The same over the desks: what is found there and is not on this computer. A desk that cannot be asked is named.
    ///
    /// # Errors
    /// `offline`, or why the desk refuses, when no desk answers.
    pub async fn search_desk(&self, request: Search) -> Result<DeskHits, ApiError> {
        let Search { account, text, limit } = request;
        check_length("text", &text, FIELD_MAX)?;
        let limit = limit.clamp(1, HITS_MAX);
        let asked = self.sessions(account)?.into_iter().map(|session| {
            let text = text.clone();
            // Owned by the tracker; the client's own time limits end it.
            let answer = self.spawn(async move { session.client.search(text, limit).await });
            (session.account.id, answer)
        });
        // All are asked before the first answer is waited for.
        let asked: Vec<_> = asked.collect();
        let (mut lists, mut silent, mut fault) = (Vec::new(), Vec::new(), None);
        for (account, answer) in asked {
            match answer.await.map_err(ApiError::internal)? {
                Ok(found) => lists.push(found.into_iter().map(|hit| views::found_message(hit, account)).collect()),
                Err(error) => {
                    silent.push(account);
                    fault = Some(error);
                }
            }
        }
        match fault {
            Some(error) if lists.is_empty() => Err(error.into()),
            _ => Ok(DeskHits { hits: merged::merge(lists, merged::by_hit, limit as usize), silent }),
        }
    }

    /// Unsent text of a conversation.
    ///
    /// # Errors
    /// `signed_out`.
    pub async fn draft(&self, request: ForConversation) -> Result<Draft, ApiError> {
        let ConversationRef { account, id } = request.conversation;
        self.read(account, move |session| {
            let record = session.cache.draft(id)?;
            let DraftRecord { reply, note, mentions } = record;
            Ok(Draft { conversation: request.conversation, reply, note, mentions })
        })
        .await
    }

    /// Keeps unsent text.
    ///
    /// # Errors
    /// `not_found`; `disk_full` when it could not be kept.
    pub async fn save_draft(&self, request: Draft) -> Result<Nothing, ApiError> {
        check_length("reply", &request.reply, DRAFT_MAX)?;
        check_length("note", &request.note, DRAFT_MAX)?;
        if request.mentions.len() > DRAFT_MENTIONS_MAX {
            return Err(ApiError::invalid("mentions", "are too many"));
        }
        let conversation = request.conversation;
        self.read(conversation.account, move |session| {
            session.cache.conversation(conversation.id)?.ok_or_else(|| ApiError::not_found("conversation"))?;
            session.cache.save_draft(conversation.id, &request.reply, &request.note, &request.mentions)?;
            Ok(())
        })
        .await?;
        self.tell_changed(conversation);
        Ok(Nothing {})
    }

    /// Keeps the chat boxes.
    ///
    /// # Errors
    /// `disk_full` when they could not be kept.
    pub async fn save_boxes(&self, request: SaveBoxes) -> Result<Nothing, ApiError> {
        if request.boxes.len() > ROWS_MAX as usize {
            return Err(ApiError::invalid("boxes", "are 500 at the most"));
        }
        self.read_all(None, move |session| {
            let own =
                request.boxes.iter().enumerate().filter(|(_, shown)| shown.conversation.account == session.account.id);
            let own: Vec<KeptBox> = own.map(|(place, shown)| KeptBox::of(shown, place)).collect();
            let json = serde_json::to_string(&own).map_err(ApiError::internal)?;
            Ok(session.cache.save_setting(BOXES, &json)?)
        })
        .await?;
        Ok(Nothing {})
    }

    /// Opens a message's link in the browser.
    ///
    /// # Errors
    /// `not_found` unless that message has that link.
    pub async fn open_link(&self, request: OpenLink) -> Result<Nothing, ApiError> {
        let ConversationRef { account, id } = request.conversation;
        let message = self
            .read(account, move |session| {
                session.cache.message(id, request.number)?.ok_or_else(|| ApiError::not_found("message"))
            })
            .await?;
        let url = text::link_at(&message.text, request.index).ok_or_else(|| ApiError::not_found("link"))?;
        self.host().open_in_browser(&url)?;
        Ok(Nothing {})
    }

    /// Opens a visitor's page in the browser.
    ///
    /// # Errors
    /// `not_found` unless that visitor was on that page and its address may be opened.
    pub async fn open_page(&self, request: OpenPage) -> Result<Nothing, ApiError> {
        let VisitorRef { account, id } = request.visitor;
        let record = self
            .read(account, move |session| session.cache.visitor(id)?.ok_or_else(|| ApiError::not_found("visitor")))
            .await?;
        let page = record.visitor.pages.get(request.index as usize).ok_or_else(|| ApiError::not_found("page"))?;
        let url = text::link(&page.url).ok_or_else(|| ApiError::not_found("page"))?;
        self.host().open_in_browser(&url)?;
        Ok(Nothing {})
    }

    /// Keeps the settings.
    ///
    /// # Errors
    /// `disk_full` when they could not be kept.
    pub async fn save_settings(&self, request: Settings) -> Result<Nothing, ApiError> {
        let before = self.settings();
        self.keep_settings(request)?;
        let after = self.settings();
        for session in self.sessions(None).unwrap_or_default() {
            if kept::limits(&before) != kept::limits(&after) {
                self.trim_files(&session).await;
            }
            if kept::message_limits(&before) != kept::message_limits(&after) {
                session.wanted.trim.notify_one();
            }
        }
        self.refresh_surroundings().await;
        Ok(Nothing {})
    }

    pub(crate) async fn submit(
        &self,
        account: AccountId,
        command: Command,
        files: Vec<ClientId>,
    ) -> Result<Queued, ApiError> {
        let client_id = self.session(account)?.client.submit(command, files).await?;
        Ok(Queued { client_id })
    }

    /// The same, refused unless a change was the last one of what it is about.
    async fn submit_if(&self, account: AccountId, command: Command, if_rev: Option<Seq>) -> Result<Queued, ApiError> {
        let sending = Sending { if_rev, ..Sending::default() };
        let client_id = self.session(account)?.client.submit_reply(command, Vec::new(), sending).await?;
        Ok(Queued { client_id })
    }
}

pub(crate) fn check_length(field: &str, value: &str, most: usize) -> Result<(), ApiError> {
    if value.chars().count() > most {
        return Err(ApiError::invalid(field, &format!("has {most} characters at the most")));
    }
    Ok(())
}

macro_rules! dispatch {
    ($($(#[$doc:meta])* $name:ident($request:ty) -> $response:ty;)*) => {
        impl App {
            /// Runs a command by name, for hosts that speak JSON.
            ///
            /// # Errors
            /// `internal` for an unknown name or a request of another shape; otherwise the command's own.
            pub async fn dispatch(&self, name: &str, request: Value) -> Result<Value, ApiError> {
                match name {
                    $(stringify!($name) => {
                        let request: $request = serde_json::from_value(request).map_err(ApiError::internal)?;
                        let response: $response = self.$name(request).await?;
                        serde_json::to_value(response).map_err(ApiError::internal)
                    })*
                    _ => Err(ApiError::internal(format!("no command {name:?}"))),
                }
            }
        }
    };
}
crate::with_commands!(dispatch);

impl App {
    pub(crate) fn tell_changed(&self, conversation: ConversationRef) {
        self.publish(&AppEvent::Changed { conversations: vec![conversation], visitors: false, canned_texts: false });
    }
}
