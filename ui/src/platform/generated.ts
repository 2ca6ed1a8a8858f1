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
 * A prepared text.
 */
export type CannedTextId = number;

/**
 * Agents who answer together.
 */
export type TeamId = number;

/**
 * Whose a prepared text is: who sees it, and who may change it.
 */
export type TextOwner = { "kind": "desk" } | { "kind": "team", 
/**
 * Which one.
 */
team: TeamId, } | { "kind": "agent", 
/**
 * Whose.
 */
agent: AgentId, };

/**
 * A message.
 */
export type MessageId = number;

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
 * An account of this app. Its number is given once and never again, so that what is left of one that signed out
 * means nothing.
 */
export type AccountId = number;

/**
 * A conversation of one account.
 */
export type ConversationRef = `c${number}.${number}`;

/**
 * A visitor at one account's desk.
 */
export type VisitorRef = `v${number}.${number}`;

/**
 * A person known to one account's desk.
 */
export type ContactRef = `p${number}.${number}`;

/**
 * Why something was refused.
 */
export type ErrorCode = "wrong_password" | "code_required" | "code_wrong" | "too_many_attempts" | "no_agent" | "expired" | "revoked" | "version" | "origin" | "not_found" | "invalid" | "conflict" | "too_large" | "unsupported_type" | "disk_full" | "busy" | "internal";

/**
 * What kind of thing is asked.
 */
export type FieldKind = "name" | "email" | "phone" | "text" | "choice";

/**
 * An answer as agents read it: the text of the system message `form:` is a list of these as JSON.
 */
export type FormAnswer = { 
/**
 * What kind of thing was asked.
 */
kind: FieldKind, 
/**
 * What was asked; empty: in the app's own words.
 */
label: string, 
/**
 * What was answered.
 */
answer: string, };

/**
 * Where an address lies, as far as the offline database knows.
 */
export type Region = { 
/**
 * ISO 3166-1 alpha-2 code, e.g. `ES`. `None`: unknown.
 */
country: string | null, 
/**
 * English name of the city; only with a city-level database.
 */
city: string | null, 
/**
 * The address is a loopback or private one.
 */
local: boolean, };

/**
 * Who a person is, by the word of the shop's own server.
 */
export type Verified = { 
/**
 * The shop's name for them, such as a customer's number.
 */
external_id: string, 
/**
 * When it was proved first.
 */
at: number, };

/**
 * What kind of thing is to be done. It never changes.
 */
export type ItemKind = "project" | "ticket" | "task";

/**
 * How far it is.
 */
export type ItemState = "open" | "in_progress" | "closed";

/**
 * One page a visitor looked at.
 */
export type PageView = { 
/**
 * Origin and path; query and fragment are dropped in the visitor's browser.
 */
url: string, 
/**
 * The page's title.
 */
title: string, 
/**
 * When it was opened.
 */
at: number, };

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
 * An article.
 */
export type ArticleId = number;

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
 * Why a command of the page failed. The page has one sentence for each that says what to do next.
 */
export type ApiErrorCode = "wrong_password" | "code_required" | "code_wrong" | "too_many_attempts" | "no_agent" | "provider_failed" | "sign_in_ended" | "unreachable" | "not_a_desk" | "version" | "expired" | "revoked" | "signed_out" | "signed_in_already" | "too_many_accounts" | "disk_full" | "newer_database" | "damaged_database" | "keychain_locked" | "undecryptable" | "offline" | "not_found" | "invalid" | "conflict" | "too_late" | "too_large" | "unsupported_type" | "internal";

/**
 * A failed command.
 */
export type ApiError = { 
/**
 * What the page acts on.
 */
code: ApiErrorCode, 
/**
 * For logs and "copy details"; never the only thing shown.
 */
detail: string, 
/**
 * The field that broke a rule.
 */
field: string | null, 
/**
 * Of a sign-out that would lose something: how much this computer alone has.
 */
count?: number, };

/**
 * Everything the first screen needs, from disk alone.
 */
export type StartView = { 
/**
 * The app's version.
 */
version: string, 
/**
 * Every account, in the order in which they were added. None: show the first-run window.
 */
accounts: Array<AccountState>, 
/**
 * Language, theme and alerts.
 */
settings: Settings, 
/**
 * The chat boxes of the accounts that are open, as they were left.
 */
boxes: Array<BoxRecord>, 
/**
 * The worst of all connections.
 */
sync: SyncView, };

/**
 * An account and what has become of it.
 */
export type AccountState = { 
/**
 * Who is signed in, and where.
 */
account: AccountView, 
/**
 * Its chats can be read.
 */
open: boolean, 
/**
 * Why it is not open, e.g. a newer database. Neither open nor this: it is being opened, and an `account` event
 * ends that.
 */
fault: ApiError | null, 
/**
 * Where the key of its databases is.
 */
key_place: KeyPlace | null, 
/**
 * The state of its connection.
 */
sync: SyncView, 
/**
 * After this computer was signed out from elsewhere: messages and drafts that the desk never got, which are kept.
 */
kept: number | null, };

/**
 * An account.
 */
export type AccountView = { 
/**
 * How this app names it.
 */
id: AccountId, 
/**
 * The signed-in agent.
 */
agent: AgentId, 
/**
 * Their name.
 */
name: string, 
/**
 * Their address.
 */
email: string, 
/**
 * The desk's name.
 */
desk: string, 
/**
 * The desk's address.
 */
address: string, 
/**
 * The desk runs inside this app.
 */
local: boolean, };

/**
 * Where the key of the databases on this computer is kept.
 */
export type KeyPlace = "keychain" | "file";

/**
 * Colours.
 */
export type Theme = "system" | "light" | "dark";

/**
 * Languages of the catalogue.
 */
export type Language = "en" | "es" | "ru";

/**
 * What the person chose.
 */
export type Settings = { 
/**
 * `None`: the system's language, or English.
 */
language: Language | null, 
/**
 * Colours.
 */
theme: Theme, 
/**
 * Native notifications.
 */
toasts: boolean, 
/**
 * Sounds.
 */
sounds: boolean, 
/**
 * Flashing window.
 */
flash: boolean, 
/**
 * Hide what visitors wrote in toasts.
 */
hide_text: boolean, 
/**
 * A new chat that rings opens as a small box by itself.
 */
open_boxes: boolean, 
/**
 * Single-key shortcuts outside text fields.
 */
single_keys: boolean, 
/**
 * A reply is kept back for five seconds, so that it can be taken back.
 */
undo_send: boolean, 
/**
 * Files that were not used for so many days are removed from this computer; from 1 to 3650.
 */
keep_days: number, 
/**
 * Room for each desk's files on this computer, in millions of bytes. 0: none is kept.
 */
keep_megabytes: number, 
/**
 * Closed chats that were not used for so many days keep only their newest message on this computer; up to 3650.
 * 0: they keep all.
 */
keep_messages_days: number, 
/**
 * Room for each desk's chats on this computer, in millions of bytes. 0: as much as they need.
 */
keep_messages_megabytes: number, };

/**
 * How a chat box stands.
 */
export type BoxState = "minimised" | "restored" | "maximised";

/**
 * One chat box, as kept over a restart. Drafts are kept per conversation, not per box.
 */
export type BoxRecord = { 
/**
 * Whose box.
 */
conversation: ConversationRef, 
/**
 * How it stands.
 */
state: BoxState, 
/**
 * Larger: focused later.
 */
last_focus: number, 
/**
 * The composer's tab.
 */
tab: MessageKind, };

/**
 * The state of the connection.
 */
export type SyncState = "signed_out" | "connecting" | "syncing" | "live" | "offline" | "expired" | "version";

/**
 * How fresh the screen is.
 */
export type SyncView = { 
/**
 * Where the connection stands.
 */
state: SyncState, 
/**
 * When the cache was last known to be whole, by this computer's clock.
 */
synced_at: number | null, 
/**
 * Requests carry the connection, because the network lets no socket through.
 */
over_http: boolean, 
/**
 * Since when there is no connection.
 */
offline_since: number | null, 
/**
 * Commands not yet taken by the server.
 */
unsent: number, 
/**
 * Commands the server refused and the person has not dealt with.
 */
refused: number, 
/**
 * Replies that the person has to decide on, because somebody else wrote meanwhile.
 */
held: number, 
/**
 * When anything was last heard of the server, by this computer's clock.
 */
last_event_at: number | null, 
/**
 * Changes that the server told of and that are not here yet.
 */
lag: number, };

/**
 * A list of conversations.
 */
export type Folder = "open" | "waiting" | "mine" | "snoozed" | "closed" | "team";

/**
 * Asks for a list.
 */
export type ListConversations = { 
/**
 * Which one.
 */
folder: Folder, 
/**
 * Of this account alone; empty: of all together.
 */
account: AccountId | null, 
/**
 * At most 500.
 */
limit: number, };

/**
 * A list with the counts of all folders.
 */
export type ConversationList = { 
/**
 * Rows in the folder's order.
 */
rows: Array<ConversationRow>, 
/**
 * Rows of every folder, and people waiting, at all desks.
 */
counts: Counts, 
/**
 * The same for every open account.
 */
accounts: Array<AccountCounts>, };

/**
 * The numbers of one account.
 */
export type AccountCounts = { 
/**
 * Whose.
 */
account: AccountId, 
/**
 * Rows of every folder, and people waiting.
 */
counts: Counts, };

/**
 * Numbers of the side bar and the queue strip.
 */
export type Counts = { 
/**
 * Open conversations.
 */
open: number, 
/**
 * Waiting ones.
 */
waiting: number, 
/**
 * Mine.
 */
mine: number, 
/**
 * Snoozed.
 */
snoozed: number, 
/**
 * Closed.
 */
closed: number, 
/**
 * Conversations with unread messages of visitors.
 */
unread: number, 
/**
 * Conversations among the team with unread messages.
 */
team_unread: number, 
/**
 * The oldest waiting message's time.
 */
waiting_since: number | null, };

/**
 * A row of a list, and the head of a thread.
 */
export type ConversationRow = { 
/**
 * Which one.
 */
id: ConversationRef, 
/**
 * Of which account.
 */
account: AccountId, 
/**
 * The person.
 */
contact: ContactRef, 
/**
 * Their browser.
 */
visitor: VisitorRef, 
/**
 * Empty: word it as "Visitor" with `visitor_number`. Among the team: the group's title, or with whom it is.
 */
name: string, 
/**
 * A short number for an unnamed visitor.
 */
visitor_number: number, 
/**
 * Among the team: there is no visitor, everything is a note, and nobody has it.
 */
internal: boolean, 
/**
 * Between two of the team.
 */
direct: boolean, 
/**
 * Agents who take part, without me.
 */
participants: Array<Participant>, 
/**
 * I take part.
 */
takes_part: boolean, 
/**
 * Agents who follow it though others may answer, without me.
 */
followers: Array<Participant>, 
/**
 * I follow it.
 */
followed: boolean, 
/**
 * Open, snoozed, closed.
 */
state: ConversationState, 
/**
 * When a snoozed one opens by itself; empty: with the visitor's next message.
 */
snoozed_until: number | null, 
/**
 * What the team calls it, sorted.
 */
labels: Array<string>, 
/**
 * Who answers.
 */
assignee: AgentId | null, 
/**
 * Their name; empty when nobody.
 */
assignee_name: string, 
/**
 * That is me.
 */
mine: boolean, 
/**
 * Which team has it.
 */
team: TeamId | null, 
/**
 * Its name; empty when none.
 */
team_name: string, 
/**
 * How pressing it is.
 */
priority: Priority, 
/**
 * The newest reply, note or file, in one line.
 */
preview: Preview | null, 
/**
 * Time of the newest message.
 */
active_at: number, 
/**
 * Messages of the visitor I have not read.
 */
unread: number, 
/**
 * Since when the visitor waits.
 */
waiting_since: number | null, 
/**
 * The visitor is on the site now.
 */
online: boolean, 
/**
 * The visitor is typing.
 */
typing: boolean, 
/**
 * What they write, where the desk tells; of the conversation that was asked for alone.
 */
peek?: string, 
/**
 * An unsent text is kept.
 */
draft: boolean, 
/**
 * A message of mine was refused.
 */
refused: boolean, 
/**
 * A reply of mine is held, because somebody else wrote meanwhile.
 */
held: boolean, 
/**
 * Newest message's number.
 */
last_number: number, 
/**
 * Newest number the visitor has seen.
 */
visitor_read: number, 
/**
 * Newest number I have seen.
 */
my_read: number, };

/**
 * An agent who takes part in a conversation.
 */
export type Participant = { 
/**
 * Who.
 */
agent: AgentId, 
/**
 * Their name.
 */
name: string, };

/**
 * A first message to colleagues.
 */
export type StartInternal = { 
/**
 * At which desk.
 */
account: AccountId, 
/**
 * To whom.
 */
agents: Array<AgentId>, 
/**
 * What the group is called. Empty: the direct conversation with one colleague.
 */
title: string, 
/**
 * What is said.
 */
text: string, };

/**
 * Who takes part from now on.
 */
export type ChangeParticipants = { 
/**
 * Which conversation.
 */
conversation: ConversationRef, 
/**
 * To take part.
 */
add: Array<AgentId>, 
/**
 * To take part no more.
 */
remove: Array<AgentId>, 
/**
 * I leave.
 */
leave: boolean, };

/**
 * Whether I follow a conversation from now on.
 */
export type Follow = { 
/**
 * Which one.
 */
conversation: ConversationRef, 
/**
 * From now on.
 */
following: boolean, };

/**
 * The newest message in one line.
 */
export type Preview = { 
/**
 * Who wrote it.
 */
author: Author, 
/**
 * Reply, note or system.
 */
kind: MessageKind, 
/**
 * At most 160 characters, one line.
 */
text: string, 
/**
 * Name of the first file, when there is no text.
 */
file: string | null, 
/**
 * Written by me.
 */
mine: boolean, };

/**
 * Asks for messages, newest first when `before` is empty.
 */
export type ListMessages = { 
/**
 * Which conversation.
 */
conversation: ConversationRef, 
/**
 * Messages with smaller numbers.
 */
before: number | null, 
/**
 * At most 200.
 */
limit: number, };

/**
 * Older messages that only the desk has.
 */
export type LoadOlder = { 
/**
 * Which conversation.
 */
conversation: ConversationRef, 
/**
 * Messages with smaller numbers; empty: older than all that follow without a hole up to the newest.
 */
before: number | null, };

/**
 * Messages in the order of the screen.
 */
export type Thread = { 
/**
 * Rows by number; then what is on its way.
 */
messages: Array<MessageView>, 
/**
 * Smaller numbers exist on this computer.
 */
more_here: boolean, 
/**
 * Smaller numbers exist on the server only: `load_older` fetches them when online.
 */
more_there: boolean, 
/**
 * What I wanted done with the conversation and the desk refused; a refused message stands among the messages.
 */
refused: Array<RefusedDeed>, 
/**
 * Which of their files are on this computer.
 */
kept: Array<AttachmentId>, };

/**
 * A piece of a message's text.
 */
export type TextPart = { "part": "text", 
/**
 * The characters.
 */
text: string, } | { "part": "link", 
/**
 * Its place among the message's links.
 */
index: number, 
/**
 * What was written.
 */
text: string, 
/**
 * Its host in ASCII, so that look-alike letters show.
 */
host: string, } | { "part": "mention", 
/**
 * Who.
 */
agent: AgentId, 
/**
 * What was written: `@` and the name.
 */
text: string, 
/**
 * It is me.
 */
me: boolean, };

/**
 * How far a message of mine has come.
 */
export type Delivery = "delayed" | "queued" | "uploading" | "sending" | "retrying" | "held" | "sent" | "seen" | "refused" | "received";

/**
 * A message as the page draws it.
 */
export type MessageView = { 
/**
 * A stable key: the client id if there is one, else the id.
 */
key: string, 
/**
 * Empty until the server has it.
 */
id: MessageId | null, 
/**
 * 0 until the server has it.
 */
number: number, 
/**
 * Who wrote it.
 */
author: Author, 
/**
 * Written by me.
 */
mine: boolean, 
/**
 * Reply, note or system.
 */
kind: MessageKind, 
/**
 * The text in pieces.
 */
text: Array<TextPart>, 
/**
 * What a question of the desk offers as answers.
 */
choices: Array<string>, 
/**
 * Files that the server has.
 */
attachments: Array<Attachment>, 
/**
 * The article that it brings the visitor, as it was when it was sent.
 */
article: ArticleCard | null, 
/**
 * Files that are on this computer until the message is done; in place of `attachments` then.
 */
files: Array<FileView>, 
/**
 * Server time, or this computer's until the server has it.
 */
created_at: number, 
/**
 * How far it has come.
 */
delivery: Delivery, 
/**
 * Why it was refused.
 */
refusal: ErrorCode | null, 
/**
 * For `retry`, `take_back` and `discard`.
 */
client_id: ClientId | null, 
/**
 * When it goes by itself, by this computer's clock, if it is kept back.
 */
sends_at: number | null, 
/**
 * The newest number that was on screen when it was written, if it is held: what is above came meanwhile.
 */
seen: number | null, 
/**
 * The change that it shows, for `edit_message` and `delete_message`. Empty until the server has it.
 */
rev: Seq | null, 
/**
 * Its text was changed.
 */
edited: boolean, 
/**
 * It was deleted: nothing is left but its place.
 */
deleted: boolean, 
/**
 * A change of mine is still on its way.
 */
changing: boolean, 
/**
 * I may edit it.
 */
may_edit: boolean, 
/**
 * I may delete it.
 */
may_delete: boolean, };

/**
 * A row of the visitor list.
 */
export type VisitorRow = { 
/**
 * Who.
 */
id: VisitorRef, 
/**
 * At which account's desk.
 */
account: AccountId, 
/**
 * Empty: word it as "Visitor" with `number`.
 */
name: string, 
/**
 * A short number for an unnamed visitor.
 */
number: number, 
/**
 * Where the address lies.
 */
region: Region, 
/**
 * The page on screen.
 */
page: PageView | null, 
/**
 * Visits.
 */
visits: number, 
/**
 * Conversations started.
 */
chats: number, 
/**
 * Start of this visit.
 */
visit_started_at: number, 
/**
 * The tab is in front.
 */
visible: boolean, 
/**
 * The conversation at hand: speech bubble instead of eye.
 */
conversation: ConversationRef | null, };

/**
 * The details panel.
 */
export type VisitorDetails = { 
/**
 * Who.
 */
visitor: VisitorRef, 
/**
 * At which account's desk.
 */
account: AccountId, 
/**
 * A short number for an unnamed visitor.
 */
number: number, 
/**
 * The person.
 */
contact: ContactRef, 
/**
 * Editable.
 */
name: string, 
/**
 * Editable.
 */
email: string, 
/**
 * Editable.
 */
phone: string, 
/**
 * Editable.
 */
notes: string, 
/**
 * Who it is by the word of the shop's own server. Absent: nobody but the visitor says who they are.
 */
verified?: Verified, 
/**
 * Where the address lies.
 */
region: Region, 
/**
 * Address; may be truncated or empty by the desk's setting.
 */
ip: string, 
/**
 * Browser.
 */
browser: string, 
/**
 * Operating system.
 */
os: string, 
/**
 * Kind of device.
 */
device: string, 
/**
 * Preferred language, a BCP 47 tag.
 */
language: string, 
/**
 * Screen size.
 */
screen: string, 
/**
 * Where they came from.
 */
referrer: string, 
/**
 * Visits.
 */
visits: number, 
/**
 * Conversations started.
 */
chats: number, 
/**
 * On the site now.
 */
online: boolean, 
/**
 * Last pages, newest first.
 */
pages: Array<PageView>, 
/**
 * Earlier conversations, newest first.
 */
conversations: Array<PastConversation>, 
/**
 * Projects, tickets and tasks about them: first those that are to be done, newest first.
 */
items: Array<LinkedItem>, };

/**
 * An earlier conversation.
 */
export type PastConversation = { 
/**
 * Id.
 */
id: ConversationRef, 
/**
 * When it began.
 */
created_at: number, 
/**
 * Where it stands.
 */
state: ConversationState, 
/**
 * Its newest message in one line.
 */
preview: Preview | null, };

/**
 * A project, a ticket or a task that is about somebody.
 */
export type LinkedItem = { 
/**
 * Its number at the desk.
 */
number: number, 
/**
 * What it is.
 */
kind: ItemKind, 
/**
 * How far it is.
 */
state: ItemState, 
/**
 * One line.
 */
title: string, 
/**
 * Who does it.
 */
assignee: string | null, };

/**
 * A prepared text.
 */
export type CannedTextView = { 
/**
 * Id.
 */
id: CannedTextId, 
/**
 * Whose it is.
 */
owner: TextOwner, 
/**
 * The team's name, when it is a team's.
 */
team: string, 
/**
 * What is typed after `#`.
 */
shortcut: string, 
/**
 * Title.
 */
title: string, 
/**
 * What is inserted, with the placeholders filled in.
 */
text: string, 
/**
 * Placeholders that have no value; the page will not send while one is left.
 */
missing: Array<string>, 
/**
 * Files that come with it.
 */
attachments: Array<Attachment>, };

/**
 * What a hit of the search is.
 */
export type HitKind = "person" | "page" | "message" | "note" | "file";

/**
 * A hit of the search.
 */
export type SearchHit = { 
/**
 * What it is.
 */
kind: HitKind, 
/**
 * Of which account.
 */
account: AccountId, 
/**
 * Where.
 */
conversation: ConversationRef, 
/**
 * The message; empty when a person or page matched.
 */
number: number | null, 
/**
 * Whose conversation; empty: unnamed.
 */
name: string, 
/**
 * A short number for an unnamed visitor.
 */
visitor_number: number, 
/**
 * Pieces of the text, every second one a match.
 */
snippet: Array<string>, 
/**
 * When.
 */
at: number, };

/**
 * What the desks found.
 */
export type DeskHits = { 
/**
 * What is not on this computer.
 */
hits: Array<SearchHit>, 
/**
 * Accounts whose desk could not be asked.
 */
silent: Array<AccountId>, };

/**
 * A file of a draft, or of a message that is not done: it is on this computer's disk.
 */
export type FileView = { 
/**
 * For `send_message` and `remove_file`.
 */
file: ClientId, 
/**
 * What the person calls it.
 */
name: string, 
/**
 * Bytes.
 */
size: number, 
/**
 * Bytes that the server has.
 */
uploaded: number, 
/**
 * Why the server refused it.
 */
refusal: ErrorCode | null, };

/**
 * Nothing to say.
 */
export type Nothing = Record<symbol, never>;

/**
 * One account.
 */
export type ForAccount = { 
/**
 * Which one.
 */
account: AccountId, };

/**
 * Sign out.
 */
export type SignOut = { 
/**
 * Of which account.
 */
account: AccountId, 
/**
 * The person was asked, and what this computer alone has goes.
 */
force?: boolean, };

/**
 * Connect to a desk.
 */
export type ConnectDesk = { 
/**
 * Whose session is to begin again; empty: a desk is added.
 */
account: AccountId | null, 
/**
 * The desk's address, with or without `https://`.
 */
address: string, 
/**
 * The agent's e-mail.
 */
email: string, 
/**
 * Their password. Never stored.
 */
password: string, 
/**
 * A code of their second factor, when the desk has asked for one.
 */
code: string | null, };

/**
 * Ask what a desk offers to whoever signs in.
 */
export type AskDesk = { 
/**
 * The desk's address, with or without `https://`.
 */
address: string, };

/**
 * What a desk offers to whoever signs in.
 */
export type DeskOffer = { 
/**
 * What the desk's identity provider is called. Empty: it has none.
 */
provider: string | null, };

/**
 * Sign in at a desk's identity provider.
 */
export type BeginAtProvider = { 
/**
 * Whose session is to begin again; empty: a desk is added.
 */
account: AccountId | null, 
/**
 * The desk's address, with or without `https://`.
 */
address: string, };

/**
 * The browser is open.
 */
export type ProviderCode = { 
/**
 * The person finds the same one in the browser.
 */
code: string, };

/**
 * One conversation.
 */
export type ForConversation = { 
/**
 * Which one.
 */
conversation: ConversationRef, };

/**
 * One visitor.
 */
export type ForVisitor = { 
/**
 * Which one.
 */
visitor: VisitorRef, };

/**
 * Send a message: it is on disk when this returns.
 */
export type SendMessage = { 
/**
 * Where to.
 */
conversation: ConversationRef, 
/**
 * Reply or note.
 */
kind: MessageKind, 
/**
 * The text.
 */
text: string, 
/**
 * Files of the conversation's draft.
 */
files: Array<ClientId>, 
/**
 * The newest number on screen: a reply written without a connection is held if somebody else wrote after it.
 */
seen: number, 
/**
 * Whom a note may mention: those whose names still stand in it after an `@` are mentioned.
 */
mentions: Array<AgentId>, };

/**
 * A message that is unsent text again. It stands before what was typed since, on disk already.
 */
export type TakenBack = { 
/**
 * Where.
 */
conversation: ConversationRef, 
/**
 * Reply or note.
 */
kind: MessageKind, 
/**
 * Its text.
 */
text: string, 
/**
 * Whom it mentions.
 */
mentions: Array<AgentId>, 
/**
 * Its files, the draft's again.
 */
files: Array<FileView>, };

/**
 * Asks how healthy the sync is.
 */
export type AskHealth = { 
/**
 * The conversations on screen.
 */
conversations: Array<ConversationRef>, };

/**
 * How healthy the sync is.
 */
export type SyncHealth = { 
/**
 * The worst of all connections, as it is now.
 */
sync: SyncView, 
/**
 * Conversations on screen that miss messages which the server has. Old ones that nobody asked for do not count.
 */
holes: number, 
/**
 * Every account's own.
 */
accounts: Array<AccountSync>, };

/**
 * The state of one account's connection.
 */
export type AccountSync = { 
/**
 * Whose.
 */
account: AccountId, 
/**
 * As it is now.
 */
sync: SyncView, };

/**
 * Something queued.
 */
export type Queued = { 
/**
 * Its permanent name.
 */
client_id: ClientId, };

/**
 * One queued command.
 */
export type ForQueued = { 
/**
 * Where it is to go.
 */
conversation: ConversationRef, 
/**
 * Its permanent name.
 */
client_id: ClientId, };

/**
 * Close or reopen.
 */
export type SetState = { 
/**
 * Which conversation.
 */
conversation: ConversationRef, 
/**
 * The new state.
 */
state: ConversationState, };

/**
 * Put off.
 */
export type Snooze = { 
/**
 * Which conversation.
 */
conversation: ConversationRef, 
/**
 * When it opens by itself, within a year. Empty: with the visitor's next message.
 */
until: number | null, };

/**
 * A message of mine written anew.
 */
export type EditMessage = { 
/**
 * Where it stands.
 */
conversation: ConversationRef, 
/**
 * Which one.
 */
message: MessageId, 
/**
 * The change after which it was on screen when the editing began: a later one is not written over. Empty while a
 * change of mine was on its way, on which this one builds.
 */
seen: Seq | null, 
/**
 * What it says from now on.
 */
text: string, };

/**
 * A message to be deleted.
 */
export type DeleteMessage = { 
/**
 * Where it stands.
 */
conversation: ConversationRef, 
/**
 * Which one.
 */
message: MessageId, 
/**
 * The change after which it was on screen. Empty while a change of mine was on its way.
 */
seen: Seq | null, };

/**
 * Labels to be put on and taken off.
 */
export type ChangeLabels = { 
/**
 * Which conversation.
 */
conversation: ConversationRef, 
/**
 * To be there; at most 40 characters each.
 */
add: Array<string>, 
/**
 * Not to be there.
 */
remove: Array<string>, };

/**
 * Asks for labels in use.
 */
export type FindLabels = { 
/**
 * For which conversation: those in use at its desk.
 */
conversation: ConversationRef, 
/**
 * How they begin; empty: all.
 */
query: string, };

/**
 * Something other than a message that the desk refused: `retry` or `discard`.
 */
export type RefusedDeed = { 
/**
 * Its permanent name.
 */
client_id: ClientId, 
/**
 * What it was.
 */
deed: Deed, 
/**
 * Why it was refused.
 */
refusal: ErrorCode, 
/**
 * The message it was about.
 */
message: MessageId | null, 
/**
 * What the message should say, or what was written about the person.
 */
text: string | null, };

/**
 * What can be done with a conversation.
 */
export type Deed = "set_state" | "snooze" | "assign" | "set_priority" | "change_labels" | "change_participants" | "follow" | "edit_message" | "delete_message" | "other";

/**
 * Who gets a conversation.
 */
export type AssignTo = { "to": "me" } | { "to": "nobody" } | { "to": "agent", 
/**
 * Which one.
 */
agent: AgentId, } | { "to": "team", 
/**
 * Which one.
 */
team: TeamId, };

/**
 * Gives a conversation to somebody.
 */
export type Assign = { 
/**
 * Which conversation.
 */
conversation: ConversationRef, 
/**
 * Who gets it.
 */
to: AssignTo, 
/**
 * Who had it on screen: whoever else has it by now keeps it. Empty: whoever has it.
 */
from: Holder | null, };

/**
 * Somebody who can be given a conversation.
 */
export type Assignee = { 
/**
 * Who.
 */
agent: AgentId, 
/**
 * Their name.
 */
name: string, 
/**
 * They are there now.
 */
online: boolean, };

/**
 * A team that can be given a conversation.
 */
export type AssignableTeam = { 
/**
 * Which one.
 */
team: TeamId, 
/**
 * Its name.
 */
name: string, };

/**
 * To whom a conversation can be given.
 */
export type Assignees = { 
/**
 * Colleagues: those who are there first, by name.
 */
agents: Array<Assignee>, 
/**
 * Teams, by name.
 */
teams: Array<AssignableTeam>, };

/**
 * How pressing a conversation is from now on.
 */
export type SetPriority = { 
/**
 * Which conversation.
 */
conversation: ConversationRef, 
/**
 * From now on.
 */
priority: Priority, };

/**
 * Seen on screen.
 */
export type MarkRead = { 
/**
 * Which conversation.
 */
conversation: ConversationRef, 
/**
 * Newest number seen.
 */
number: number, };

/**
 * I am typing, or stopped.
 */
export type SetTyping = { 
/**
 * Where.
 */
conversation: ConversationRef, 
/**
 * Typing a reply. A note's typing is never told.
 */
typing: boolean, };

/**
 * Which conversation is on screen in an active window, so that no toast is raised for it.
 */
export type SetFocus = { 
/**
 * None: none, or the window is in the background.
 */
conversation: ConversationRef | null, };

/**
 * What is known of a person.
 */
export type EditContact = { 
/**
 * Who.
 */
contact: ContactRef, 
/**
 * Name.
 */
name: string, 
/**
 * E-mail.
 */
email: string, 
/**
 * Phone.
 */
phone: string, 
/**
 * Notes.
 */
notes: string, };

/**
 * One sign-in of an agent that has not ended: `GET /v1/agents/{id}/devices`.
 */
export type Device = { 
/**
 * Names it in `DELETE /v1/agents/{id}/devices/{device}`.
 */
id: number, 
/**
 * What the computer calls itself.
 */
name: string, 
/**
 * Its operating system; empty: unknown.
 */
system: string, 
/**
 * Where the address lay from which it was last heard.
 */
region: Region, 
/**
 * When it signed in.
 */
signed_in_at: number, 
/**
 * When it was last heard, to a few minutes.
 */
last_seen_at: number, 
/**
 * It is connected now.
 */
online: boolean, 
/**
 * It is the one that asks.
 */
current: boolean, };

/**
 * Signs out elsewhere.
 */
export type RevokeDevice = { 
/**
 * Of which account.
 */
account: AccountId, 
/**
 * On which device. Empty: on all but this computer.
 */
device: number | null, };

/**
 * Words typed after `#`.
 */
export type FindCannedTexts = { 
/**
 * What was typed; empty: all.
 */
query: string, 
/**
 * Whose placeholders to fill in.
 */
conversation: ConversationRef, };

/**
 * A prepared text that was inserted.
 */
export type UseCannedText = { 
/**
 * Where.
 */
conversation: ConversationRef, 
/**
 * Which one.
 */
text: CannedTextId, };

/**
 * A search over the cache.
 */
export type Search = { 
/**
 * Of this account alone; empty: of all together.
 */
account: AccountId | null, 
/**
 * Words, "phrases" and filters such as `from:me`; the last word may be unfinished. Nothing that is typed is wrong.
 */
text: string, 
/**
 * At most 100.
 */
limit: number, };

/**
 * Unsent text of one conversation.
 */
export type Draft = { 
/**
 * Which conversation.
 */
conversation: ConversationRef, 
/**
 * Text of the reply tab.
 */
reply: string, 
/**
 * Text of the note tab.
 */
note: string, 
/**
 * Whom the note mentions.
 */
mentions: Array<AgentId>, };

/**
 * The chat boxes as they stand.
 */
export type SaveBoxes = { 
/**
 * All of them, in the dock's order.
 */
boxes: Array<BoxRecord>, };

/**
 * A file of a draft.
 */
export type ForFile = { 
/**
 * Whose draft.
 */
conversation: ConversationRef, 
/**
 * Which one.
 */
file: ClientId, };

/**
 * A file for a conversation's draft.
 */
export type AddFile = { 
/**
 * Whose draft.
 */
conversation: ConversationRef, 
/**
 * The file's name.
 */
name: string, 
/**
 * Its bytes in base64, at most 20 MB of them.
 */
data: string, };

/**
 * A file of a message.
 */
export type ForAttachment = { 
/**
 * Where it was written.
 */
conversation: ConversationRef, 
/**
 * Which one.
 */
attachment: AttachmentId, };

/**
 * A file was saved, and not opened.
 */
export type SavedFile = { 
/**
 * Where, for the eye alone.
 */
path: string, };

/**
 * A link of a message, after the person agreed to open it.
 */
export type OpenLink = { 
/**
 * Which conversation.
 */
conversation: ConversationRef, 
/**
 * Which message.
 */
number: number, 
/**
 * Which of its links.
 */
index: number, };

/**
 * A page of a visitor, after the person agreed to open it.
 */
export type OpenPage = { 
/**
 * Whose.
 */
visitor: VisitorRef, 
/**
 * Which of the pages in the details, 0 the newest.
 */
index: number, };

/**
 * What the app tells the page on its own.
 */
export type AppEvent = { "event": "changed", 
/**
 * Conversations whose head or messages changed, drafts and outbox included.
 */
conversations: Array<ConversationRef>, 
/**
 * The visitor list or a visitor's details changed.
 */
visitors: boolean, 
/**
 * The canned texts changed.
 */
canned_texts: boolean, } | { "event": "sync", 
/**
 * Every account's, as it is now.
 */
accounts: Array<AccountSync>, 
/**
 * The worst of them.
 */
sync: SyncView, } | { "event": "open", 
/**
 * Which one; `None`: the one waiting longest.
 */
conversation: ConversationRef | null, } | { "event": "ring", 
/**
 * Which ones, in the order in which they rang.
 */
conversations: Array<ConversationRef>, } | { "event": "account" };

/** Every command: its request and its response. */
export interface Commands {
  start: [Nothing, StartView];
  open_account: [ForAccount, Nothing];
  connect_desk: [ConnectDesk, Nothing];
  desk_offer: [AskDesk, DeskOffer];
  begin_at_provider: [BeginAtProvider, ProviderCode];
  finish_at_provider: [Nothing, Nothing];
  cancel_at_provider: [Nothing, Nothing];
  try_here: [Nothing, Nothing];
  sign_out: [SignOut, Nothing];
  devices: [ForAccount, Array<Device>];
  revoke_device: [RevokeDevice, Nothing];
  retry_now: [Nothing, Nothing];
  sync_health: [AskHealth, SyncHealth];
  list_conversations: [ListConversations, ConversationList];
  conversation: [ForConversation, ConversationRow];
  messages: [ListMessages, Thread];
  load_older: [LoadOlder, Nothing];
  send_message: [SendMessage, Queued];
  retry: [ForQueued, Nothing];
  take_back: [ForQueued, TakenBack];
  discard: [ForQueued, Nothing];
  start_conversation: [ForVisitor, ForConversation];
  colleagues: [ForAccount, Array<Assignee>];
  start_internal: [StartInternal, ForConversation];
  change_participants: [ChangeParticipants, Queued];
  mentionable: [ForConversation, Array<Assignee>];
  follow: [Follow, Queued];
  set_state: [SetState, Queued];
  snooze: [Snooze, Queued];
  assign: [Assign, Queued];
  assignees: [ForConversation, Assignees];
  set_priority: [SetPriority, Queued];
  edit_message: [EditMessage, Queued];
  delete_message: [DeleteMessage, Queued];
  change_labels: [ChangeLabels, Queued];
  labels: [FindLabels, Array<string>];
  mark_read: [MarkRead, Nothing];
  set_typing: [SetTyping, Nothing];
  set_focus: [SetFocus, Nothing];
  visitors: [Nothing, Array<VisitorRow>];
  visitor_details: [ForVisitor, VisitorDetails];
  edit_contact: [EditContact, Queued];
  canned_texts: [FindCannedTexts, Array<CannedTextView>];
  use_canned_text: [UseCannedText, Array<FileView>];
  search: [Search, Array<SearchHit>];
  search_desk: [Search, DeskHits];
  draft: [ForConversation, Draft];
  save_draft: [Draft, Nothing];
  save_boxes: [SaveBoxes, Nothing];
  add_file: [AddFile, FileView];
  remove_file: [ForFile, Nothing];
  draft_files: [ForConversation, Array<FileView>];
  save_attachment: [ForAttachment, SavedFile];
  open_link: [OpenLink, Nothing];
  open_page: [OpenPage, Nothing];
  save_settings: [Settings, Nothing];
}
