// Written by `cargo xtask codegen` from the Rust types; do not edit.

/**
 * A person who answers.
 */
export type AgentId = number;

/**
 * A file sent with a message.
 */
export type AttachmentId = number;

/**
 * A known person, or a visitor who has not said who they are yet.
 */
export type ContactId = number;

/**
 * A conversation.
 */
export type ConversationId = number;

/**
 * A message.
 */
export type MessageId = number;

/**
 * A website with its widget key.
 */
export type SiteId = number;

/**
 * A prepared text.
 */
export type CannedTextId = number;

/**
 * An article.
 */
export type ArticleId = number;

/**
 * Agents who answer together.
 */
export type TeamId = number;

/**
 * A script by which the desk talks to visitors.
 */
export type FlowId = number;

/**
 * A browser on a site.
 */
export type VisitorId = number;

/**
 * A command's permanent name, given by the client before the command is first sent: 128 random bits
 * as 32 lower-case hexadecimal digits. The server keeps it for ever, so a repeat is always recognised.
 */
export type ClientId = string;

/**
 * A place in the desk's change log. Dense and in the order of commits; 0 is before the first change.
 */
export type Seq = number;

/**
 * How far a client has applied the change log.
 */
export type Cursor = { 
/**
 * Which log.
 */
epoch: string, 
/**
 * The last change applied.
 */
seq: Seq, };

/**
 * Why something was refused.
 */
export type ErrorCode = "wrong_password" | "code_required" | "code_wrong" | "too_many_attempts" | "no_agent" | "expired" | "revoked" | "version" | "origin" | "not_found" | "invalid" | "conflict" | "too_large" | "unsupported_type" | "disk_full" | "busy" | "internal";

/**
 * A refusal, as HTTP answers carry it.
 */
export type Refusal = { 
/**
 * What a client acts on.
 */
code: ErrorCode, 
/**
 * One English sentence for logs and for people who use the API by hand.
 */
message: string, 
/**
 * The field that broke a rule.
 */
field?: string, 
/**
 * Earliest time for another try, in milliseconds from now.
 */
retry_after_ms?: number, };

/**
 * Where a conversation stands.
 */
export type ConversationState = "open" | "snoozed" | "closed";

/**
 * How pressing a conversation is.
 */
export type Priority = "none" | "low" | "medium" | "high" | "urgent";

/**
 * Who has a conversation.
 */
export type Holder = { 
/**
 * Who answers. `None`: nobody yet.
 */
agent: AgentId | null, 
/**
 * Whose it is. `None`: no team's.
 */
team: TeamId | null, };

/**
 * Who a conversation is with.
 */
export type ConversationKind = "customer" | "internal";

/**
 * What a message is.
 */
export type MessageKind = "reply" | "note" | "system";

/**
 * Who wrote a message.
 */
export type Author = { "who": "visitor" } | { "who": "agent", 
/**
 * Id.
 */
id: AgentId, 
/**
 * Name at the time of sending.
 */
name: string, } | { "who": "desk" };

/**
 * A picture's size in pixels.
 */
export type PictureSize = { 
/**
 * Pixels.
 */
width: number, 
/**
 * Pixels.
 */
height: number, };

/**
 * A file sent with a message.
 */
export type Attachment = { 
/**
 * Id; `GET /v1/files/{id}` fetches it.
 */
id: AttachmentId, 
/**
 * The file's own name, cleaned of paths and control characters.
 */
name: string, 
/**
 * The type found in the bytes, never the type claimed.
 */
mime: string, 
/**
 * Bytes.
 */
size: number, 
/**
 * Pixels, when it is a picture the server re-encoded; only such pictures may be shown.
 */
picture: PictureSize | null, };

/**
 * `POST`, `GET` and `PATCH` below `/v1/uploads`: how far a file has come.
 */
export type Upload = { 
/**
 * Bytes that are durably on the server's disk: the next ones begin here.
 */
offset: number, 
/**
 * Bytes of the whole file, as said when it was created.
 */
size: number, 
/**
 * The file, when it is whole and was looked into: to be named in a `send` within a day.
 */
attachment: Attachment | null, };

/**
 * What a message shows of an article, as it was when it was sent.
 */
export type ArticleCard = { 
/**
 * Which one; `GET /v1/articles/{id}/text` reads what it says by now.
 */
id: ArticleId, 
/**
 * One line.
 */
title: string, 
/**
 * How it begins, in one line of at most [`ARTICLE_SUMMARY_MAX`] characters.
 */
summary: string, 
/**
 * The language of both: a tag such as `es` or `pt-br`.
 */
language: string, };

/**
 * `GET /v1/articles/{id}/text`: an article as it is read, in one language.
 */
export type ReadArticle = { 
/**
 * Id.
 */
id: ArticleId, 
/**
 * The language that it is in.
 */
language: string, 
/**
 * One line.
 */
title: string, 
/**
 * Plain text; an empty line parts paragraphs. Never markup.
 */
body: string, 
/**
 * When the article last changed.
 */
changed_at: number, };

/**
 * An answer that a question of the desk offers.
 */
export type Choice = { 
/**
 * Names it in `send`. No other answer of the conversation has it.
 */
key: string, 
/**
 * What it says, and what the message says by which the visitor chooses it.
 */
label: string, };

/**
 * A message.
 */
export type Message = { 
/**
 * Id.
 */
id: MessageId, 
/**
 * Where it stands.
 */
conversation: ConversationId, 
/**
 * Its place: dense from 1.
 */
number: number, 
/**
 * Who wrote it.
 */
author: Author, 
/**
 * Reply, note or system.
 */
kind: MessageKind, 
/**
 * Plain text. Never markup.
 */
text: string, 
/**
 * Files.
 */
attachments: Array<Attachment>, 
/**
 * The sender's name for it.
 */
client_id: ClientId | null, 
/**
 * When the server took it.
 */
created_at: number, 
/**
 * When its text was changed last.
 */
edited_at?: number, 
/**
 * When it was deleted: its text is empty and its files are gone, its place stays.
 */
deleted_at?: number, 
/**
 * Colleagues whom a note mentions, by their ids. Replies have none.
 */
mentions?: Array<AgentId>, 
/**
 * The article that an agent's reply brings along, as it was when it was sent.
 */
article?: ArticleCard, 
/**
 * Answers that a question of the desk offers, in the visitor's language. Only the newest message's can be chosen.
 */
choices?: Array<Choice>, };

/**
 * A conversation's head: all that a list row needs.
 */
export type Conversation = { 
/**
 * Id.
 */
id: ConversationId, 
/**
 * With a visitor or among the team.
 */
kind: ConversationKind, 
/**
 * The person; 0 among the team.
 */
contact: ContactId, 
/**
 * Their browser; 0 among the team.
 */
visitor: VisitorId, 
/**
 * Where it began; 0 among the team.
 */
site: SiteId, 
/**
 * Open, snoozed or closed. Among the team it is always open.
 */
state: ConversationState, 
/**
 * Who answers. `None`: nobody yet.
 */
assignee: AgentId | null, 
/**
 * Which team it was given to. Never sent to a visitor.
 */
team?: TeamId, 
/**
 * The newest message's number; 0 when there is none.
 */
last_number: number, 
/**
 * Time of the oldest message of the visitor that no reply followed, or when a flow handed them over. `None`: nobody
 * waits for a person; a flow may talk to the visitor.
 */
waiting_since: number | null, 
/**
 * When it began.
 */
created_at: number, 
/**
 * Time of the newest message.
 */
active_at: number, 
/**
 * Newest number that the visitor has seen on screen.
 */
visitor_read: number, 
/**
 * When a snoozed one opens by itself. `None`: with the visitor's next message, or it is not snoozed. Never sent to
 * a visitor.
 */
snoozed_until?: number, 
/**
 * What the team calls it, sorted; at most [`crate::LABELS_MAX`]. Never sent to a visitor.
 */
labels?: Array<string>, 
/**
 * How pressing it is. Never sent to a visitor.
 */
priority?: Priority, 
/**
 * What the team calls a group of its own. Empty: it is a direct one of two, or one with a visitor.
 */
title?: string, 
/**
 * Agents who take part, by their ids; at most [`crate::PARTICIPANTS_MAX`]. Among the team nobody else sees it. With a
 * visitor they see it besides those who see the site. Never sent to a visitor.
 */
participants?: Array<AgentId>, 
/**
 * Agents who follow it though others may answer, by their ids; at most [`crate::FOLLOWERS_MAX`]. Whoever sees it no
 * more stays among them, for when they see it again. Never sent to a visitor.
 */
followers?: Array<AgentId>, };

/**
 * The kinds of entity in the change log.
 */
export type EntityKind = "agent" | "site" | "contact" | "visitor" | "conversation" | "message" | "canned_text" | "read_mark" | "team" | "item" | "unknown";

/**
 * What happened to an entity.
 */
export type ChangeKind = "put" | "delete" | "show" | "forget" | "erase" | "unknown";

/**
 * One change.
 */
export type Change = { 
/**
 * Its place in the log, and the entity's revision from now on.
 */
seq: Seq, 
/**
 * What happened.
 */
kind: ChangeKind, 
/**
 * To what kind of entity.
 */
entity: EntityKind, 
/**
 * To which one.
 */
id: number, 
/**
 * The entity's full state, for `put` and `show`.
 */
data?: unknown, 
/**
 * The command that caused it, to the sender's eyes: its outbox item is done.
 */
client_id?: ClientId, };

/**
 * What a link is for.
 */
export type LinkKind = "invitation" | "new_password";

/**
 * The answer to `POST /v1/links/look`.
 */
export type LinkSeen = { 
/**
 * What it is for.
 */
kind: LinkKind, 
/**
 * The desk's name.
 */
desk: string, 
/**
 * Theirs, as far as it is known.
 */
name: string, 
/**
 * The sign-in address.
 */
email: string, };

/**
 * The answer to `POST /v1/provider/look`: what the browser's page asks the person about.
 */
export type ProviderSeen = { 
/**
 * The desk's name.
 */
desk: string, 
/**
 * As whom.
 */
email: string, 
/**
 * On which computer, by its own word.
 */
device: string, 
/**
 * To be compared with the app's.
 */
code: string, };

/**
 * Which half of the widget speaks.
 */
export type VisitorPart = "page" | "panel";

/**
 * A page as the loader tells it.
 */
export type PageSeen = { 
/**
 * Origin and path.
 */
url: string, 
/**
 * Title.
 */
title: string, 
/**
 * Where the visitor came from; first page of a visit only.
 */
referrer: string, 
/**
 * Whether the tab is in front.
 */
visible: boolean, };

/**
 * What the widget says of itself.
 */
export type VisitorHello = { 
/**
 * The site's public key.
 */
site: string, 
/**
 * `page`: the loader in the shop's page, which sees no message. `panel`: the messenger in its frame.
 */
part: VisitorPart, 
/**
 * The visitor's secret, kept by the panel alone. Empty on the first visit and always empty from the loader.
 */
token: string | null, 
/**
 * The loader's random name for this browser or page, 32 hexadecimal digits. The panel repeats the one it
 * was handed, which joins the two into one visitor. It opens no conversation.
 */
presence: string | null, 
/**
 * The page on screen; from the loader.
 */
page: PageSeen | null, 
/**
 * Preferred language, a BCP 47 tag.
 */
language: string, 
/**
 * Screen size in CSS pixels, e.g. `1920×1080`.
 */
screen: string, 
/**
 * The language that the messenger speaks to them, a BCP 47 tag: the page's where it has one. What the desk says by
 * itself is in it; without it, in the preferred one. From the panel alone.
 */
spoken?: string, 
/**
 * Who the shop's server says it is: a JSON Web Token that it has signed. From the panel alone.
 */
identity?: string, };

/**
 * Opens a session. Agents send their token in the `Authorization` header, visitors in `visitor`.
 */
export type Hello = { 
/**
 * [`crate::PROTOCOL`].
 */
protocol: number, 
/**
 * Name and version of the client, e.g. `deskbell 0.1.0`.
 */
app: string, 
/**
 * How far the client has come; empty: it has nothing.
 */
cursor: Cursor | null, 
/**
 * Only from the widget.
 */
visitor?: VisitorHello, };

/**
 * What kind of thing is asked.
 */
export type FieldKind = "name" | "email" | "phone" | "text" | "choice";

/**
 * Which form.
 */
export type FormKind = "online" | "offline";

/**
 * One answer that can be chosen, in one language.
 */
export type AskedChoice = { 
/**
 * What is answered.
 */
value: string, 
/**
 * What is shown.
 */
label: string, };

/**
 * One thing that is asked, in one language.
 */
export type Asked = { 
/**
 * Its name within the form.
 */
id: string, 
/**
 * What kind of thing it is.
 */
kind: FieldKind, 
/**
 * Whether there is no first message without an answer.
 */
required: boolean, 
/**
 * What is asked; empty: in the messenger's own words.
 */
label: string, 
/**
 * What can be chosen.
 */
choices?: Array<AskedChoice>, };

/**
 * A site's forms in the words of one visitor's language.
 */
export type AskedForms = { 
/**
 * While the desk is online.
 */
online: Array<Asked>, 
/**
 * While it is offline.
 */
offline: Array<Asked>, };

/**
 * What messengers of a language say of the desk. An empty text is the messenger's own.
 */
export type DeskTexts = { 
/**
 * While the desk is online, at most 500 characters.
 */
online: string, 
/**
 * While it is offline, at most 500 characters.
 */
offline: string, };

/**
 * What a visitor is told.
 */
export type VisitorWelcome = { 
/**
 * The visitor's secret, to the panel alone, and only when it is new.
 */
token: string | null, 
/**
 * The conversation at hand.
 */
conversation: ConversationId | null, 
/**
 * The desk's name.
 */
desk: string, 
/**
 * Whether the desk is online: an agent is there, it is open, and it is not switched off.
 */
online: boolean, 
/**
 * When its hours open the desk, while they have it closed.
 */
back_at?: number, 
/**
 * What the desk says of that in the visitor's language, in place of the messenger's own texts.
 */
texts?: DeskTexts, 
/**
 * What is asked before the first message.
 */
forms?: AskedForms, 
/**
 * Whether the team sees what is written before it is sent.
 */
peek?: boolean, 
/**
 * Messages of the team that the visitor has not seen.
 */
unread: number, };

/**
 * What follows a welcome.
 */
export type SyncMode = "delta" | "snapshot";

/**
 * The answer to `hello`.
 */
export type Welcome = { 
/**
 * Names this connection in logs.
 */
session: string, 
/**
 * The log's name.
 */
epoch: string, 
/**
 * The log's newest place.
 */
head: Seq, 
/**
 * The server's clock.
 */
server_time: number, 
/**
 * Heartbeats come this often, in milliseconds; dead after 35 seconds without any frame.
 */
heartbeat_ms: number, 
/**
 * What follows.
 */
mode: SyncMode, 
/**
 * Only to agents: who is signed in.
 */
agent?: AgentId, 
/**
 * Only to visitors.
 */
visitor?: VisitorWelcome, };

/**
 * Why a cache is of no use any more.
 */
export type ResetReason = "epoch" | "too_old" | "ahead" | "schema" | "rights";

/**
 * See [`ServerFrame::Reset`].
 */
export type Reset = { 
/**
 * Why.
 */
reason: ResetReason, };

/**
 * A page of a snapshot. Rows are full states, newest conversations first; they may be newer than the base.
 */
export type SnapshotPage = { 
/**
 * Names the snapshot.
 */
generation: string, 
/**
 * The log's head when the scan began; deltas are replayed from here.
 */
base: Seq, 
/**
 * Rows, as changes.
 */
rows: Array<Change>, 
/**
 * Asks for the next page. Empty: `snap_end` follows.
 */
next: string | null, };

/**
 * Asks for a page.
 */
export type SnapshotNext = { 
/**
 * Which snapshot.
 */
generation: string, 
/**
 * The last page's `next`.
 */
token: string, };

/**
 * See [`ServerFrame::SnapEnd`].
 */
export type SnapshotEnd = { 
/**
 * Which snapshot.
 */
generation: string, 
/**
 * The cursor from here on.
 */
base: Seq, };

/**
 * A place in a snapshot: what its last page said.
 */
export type SnapshotAt = { 
/**
 * The log.
 */
epoch: string, 
/**
 * The snapshot's name.
 */
generation: string, 
/**
 * The page's `base`.
 */
base: Seq, 
/**
 * The page's `next`.
 */
token: string, };

/**
 * See [`ClientFrame::Seen`].
 */
export type Seen = { 
/**
 * The last change applied.
 */
seq: Seq, };

/**
 * Every visible change after `from` up to `to`. May be empty: it then moves the cursor over what is not
 * visible to this client. A delta whose `from` is not the client's cursor is not applied.
 */
export type Delta = { 
/**
 * The cursor before.
 */
from: Seq, 
/**
 * The cursor after.
 */
to: Seq, 
/**
 * In order.
 */
changes: Array<Change>, 
/**
 * Another delta follows at once.
 */
more: boolean, };

/**
 * A command is durably done.
 */
export type Ack = { 
/**
 * Which command.
 */
client_id: ClientId, 
/**
 * The last change it made. The outbox item is done once the cursor has passed it.
 */
seq: Seq, 
/**
 * The id of what was made: a message's, or a conversation's for `start`.
 */
id: number | null, 
/**
 * The message's number.
 */
number: number | null, 
/**
 * The command had been done before; nothing was done twice.
 */
duplicate: boolean, };

/**
 * A command is refused.
 */
export type Nack = { 
/**
 * Which command.
 */
client_id: ClientId, 
/**
 * Why. [`ErrorCode::is_permanent`] tells whether to try again.
 */
code: ErrorCode, 
/**
 * One English sentence that names the field and the rule.
 */
message: string, 
/**
 * Earliest time for another try, in milliseconds from now.
 */
retry_after_ms: number | null, 
/**
 * Which field breaks a rule, where one does.
 */
field?: string, 
/**
 * The row as it is, on `conflict`.
 */
current: Change | null, };

/**
 * Older messages, please.
 */
export type HistoryRequest = { 
/**
 * Repeated in the answer.
 */
request: number, 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * Messages with smaller numbers.
 */
before: number, 
/**
 * At most 100.
 */
limit: number, };

/**
 * Messages `from..=to` of a conversation, contiguous by construction as far as the client may see them.
 */
export type HistoryPage = { 
/**
 * Which request.
 */
request: number, 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * Smallest number covered; 1: the beginning is reached.
 */
from: number, 
/**
 * Largest number covered.
 */
to: number, 
/**
 * Rows, as changes, by number.
 */
messages: Array<Change>, };

/**
 * A visitor who is there.
 */
export type VisitorPresence = { 
/**
 * Who.
 */
visitor: VisitorId, 
/**
 * Whether the tab is in front.
 */
visible: boolean, };

/**
 * Something that is never stored, may be dropped, and is limited in rate.
 */
export type Ephemeral = { "kind": "typing", 
/**
 * Where. A visitor may leave it empty.
 */
conversation: ConversationId | null, 
/**
 * Who, in the server's words: a client's own claim is ignored.
 */
author: Author | null, 
/**
 * False: stopped.
 */
typing: boolean, 
/**
 * Life in milliseconds.
 */
ttl_ms: number, } | { "kind": "visitors", 
/**
 * The whole list follows.
 */
full: boolean, 
/**
 * There now.
 */
online: Array<VisitorPresence>, 
/**
 * Gone.
 */
gone: Array<VisitorId>, } | { "kind": "agents", 
/**
 * There now.
 */
agents: Array<AgentId>, 
/**
 * Whether the desk is online: any is, it is open, and it is not switched off.
 */
online: boolean, 
/**
 * To messengers: when its hours open the desk, while they have it closed.
 */
back_at?: number, 
/**
 * To messengers: as in the welcome.
 */
texts?: DeskTexts, 
/**
 * To messengers: as in the welcome.
 */
forms?: AskedForms, 
/**
 * To messengers: as in the welcome.
 */
peek?: boolean, } | { "kind": "peek", 
/**
 * Where. A visitor may leave it empty.
 */
conversation: ConversationId | null, 
/**
 * All of it so far, at most [`crate::PEEK_MAX`] characters; empty: nothing any more.
 */
text: string, } | { "kind": "page", 
/**
 * The page.
 */
page: PageSeen, } | { "kind": "unread", 
/**
 * How many.
 */
count: number, } | { "kind": "unknown" };

/**
 * Why a device stays silent.
 */
export type Suppressed = "switched_off" | "failed" | "unknown";

/**
 * What became of a ring on a device.
 */
export type RingOutcome = { "outcome": "shown" } | { "outcome": "suppressed", 
/**
 * Why.
 */
reason: Suppressed, } | { "outcome": "seen" } | { "outcome": "accepted" } | { "outcome": "declined" } | { "outcome": "unknown" };

/**
 * See [`ClientFrame::RingAck`].
 */
export type RingAck = { 
/**
 * Which ring.
 */
ring: MessageId, } & ({ "outcome": "shown" } | { "outcome": "suppressed", 
/**
 * Why.
 */
reason: Suppressed, } | { "outcome": "seen" } | { "outcome": "accepted" } | { "outcome": "declined" } | { "outcome": "unknown" });

/**
 * A visitor waits, and nobody answers. It comes again every 10 seconds until somebody does.
 */
export type Ring = { 
/**
 * The visitor's message that waits. It names the ring.
 */
ring: MessageId, 
/**
 * Where it was written.
 */
conversation: ConversationId, 
/**
 * Its number there.
 */
number: number, 
/**
 * How often it has rung before.
 */
level: number, 
/**
 * It rings for so long unless it comes again, in milliseconds. 0: it rings no more.
 */
deadline_ms: number, };

/**
 * A client's sign of life, every `heartbeat_ms`.
 */
export type ClientHeartbeat = { 
/**
 * The client's clock.
 */
time: number, };

/**
 * The server's sign of life.
 */
export type ServerHeartbeat = { 
/**
 * The server's clock.
 */
time: number, 
/**
 * The newest change visible to nobody in particular: a cursor behind it for 5 seconds is stale.
 */
head: Seq, };

/**
 * Why the server ends a connection.
 */
export type ByeCode = "drain" | "auth" | "revoked" | "slow" | "policy" | "version" | "origin" | "blocked" | "identity";

/**
 * See [`ServerFrame::Bye`].
 */
export type Bye = { 
/**
 * Why.
 */
code: ByeCode, 
/**
 * Earliest time to come back, in milliseconds; already jittered.
 */
retry_after_ms: number, };

/**
 * What is asked.
 */
export type Command = { "op": "send", "args": { 
/**
 * Where to.
 */
conversation: ConversationId | null, 
/**
 * `reply`, or `note` for agents. Among the team all is a `note`. `system` is refused.
 */
kind: MessageKind, 
/**
 * At most [`crate::MESSAGE_TEXT_MAX`] characters; may be empty when there are attachments or an article.
 */
text: string, 
/**
 * Files uploaded before, at most [`crate::ATTACHMENTS_MAX`].
 */
attachments: Array<AttachmentId>, 
/**
 * Colleagues whom a note mentions, at most [`crate::MENTIONS_MAX`]. They are told, and follow the conversation
 * from then on. Refused in a reply, and of whoever does not see the conversation.
 */
mentions?: Array<AgentId>, 
/**
 * An article for the visitor to read, in their language; one that is published for the conversation's site. From
 * agents, in replies alone.
 */
article?: ArticleId, 
/**
 * The key of the answer that a visitor has chosen; the text is its label. Refused of agents.
 */
choice?: string, } } | { "op": "introduce", "args": { 
/**
 * Which form they were shown.
 */
form: FormKind, 
/**
 * Their answers by the names of the fields. What is left empty may be left out.
 */
answers: { [key in string]: string }, 
/**
 * As of `send`.
 */
text: string, 
/**
 * As of `send`.
 */
attachments: Array<AttachmentId>, } } | { "op": "start", "args": { 
/**
 * Whom to talk to.
 */
visitor: VisitorId, } } | { "op": "start_internal", "args": { 
/**
 * To whom: at most [`crate::PARTICIPANTS_MAX`] with the sender, who need not be named.
 */
agents: Array<AgentId>, 
/**
 * What the group is called, at most [`crate::TITLE_MAX`] characters. Empty: a direct conversation.
 */
title: string, 
/**
 * The first message, at most [`crate::MESSAGE_TEXT_MAX`] characters.
 */
text: string, } } | { "op": "change_participants", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * To take part afterwards. They read all that was written before.
 */
add: Array<AgentId>, 
/**
 * Not to take part afterwards.
 */
remove: Array<AgentId>, } } | { "op": "follow", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * From now on.
 */
following: boolean, } } | { "op": "mark_read", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * Newest number seen.
 */
number: number, } } | { "op": "set_state", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * `open` or `closed`. `snoozed` is refused.
 */
state: ConversationState, } } | { "op": "snooze", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * When the desk opens it, at most [`crate::SNOOZE_MAX_MS`] from now. `None`: with the visitor's next message.
 */
until: number | null, } } | { "op": "assign", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * Who answers from now on.
 */
agent: AgentId | null, 
/**
 * Whose it is from now on.
 */
team?: TeamId, 
/**
 * Refuse with `conflict` when somebody else has it by now. Unlike `if_rev`, a new message is no conflict.
 */
from?: Holder, } } | { "op": "set_priority", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * From now on.
 */
priority: Priority, } } | { "op": "edit_message", "args": { 
/**
 * Where it stands.
 */
conversation: ConversationId, 
/**
 * Which one.
 */
message: MessageId, 
/**
 * At most [`crate::MESSAGE_TEXT_MAX`] characters; may be empty when there are attachments or an article.
 */
text: string, } } | { "op": "delete_message", "args": { 
/**
 * Where it stands.
 */
conversation: ConversationId, 
/**
 * Which one.
 */
message: MessageId, } } | { "op": "change_labels", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * To be there afterwards. One that is there in another spelling stays as it is.
 */
add: Array<string>, 
/**
 * Not to be there afterwards, unless it is added by the same command.
 */
remove: Array<string>, } } | { "op": "start_flow", "args": { 
/**
 * In which conversation. It is open afterwards.
 */
conversation: ConversationId, 
/**
 * Which one: `GET /v1/conversations/{id}/flows`.
 */
flow: FlowId, } } | { "op": "stop_flow", "args": { 
/**
 * In which conversation.
 */
conversation: ConversationId, } } | { "op": "use_canned_text", "args": { 
/**
 * Which one.
 */
text: CannedTextId, } } | { "op": "edit_contact", "args": { 
/**
 * Who.
 */
contact: ContactId, 
/**
 * At most [`crate::FIELD_MAX`] characters.
 */
name: string, 
/**
 * Empty or with an `@`.
 */
email: string, 
/**
 * At most [`crate::FIELD_MAX`] characters.
 */
phone: string, 
/**
 * At most [`crate::NOTES_MAX`] characters.
 */
notes: string, } };

/**
 * A `cmd` frame.
 */
export type CommandFrame = { 
/**
 * The permanent name; a repeat with the same name is answered like the first one.
 */
client_id: ClientId, 
/**
 * Refuse with `conflict` unless the entity was last changed by this place in the log.
 */
if_rev?: Seq, 
/**
 * When the person acted, by their own clock, in milliseconds since the Unix epoch. Shown, never used to order.
 */
client_time: number, } & ({ "op": "send", "args": { 
/**
 * Where to.
 */
conversation: ConversationId | null, 
/**
 * `reply`, or `note` for agents. Among the team all is a `note`. `system` is refused.
 */
kind: MessageKind, 
/**
 * At most [`crate::MESSAGE_TEXT_MAX`] characters; may be empty when there are attachments or an article.
 */
text: string, 
/**
 * Files uploaded before, at most [`crate::ATTACHMENTS_MAX`].
 */
attachments: Array<AttachmentId>, 
/**
 * Colleagues whom a note mentions, at most [`crate::MENTIONS_MAX`]. They are told, and follow the conversation
 * from then on. Refused in a reply, and of whoever does not see the conversation.
 */
mentions?: Array<AgentId>, 
/**
 * An article for the visitor to read, in their language; one that is published for the conversation's site. From
 * agents, in replies alone.
 */
article?: ArticleId, 
/**
 * The key of the answer that a visitor has chosen; the text is its label. Refused of agents.
 */
choice?: string, } } | { "op": "introduce", "args": { 
/**
 * Which form they were shown.
 */
form: FormKind, 
/**
 * Their answers by the names of the fields. What is left empty may be left out.
 */
answers: { [key in string]: string }, 
/**
 * As of `send`.
 */
text: string, 
/**
 * As of `send`.
 */
attachments: Array<AttachmentId>, } } | { "op": "start", "args": { 
/**
 * Whom to talk to.
 */
visitor: VisitorId, } } | { "op": "start_internal", "args": { 
/**
 * To whom: at most [`crate::PARTICIPANTS_MAX`] with the sender, who need not be named.
 */
agents: Array<AgentId>, 
/**
 * What the group is called, at most [`crate::TITLE_MAX`] characters. Empty: a direct conversation.
 */
title: string, 
/**
 * The first message, at most [`crate::MESSAGE_TEXT_MAX`] characters.
 */
text: string, } } | { "op": "change_participants", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * To take part afterwards. They read all that was written before.
 */
add: Array<AgentId>, 
/**
 * Not to take part afterwards.
 */
remove: Array<AgentId>, } } | { "op": "follow", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * From now on.
 */
following: boolean, } } | { "op": "mark_read", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * Newest number seen.
 */
number: number, } } | { "op": "set_state", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * `open` or `closed`. `snoozed` is refused.
 */
state: ConversationState, } } | { "op": "snooze", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * When the desk opens it, at most [`crate::SNOOZE_MAX_MS`] from now. `None`: with the visitor's next message.
 */
until: number | null, } } | { "op": "assign", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * Who answers from now on.
 */
agent: AgentId | null, 
/**
 * Whose it is from now on.
 */
team?: TeamId, 
/**
 * Refuse with `conflict` when somebody else has it by now. Unlike `if_rev`, a new message is no conflict.
 */
from?: Holder, } } | { "op": "set_priority", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * From now on.
 */
priority: Priority, } } | { "op": "edit_message", "args": { 
/**
 * Where it stands.
 */
conversation: ConversationId, 
/**
 * Which one.
 */
message: MessageId, 
/**
 * At most [`crate::MESSAGE_TEXT_MAX`] characters; may be empty when there are attachments or an article.
 */
text: string, } } | { "op": "delete_message", "args": { 
/**
 * Where it stands.
 */
conversation: ConversationId, 
/**
 * Which one.
 */
message: MessageId, } } | { "op": "change_labels", "args": { 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * To be there afterwards. One that is there in another spelling stays as it is.
 */
add: Array<string>, 
/**
 * Not to be there afterwards, unless it is added by the same command.
 */
remove: Array<string>, } } | { "op": "start_flow", "args": { 
/**
 * In which conversation. It is open afterwards.
 */
conversation: ConversationId, 
/**
 * Which one: `GET /v1/conversations/{id}/flows`.
 */
flow: FlowId, } } | { "op": "stop_flow", "args": { 
/**
 * In which conversation.
 */
conversation: ConversationId, } } | { "op": "use_canned_text", "args": { 
/**
 * Which one.
 */
text: CannedTextId, } } | { "op": "edit_contact", "args": { 
/**
 * Who.
 */
contact: ContactId, 
/**
 * At most [`crate::FIELD_MAX`] characters.
 */
name: string, 
/**
 * Empty or with an `@`.
 */
email: string, 
/**
 * At most [`crate::FIELD_MAX`] characters.
 */
phone: string, 
/**
 * At most [`crate::NOTES_MAX`] characters.
 */
notes: string, } });

/**
 * From a client to the server.
 */
export type ClientFrame = { "type": "hello" } & Hello | { "type": "snap_next" } & SnapshotNext | { "type": "seen" } & Seen | { "type": "cmd" } & CommandFrame | { "type": "hist" } & HistoryRequest | { "type": "eph" } & Ephemeral | { "type": "ring_ack" } & RingAck | { "type": "hb" } & ClientHeartbeat;

/**
 * From the server to a client.
 */
export type ServerFrame = { "type": "welcome" } & Welcome | { "type": "reset" } & Reset | { "type": "snap" } & SnapshotPage | { "type": "snap_end" } & SnapshotEnd | { "type": "delta" } & Delta | { "type": "ack" } & Ack | { "type": "nack" } & Nack | { "type": "hist_page" } & HistoryPage | { "type": "eph" } & Ephemeral | { "type": "ring" } & Ring | { "type": "hb" } & ServerHeartbeat | { "type": "bye" } & Bye;

