// The visitor's half of chat.v1 as one pure function. It reads no clock, draws no random number and touches no
// socket or storage: those are parameters and effects. Whatever is on screen is a projection of `State`.
import { APP, CONNECT_MS, DEAD_MS, HEARTBEAT_MS, PROTOCOL, STABLE_MS } from '../shared/constants';
import { pause } from '../shared/random';
import type {
  Asked,
  AskedForms,
  Attachment,
  Change,
  Choice,
  ClientFrame,
  ClientId,
  Conversation,
  ConversationId,
  ConversationState,
  Cursor,
  DeskTexts,
  ErrorCode,
  FormKind,
  Message,
  Seq,
  ServerFrame,
  VisitorWelcome,
} from '../protocol.generated';

/** Most messages that may wait for a connection. */
export const OUTBOX_MAX = 50;
/** Most characters of JSON that they may take together. */
export const OUTBOX_LENGTH_MAX = 64 * 1024;
/** How long a message that the desk has can be offered again, in milliseconds. */
export const SENT_KEPT_MS = 7 * 24 * 60 * 60 * 1000;
/** Most messages kept for that. */
export const SENT_MAX = 200;
/** Most characters of JSON that they may take together. */
export const SENT_LENGTH_MAX = 256 * 1024;
/** Longest text of one message, in Unicode scalar values. */
export const TEXT_MAX = 10_000;
/** Most files of one message. */
export const ATTACHMENTS_MAX = 10;
/** Messages of one page of history. */
const HISTORY_PAGE = 30;
/** A message without an answer for this long means a dead connection, in milliseconds. */
const ANSWER_MS = 10_000;
/** A cursor behind the log for this long means a lost delta, in milliseconds. */
const BEHIND_MS = 5_000;
/** "Is typing" is said at most this often and believed this long, in milliseconds. */
const TYPING_EVERY_MS = 3_000;
const TYPING_LIFE_MS = 6_000;
/** What is being written is shown at most this often, in milliseconds, and so many characters of it. */
const PEEK_EVERY_MS = 1_000;
const PEEK_MAX = 500;
/** Deltas that are remembered to know them again. */
const RANGES_MAX = 64;
/** The least pause after a connection the server ended for a broken rule, in milliseconds. */
const POLICY_MS = 30_000;
/** Nothing is asked. */
const NO_FORMS: AskedForms = { online: [], offline: [] };
/** The desk says nothing of itself. */
const NO_TEXTS: DeskTexts = { online: '', offline: '' };

/** A message the visitor has sent and that no delta has brought back yet. */
export interface OutboxItem {
  /** Its permanent name. */
  client_id: ClientId;
  /** What they wrote. */
  text: string;
  /** Files, uploaded before. */
  attachments: Attachment[];
  /** When they pressed "send", by their clock, in milliseconds since the Unix epoch. */
  client_time: number;
  /** Why the server refused it for good. Empty: it waits or is on its way. */
  failed: ErrorCode | null;
  /** Which part of it the server refused, where it said so. */
  wrong?: string | null;
  /** What was answered before it, if anything was asked. */
  form?: Introduction | null;
  /** Which answer of a question it chooses. */
  choice?: string;
}

/** Answers to what the site asks before the first message. */
export interface Introduction {
  /** Which form was shown. */
  form: FormKind;
  /** By the names of the fields. */
  answers: Record<string, string>;
}

/** A message of the visitor that the desk has, kept for a while in case the desk has to be restored from a backup. */
export interface SentItem {
  /** As it waited. */
  item: OutboxItem;
  /** The log that has it. */
  epoch: string;
  /** When it was done, by the visitor's clock, in milliseconds since the Unix epoch. */
  done_at: number;
}

/** Where the connection stands. */
export type Phase = 'idle' | 'offline' | 'connecting' | 'greeting' | 'snapshot' | 'live' | 'refused';

/** Everything the panel knows. Treated as immutable. */
export interface State {
  /** The site's public key. */
  readonly site: string;
  /** What the browser prefers, a BCP 47 tag. */
  readonly language: string;
  /** What the messenger speaks. */
  readonly spoken: string | null;
  /** Size of the screen, e.g. `1920×1080`. */
  readonly screen: string;
  /** The loader's name for this browser or page. */
  readonly presence: string | null;

  readonly phase: Phase;
  /** Tries that failed in a row. */
  readonly attempt: number;
  /** When the current phase began. */
  readonly phaseSince: number;
  /** When the connection was lost. Empty while there is one, or none was wanted yet. */
  readonly offlineSince: number | null;
  /** What the desk says of itself, in place of the messenger's own texts. */
  readonly texts: DeskTexts;
  /** When the desk opens, while its hours have it closed, in milliseconds since the Unix epoch. */
  readonly backAt: number | null;
  /** Whether the team sees what is written before it is sent. */
  readonly peek: boolean;
  /** What is being written, and what of it the team was told last and when. */
  readonly writing: { readonly text: string; readonly told: string; readonly at: number };
  /** What is asked before the first message. */
  readonly forms: AskedForms;
  /** The desk takes no messages of this visitor. */
  readonly blocked: boolean;
  /** What the shop's server has signed of who the visitor is. Empty: nothing. */
  readonly identity: string | null;
  /** The visitor has to prove who they are, and has not. */
  readonly unproven: boolean;
  /** When the next try is due. */
  readonly retryAt: number | null;
  /** When the last frame came. */
  readonly heardAt: number;
  /** When the last sign of life went out. */
  readonly beatAt: number;
  /** The log is known to be at `to`, and the cursor is not, since then. */
  readonly behind: { readonly to: Seq; readonly since: number } | null;

  /** The visitor's secret. */
  readonly token: string | null;
  /** Whether the secret is in the browser's storage: not before there is something to come back to. */
  readonly tokenKept: boolean;
  /** Whether the visitor has given the desk a file, for a message that is not sent yet. */
  readonly attached: boolean;
  /** The log's name. */
  readonly epoch: string;
  /** How far the log is applied. */
  readonly cursor: Cursor | null;
  /** The last deltas of this connection, so that one that comes twice is known. */
  readonly ranges: readonly (readonly [Seq, Seq])[];
  /** Rows of a snapshot that is not whole yet. */
  readonly snapshot: { readonly generation: string; readonly rows: readonly Change[]; readonly whole: boolean } | null;

  /** The desk's name; empty before the first welcome. */
  readonly desk: string;
  /** Whether anybody of the team is there. Empty before the first welcome. */
  readonly online: boolean | null;
  /** The conversation at hand. */
  readonly conversation: {
    readonly id: ConversationId;
    readonly state: ConversationState;
    /** Newest number of which the server knows that the visitor has seen it. */
    readonly visitor_read: number;
  } | null;
  /** By number. */
  readonly messages: readonly Message[];
  /** The place in the log that wrote each message, by its id. */
  readonly revisions: ReadonlyMap<number, Seq>;
  /** Newest number that the visitor has seen on screen. */
  readonly read: number;
  /** Newest number that the server knows, or was told of on this connection. */
  readonly toldRead: number;
  /** Nothing is older than what is here. */
  readonly reachedStart: boolean;
  /** The request for older messages that is under way. */
  readonly historyRequest: number | null;
  /** Number of the last request. */
  readonly requests: number;

  /** By the time of sending. */
  readonly outbox: readonly OutboxItem[];
  /** Messages that the desk has, by the time of sending, to be offered again when its log is another one. */
  readonly sent: readonly SentItem[];
  /** The item that is on its way. */
  readonly inFlight: { readonly client_id: ClientId; readonly since: number } | null;
  /** Done items and the place of their last change, until the cursor has passed it. */
  readonly done: ReadonlyMap<ClientId, Seq>;
  /** Nothing is sent before this time. */
  readonly holdUntil: number;
  /** Whether this tab is the one that sends. */
  readonly sender: boolean;

  /** Who of the team is typing, and until when that is believed. */
  readonly typing: { readonly name: string; readonly until: number } | null;
  /** When "is typing" was last told to the team; 0: it is not standing. */
  readonly typedAt: number;
}

/** What happens to the panel. */
export type Event =
  | { type: 'start' }
  | { type: 'wake' }
  | { type: 'tick' }
  | { type: 'stop' }
  | { type: 'opened' }
  | { type: 'closed' }
  | { type: 'frame'; frame: ServerFrame }
  | { type: 'sender'; sender: boolean }
  | { type: 'presence'; presence: string | null }
  | { type: 'spoken'; spoken: string }
  | { type: 'send'; item: OutboxItem }
  | { type: 'item_stored'; item: OutboxItem }
  | { type: 'item_dropped'; client_id: ClientId }
  | { type: 'retry'; client_id: ClientId; form?: Introduction }
  | { type: 'discard'; client_id: ClientId }
  | { type: 'seen'; number: number }
  | { type: 'older' }
  | { type: 'typed'; typing: boolean; text?: string }
  | { type: 'attached' }
  | { type: 'token'; token: string | null }
  | { type: 'forget' }
  | { type: 'identity'; identity: string | null };

/** What the panel must do. */
export type Effect =
  | { type: 'connect' }
  | { type: 'disconnect' }
  | { type: 'frame'; frame: ClientFrame }
  | { type: 'keep_token'; token: string | null }
  | { type: 'store_item'; item: OutboxItem }
  | { type: 'drop_item'; client_id: ClientId }
  | { type: 'store_sent'; sent: SentItem }
  | { type: 'drop_sent'; client_id: ClientId }
  | { type: 'announce'; message: Message };

/** What `step` may not find out by itself. */
export interface Moment {
  /** Milliseconds since the Unix epoch, by a clock that never goes back. */
  now: number;
  /** From 0 to 1. */
  random: number;
  /** 32 fresh random hexadecimal digits. */
  name: string;
}

/** The beginning. */
export function initial(
  known: Pick<State, 'site' | 'language' | 'screen' | 'presence' | 'token'> &
    Partial<Pick<State, 'tokenKept' | 'identity' | 'spoken'>> & {
    outbox: readonly OutboxItem[];
    sent: readonly SentItem[];
  },
): State {
  return {
    identity: null,
    spoken: null,
    tokenKept: known.token !== null,
    ...known,
    phase: 'idle',
    attempt: 0,
    phaseSince: 0,
    offlineSince: null,
    texts: NO_TEXTS,
    backAt: null,
    forms: NO_FORMS,
    peek: false,
    writing: { text: '', told: '', at: 0 },
    blocked: false,
    retryAt: null,
    heardAt: 0,
    beatAt: 0,
    behind: null,
    unproven: false,
    attached: false,
    epoch: '',
    cursor: null,
    snapshot: null,
    ranges: [],
    desk: '',
    online: null,
    conversation: null,
    messages: [],
    revisions: new Map(),
    read: 0,
    toldRead: 0,
    reachedStart: false,
    historyRequest: null,
    requests: 0,
    inFlight: null,
    done: new Map(),
    holdUntil: 0,
    sender: false,
    typing: null,
    typedAt: 0,
  };
}

/** Replies of the team, and of the desk itself, after the message of this number. */
function repliesAfter(state: State, after: number): Message[] {
  return state.messages.filter(
    ({ author, kind, number, deleted_at }) => author.who !== 'visitor' && kind === 'reply' && number > after && deleted_at === undefined,
  );
}

/** How many replies the visitor has not seen. */
export function unread(state: State): number {
  return repliesAfter(state, state.read).length;
}

/**
 * What is asked now: nothing once anything was said or is on its way, before the desk was heard, or while somebody has to
 * prove who they are.
 */
export function asked(state: State): readonly Asked[] {
  const talking = state.conversation !== null || state.messages.length > 0 || state.outbox.some(({ failed }) => failed === null);
  if (talking || state.online === null || state.unproven) return [];
  return state.online ? state.forms.online : state.forms.offline;
}

/** The answers that the newest message offers: none once something was said to it, or is on its way. */
export function offered(state: State): readonly Choice[] {
  const over = state.conversation?.state === 'closed' || state.outbox.some(({ failed }) => failed === null);
  return (over ? undefined : state.messages.findLast(({ kind }) => kind === 'reply')?.choices) ?? [];
}

/** Whether one more message would be more than the browser should hold for a server that does not answer. */
export function outboxFull(state: State, item: OutboxItem): boolean {
  const all = [...state.outbox, item];
  return all.length > OUTBOX_MAX || JSON.stringify(all).length > OUTBOX_LENGTH_MAX;
}

/** Whether the same command can never succeed; the others are tried again. */
export function isPermanent(code: ErrorCode): boolean {
  return !['busy', 'internal', 'disk_full', 'too_many_attempts', 'expired'].includes(code);
}

/** What a state becomes, and what has to be done. */
export function step(state: State, event: Event, moment: Moment): [State, Effect[]] {
  const work = new Work(state, moment);
  work.take(event);
  return [work.state, work.effects];
}

type Draft = { -readonly [Key in keyof State]: State[Key] };

/** One step under way: a copy of the state that its own methods may change. */
class Work {
  readonly state: Draft;
  readonly effects: Effect[] = [];

  constructor(
    state: State,
    private readonly moment: Moment,
  ) {
    this.state = { ...state };
  }

  take(event: Event): void {
    const { state } = this;
    switch (event.type) {
      case 'start':
        if (state.phase === 'idle') this.connect();
        break;
      case 'wake':
        if (state.phase === 'offline' || state.phase === 'refused') this.connect();
        // A computer that slept has a connection that only looks alive.
        else if (this.connected() && this.moment.now - state.heardAt > HEARTBEAT_MS + 5_000) this.reconnectNow();
        break;
      case 'tick':
        this.tick();
        break;
      case 'stop':
        if (this.connected() || state.phase === 'connecting') this.effects.push({ type: 'disconnect' });
        this.enter('idle');
        this.cutOff();
        break;
      case 'opened':
        if (state.phase === 'connecting') this.greet();
        break;
      case 'closed':
        if (state.phase !== 'idle' && state.phase !== 'refused') this.lost(0);
        break;
      case 'frame':
        if (this.connected()) this.hear(event.frame);
        break;
      case 'sender':
        state.sender = event.sender;
        this.sendNext();
        break;
      case 'presence':
        if (state.presence === event.presence) break;
        state.presence = event.presence;
        // The new name joins page and panel only when the server hears it.
        if (this.connected()) this.reconnectNow();
        break;
      case 'spoken':
        if (state.spoken === event.spoken) break;
        state.spoken = event.spoken;
        // What the desk says of itself comes with the greeting.
        if (this.connected()) this.reconnectNow();
        break;
      case 'send':
        state.outbox = [...state.outbox, event.item];
        this.effects.push({ type: 'store_item', item: event.item });
        this.keepToken();
        this.stopTyping();
        state.writing = { ...state.writing, text: '', at: 0 };
        this.tellWriting();
        if (state.phase === 'idle' || state.phase === 'offline') this.connect();
        this.sendNext();
        break;
      case 'item_stored':
        this.storedElsewhere(event.item);
        break;
      case 'item_dropped':
        // A done item leaves with the delta that brings its message, so that it never blinks. Only a refused one,
        // thrown away in another tab, goes at once.
        if (state.outbox.some(({ client_id, failed }) => client_id === event.client_id && failed !== null)) {
          this.forgetItem(event.client_id);
          this.sendNext();
        }
        break;
      case 'retry':
        this.change(event.client_id, (item) => ({ ...item, failed: null, wrong: null, form: event.form ?? item.form ?? null }));
        if (state.phase === 'offline') this.connect();
        this.sendNext();
        break;
      case 'discard':
        this.dropItem(event.client_id);
        this.sendNext();
        break;
      case 'seen':
        state.read = Math.max(state.read, event.number);
        this.tellRead();
        break;
      case 'older':
        this.askForOlder();
        break;
      case 'typed':
        if (event.typing) this.tellTyping();
        else this.stopTyping();
        if (event.text !== undefined) state.writing = { ...state.writing, text: event.text };
        this.tellWriting();
        break;
      case 'attached':
        state.attached = true;
        this.keepToken();
        break;
      case 'token':
        this.otherToken(event.token);
        break;
      case 'identity':
        if (event.identity === state.identity) break;
        state.identity = event.identity;
        // What was proved lasts longer now, or proves at last who it is.
        if (this.connected()) this.reconnectNow();
        else if (state.unproven) this.connect();
        break;
      case 'forget':
        this.forget();
        break;
    }
  }

  private connected(): boolean {
    return ['greeting', 'snapshot', 'live'].includes(this.state.phase);
  }

  private enter(phase: Phase): void {
    this.state.phase = phase;
    this.state.phaseSince = this.moment.now;
  }

  private frame(frame: ClientFrame): void {
    this.effects.push({ type: 'frame', frame });
  }

  private connect(): void {
    this.state.retryAt = null;
    this.enter('connecting');
    this.effects.push({ type: 'connect' });
  }

  /** What ends with a connection, whatever ended it. */
  private cutOff(): void {
    const { state } = this;
    state.inFlight = null;
    state.historyRequest = null;
    state.snapshot = null;
    state.ranges = [];
    state.behind = null;
    state.typing = null;
    state.typedAt = 0;
    state.writing = { ...state.writing, told: '', at: 0 };
    state.retryAt = null;
    this.untellRead();
  }

  private lost(atLeastMs: number): void {
    const { state, moment } = this;
    if (state.phase === 'live' && moment.now - state.phaseSince >= STABLE_MS) state.attempt = 0;
    this.enter('offline');
    this.cutOff();
    state.offlineSince ??= moment.now;
    state.retryAt = moment.now + Math.max(atLeastMs, pause(state.attempt, moment.random));
    state.attempt += 1;
  }

  private giveUp(atLeastMs = 0): void {
    this.effects.push({ type: 'disconnect' });
    this.lost(atLeastMs);
  }

  private reconnectNow(): void {
    this.effects.push({ type: 'disconnect' });
    this.cutOff();
    this.connect();
  }

  private tick(): void {
    const { state } = this;
    const { now } = this.moment;
    if (state.typing && state.typing.until <= now) state.typing = null;
    if (state.phase === 'offline') {
      if (state.retryAt !== null && state.retryAt <= now) this.connect();
      return;
    }
    if (state.phase === 'connecting') {
      if (now - state.phaseSince > CONNECT_MS) this.giveUp();
      return;
    }
    if (!this.connected()) return;
    const silent = now - state.heardAt > DEAD_MS;
    const greetingTooLong = state.phase === 'greeting' && now - state.phaseSince > CONNECT_MS;
    const unanswered = state.inFlight !== null && now - state.inFlight.since > ANSWER_MS;
    const patience = PLANTED === 'behind_too_early' ? BEHIND_MS - 1 : BEHIND_MS;
    const stale = state.behind !== null && now - state.behind.since > patience;
    if (silent || greetingTooLong || unanswered || stale) return this.giveUp();
    if (state.phase === 'live' && now - state.phaseSince >= STABLE_MS) state.attempt = 0;
    if (now - state.beatAt >= HEARTBEAT_MS) {
      state.beatAt = now;
      this.frame({ type: 'hb', time: now });
    }
    this.tellWriting();
    this.tellRead();
    this.sendNext();
  }

  private greet(): void {
    const { state } = this;
    const { now } = this.moment;
    this.enter('greeting');
    state.heardAt = now;
    state.beatAt = now;
    const { site, token, presence, language, spoken, screen, identity } = state;
    this.frame({
      type: 'hello',
      protocol: PROTOCOL,
      app: APP,
      cursor: state.cursor,
      visitor: {
        site,
        part: 'panel',
        token,
        presence,
        page: null,
        language,
        screen,
        ...(spoken !== null && { spoken }),
        ...(identity !== null && { identity }),
      },
    });
  }

  private hear(frame: ServerFrame): void {
    const { state } = this;
    const { now } = this.moment;
    state.heardAt = now;
    switch (frame.type) {
      case 'welcome': {
        if (state.phase !== 'greeting' || !frame.visitor) return this.giveUp();
        // What another log has acknowledged, this one may not have.
        if (state.epoch !== frame.epoch) state.done = new Map();
        state.epoch = frame.epoch;
        state.desk = frame.visitor.desk;
        this.hearOfDesk(frame.visitor);
        state.blocked = false;
        state.unproven = false;
        state.offlineSince = null;
        if (frame.visitor.token !== null) {
          // The server knows no visitor by the old secret, so nothing of what is here belongs to the new one.
          this.forgetConversation();
          // In the same log it was erased with them.
          for (const { item, epoch } of state.sent) if (epoch === frame.epoch) this.dropSent(item.client_id);
          state.token = frame.visitor.token;
          state.tokenKept = false;
        }
        if (frame.mode === 'delta' && state.cursor) this.goLive();
        else this.enter('snapshot');
        this.keepToken();
        break;
      }
      case 'reset':
        // What is on screen stays there until the snapshot is whole.
        state.cursor = null;
        state.snapshot = null;
        this.enter('snapshot');
        break;
      case 'snap': {
        if (state.phase !== 'snapshot') return this.giveUp();
        const before = state.snapshot?.generation === frame.generation ? state.snapshot.rows : [];
        state.snapshot = { generation: frame.generation, rows: [...before, ...frame.rows], whole: frame.next === null };
        if (PLANTED === 'cursor_before_rows') state.cursor = { epoch: state.epoch, seq: frame.base };
        if (frame.next !== null) this.frame({ type: 'snap_next', generation: frame.generation, token: frame.next });
        break;
      }
      case 'snap_end': {
        // Without its last page it would take away what is only late.
        const whole = state.snapshot?.whole === true && state.snapshot.generation === frame.generation;
        if (state.phase !== 'snapshot' || !whole) return this.giveUp();
        const rows = state.snapshot?.rows ?? [];
        const { read, conversation, messages } = state;
        this.forgetConversation();
        this.apply(rows, false);
        // What was written while the connection was lost is as new as what comes by itself.
        if (conversation?.id === state.conversation?.id) this.announce(messages.at(-1));
        // What was seen just before the connection broke is still seen.
        if (state.conversation) state.read = Math.max(state.read, Math.min(read, state.messages.at(-1)?.number ?? 0));
        state.cursor = { epoch: state.epoch, seq: frame.base };
        this.offerAgain();
        this.goLive();
        break;
      }
      case 'delta': {
        const at = state.cursor?.seq;
        // One that comes twice is left alone.
        if (state.ranges.some(([from, to]) => from === frame.from && to === frame.to)) return;
        if (at !== undefined && frame.from < at) return this.distrust();
        if (state.phase !== 'live' || at === undefined || frame.from > at + (PLANTED === 'gap_of_one' ? 1 : 0)) return this.giveUp();
        const { conversation, messages } = state;
        this.apply(frame.changes, true);
        this.announce(conversation?.id === state.conversation?.id ? messages.at(-1) : undefined);
        state.cursor = { epoch: state.epoch, seq: frame.to };
        state.ranges = [...state.ranges.slice(1 - RANGES_MAX), [frame.from, frame.to]];
        this.passed();
        this.keepToken();
        this.tellRead();
        this.sendNext();
        break;
      }
      case 'ack':
        if (state.inFlight?.client_id === frame.client_id) state.inFlight = null;
        if (state.outbox.some(({ client_id }) => client_id === frame.client_id)) {
          state.done = new Map(state.done).set(frame.client_id, frame.seq);
          if (PLANTED === 'removed_on_ack') this.finishItem(frame.client_id);
          this.expect(frame.seq);
          this.passed();
        }
        this.sendNext();
        break;
      case 'nack':
        if (state.inFlight?.client_id === frame.client_id) state.inFlight = null;
        if (isPermanent(frame.code)) {
          this.change(frame.client_id, (item) => ({ ...item, failed: frame.code, wrong: frame.field ?? null }));
        } else {
          state.holdUntil = now + Math.max(frame.retry_after_ms ?? 0, 1_000);
          this.untellRead();
        }
        this.sendNext();
        break;
      case 'hist_page':
        if (frame.request !== state.historyRequest) return;
        state.historyRequest = null;
        this.apply(frame.messages, false);
        state.reachedStart = frame.from <= 1;
        break;
      case 'eph':
        if (frame.kind === 'agents') this.hearOfDesk(frame);
        if (frame.kind === 'typing' && frame.author?.who === 'agent') {
          const life = Math.min(frame.ttl_ms, TYPING_LIFE_MS);
          state.typing = frame.typing ? { name: frame.author.name, until: now + life } : null;
        }
        break;
      case 'hb':
        if (state.cursor && frame.head < state.cursor.seq) return this.distrust();
        if (state.phase === 'live') this.expect(frame.head);
        break;
      case 'bye':
        state.blocked = frame.code === 'blocked';
        if (frame.code === 'identity') {
          // What is on screen was shown to somebody who was known; nobody knows who looks at it now.
          state.unproven = true;
          this.forgetConversation();
        }
        if (frame.code === 'origin' || frame.code === 'version' || frame.code === 'identity') {
          this.effects.push({ type: 'disconnect' });
          this.cutOff();
          this.enter('refused');
        } else {
          this.giveUp(frame.code === 'policy' ? Math.max(frame.retry_after_ms, POLICY_MS) : frame.retry_after_ms);
        }
        break;
    }
  }

  /** Whether the desk is online, and what it says of that. */
  private hearOfDesk(told: Pick<VisitorWelcome, 'online' | 'texts' | 'back_at' | 'forms' | 'peek'>): void {
    const { online, texts, back_at, forms, peek } = told;
    this.state.online = online;
    this.state.texts = texts ?? NO_TEXTS;
    this.state.backAt = back_at ?? null;
    this.state.forms = forms ?? NO_FORMS;
    this.state.peek = peek ?? false;
  }

  /** An earlier delta claimed more than it brought, so only a snapshot tells what there is. */
  private distrust(): void {
    this.state.cursor = null;
    this.giveUp();
  }

  private goLive(): void {
    this.enter('live');
    this.passed();
    this.keepToken();
    this.tellRead();
    this.sendNext();
  }

  /** The log is at `to`: the cursor should follow soon. */
  private expect(to: Seq): void {
    const { state } = this;
    if (state.cursor && to > state.cursor.seq) {
      state.behind = { to: Math.max(to, state.behind?.to ?? 0), since: state.behind?.since ?? this.moment.now };
    }
  }

  /** The cursor has moved: what it has passed is done. */
  private passed(): void {
    const { state } = this;
    const at = state.cursor?.seq ?? -1;
    if (state.behind && state.behind.to <= at) state.behind = null;
    for (const [client_id, seq] of state.done) if (seq <= at) this.finishItem(client_id);
  }

  private apply(changes: readonly Change[], live: boolean): void {
    const { state } = this;
    const messages = new Map(state.messages.map((message) => [message.id, message]));
    const revisions = new Map(state.revisions);
    const oldest = state.messages[0]?.number ?? 0;
    let changedAbove = false;
    for (const change of changes) {
      const gone = change.kind === 'delete' || change.kind === 'forget' || change.kind === 'erase';
      if (!gone && change.kind !== 'put' && change.kind !== 'show') continue;
      if (change.entity === 'conversation') {
        if (gone) {
          if (state.conversation?.id !== change.id) continue;
          state.conversation = null;
          messages.clear();
        } else if (isConversation(change.data)) {
          const { id, visitor_read } = change.data;
          if (state.conversation && state.conversation.id !== id) {
            messages.clear();
            state.read = 0;
            state.toldRead = 0;
            state.reachedStart = false;
          }
          state.conversation = { id, state: change.data.state, visitor_read };
          state.read = Math.max(state.read, visitor_read);
          state.toldRead = Math.max(state.toldRead, visitor_read);
        }
      } else if (change.entity === 'message') {
        if ((revisions.get(change.id) ?? -1) >= change.seq) continue;
        // What was changed further up than anybody has looked is fetched as it is then, in its place and without a gap.
        if (live && !gone && isMessage(change.data) && change.data.number < oldest && !messages.has(change.id)) {
          changedAbove = true;
          continue;
        }
        revisions.set(change.id, change.seq);
        if (gone) {
          messages.delete(change.id);
        } else if (isMessage(change.data) && change.data.kind !== 'note') {
          const message = change.data;
          messages.set(message.id, message);
          const client_id = change.client_id ?? message.client_id;
          if (client_id) this.finishItem(client_id);
          if (message.author.who === 'agent' && state.typing?.name === message.author.name) state.typing = null;
        }
      }
    }
    state.messages = [...messages.values()].sort((a, b) => a.number - b.number);
    state.revisions = revisions;
    if (changedAbove && state.historyRequest !== null) {
      // The page on its way may have been read before the change.
      state.historyRequest = null;
      this.askForOlder();
    }
  }

  /** Tells of the replies after a message; left out: of all. */
  private announce(after?: Message): void {
    for (const message of repliesAfter(this.state, after?.number ?? 0)) this.effects.push({ type: 'announce', message });
  }

  private sendNext(): void {
    const { state } = this;
    const { now } = this.moment;
    if (state.phase !== 'live' || !state.sender || state.inFlight || state.holdUntil > now) return;
    const item = state.outbox.find(({ client_id, failed }) => failed === null && !state.done.has(client_id));
    if (!item) return;
    state.inFlight = { client_id: item.client_id, since: now };
    const { client_id, client_time, text, form, choice } = item;
    const attachments = item.attachments.map(({ id }) => id);
    const named = { type: 'cmd', client_id, client_time } as const;
    if (form) this.frame({ ...named, op: 'introduce', args: { ...form, text, attachments } });
    else this.frame({ ...named, op: 'send', args: { conversation: null, kind: 'reply', text, attachments, ...(choice !== undefined && { choice }) } });
  }

  private change(client_id: ClientId, change: (item: OutboxItem) => OutboxItem): void {
    const { state } = this;
    state.outbox = state.outbox.map((item) => {
      if (item.client_id !== client_id) return item;
      const changed = change(item);
      this.effects.push({ type: 'store_item', item: changed });
      return changed;
    });
  }

  /** The desk has the message, and so has the screen. */
  private finishItem(client_id: ClientId): void {
    const { state } = this;
    const item = state.outbox.find((item) => item.client_id === client_id);
    if (item) this.keepSent({ item: { ...item, failed: null }, epoch: state.epoch, done_at: this.moment.now });
    this.dropItem(client_id);
  }

  private keepSent(sent: SentItem): void {
    const { state } = this;
    const others = state.sent.filter(({ item }) => item.client_id !== sent.item.client_id);
    state.sent = [...others, sent].sort((a, b) => a.item.client_time - b.item.client_time);
    this.effects.push({ type: 'store_sent', sent });
    for (const { item, done_at } of state.sent) {
      if (Math.abs(this.moment.now - done_at) > SENT_KEPT_MS) this.dropSent(item.client_id);
    }
    // The newest are worth more than the oldest.
    let room = SENT_LENGTH_MAX;
    const newestFirst = [...state.sent].reverse();
    for (const [place, kept] of newestFirst.entries()) {
      room -= JSON.stringify(kept).length;
      if (room < 0 || place >= SENT_MAX) this.dropSent(kept.item.client_id);
    }
  }

  private dropSent(client_id: ClientId): void {
    this.state.sent = this.state.sent.filter(({ item }) => item.client_id !== client_id);
    this.effects.push({ type: 'drop_sent', client_id });
  }

  /**
   * What another log had and this one's snapshot does not show goes again, in order and before anything newer. The
   * desk knows by its name whatever it has after all.
   */
  private offerAgain(): void {
    const { state } = this;
    const { now } = this.moment;
    const shown = new Set(state.messages.map(({ client_id }) => client_id));
    for (const sent of state.sent.filter(({ epoch }) => epoch !== state.epoch)) {
      const { item, done_at } = sent;
      if (shown.has(item.client_id)) {
        this.keepSent({ ...sent, epoch: state.epoch });
        continue;
      }
      if (Math.abs(now - done_at) <= SENT_KEPT_MS) {
        const others = state.outbox.filter(({ client_id }) => client_id !== item.client_id);
        state.outbox = [...others, item];
        if (PLANTED !== 'offered_last') state.outbox = [...state.outbox].sort((a, b) => a.client_time - b.client_time);
        this.effects.push({ type: 'store_item', item });
      }
      this.dropSent(item.client_id);
    }
  }

  private dropItem(client_id: ClientId): void {
    if (this.forgetItem(client_id)) this.effects.push({ type: 'drop_item', client_id });
  }

  private forgetItem(client_id: ClientId): boolean {
    const { state } = this;
    if (!state.outbox.some((item) => item.client_id === client_id)) return false;
    state.outbox = state.outbox.filter((item) => item.client_id !== client_id);
    if (state.inFlight?.client_id === client_id) state.inFlight = null;
    const done = new Map(state.done);
    done.delete(client_id);
    state.done = done;
    return true;
  }

  private storedElsewhere(item: OutboxItem): void {
    const { state } = this;
    // The message itself may come first.
    if (state.messages.some(({ client_id }) => client_id === item.client_id)) return;
    const others = state.outbox.filter(({ client_id }) => client_id !== item.client_id);
    state.outbox = [...others, item].sort((a, b) => a.client_time - b.client_time);
    if (state.phase === 'idle') this.connect();
    this.sendNext();
  }

  private tellRead(): void {
    const { state } = this;
    const { now } = this.moment;
    if (state.phase !== 'live' || !state.conversation || state.read <= state.toldRead || state.holdUntil > now) return;
    state.toldRead = state.read;
    this.frame({
      type: 'cmd',
      client_id: this.moment.name,
      client_time: now,
      op: 'mark_read',
      args: { conversation: state.conversation.id, number: state.read },
    });
  }

  /** What was told last may not have arrived. */
  private untellRead(): void {
    this.state.toldRead = this.state.conversation?.visitor_read ?? 0;
  }

  private askForOlder(): void {
    const { state } = this;
    const oldest = state.messages[0];
    if (state.phase !== 'live' || state.historyRequest !== null || !oldest || !state.conversation) return;
    state.requests += 1;
    state.historyRequest = state.requests;
    this.frame({
      type: 'hist',
      request: state.requests,
      conversation: state.conversation.id,
      before: oldest.number,
      limit: HISTORY_PAGE,
    });
  }

  private tellTyping(): void {
    const { state } = this;
    const { now } = this.moment;
    // Nobody can be told before there is a conversation.
    if (state.phase !== 'live' || !state.conversation || now - state.typedAt < TYPING_EVERY_MS) return;
    state.typedAt = now;
    this.frame({ type: 'eph', kind: 'typing', conversation: null, author: null, typing: true, ttl_ms: TYPING_LIFE_MS });
  }

  /** Lets the team see what is written, where it may: what is new of it, once in a second. */
  private tellWriting(): void {
    const { state } = this;
    const { now } = this.moment;
    const { text, told, at } = state.writing;
    const shown = [...text].slice(0, PEEK_MAX).join('');
    if (state.phase !== 'live' || !state.peek || !state.conversation || shown === told || now - at < PEEK_EVERY_MS) return;
    state.writing = { text, told: shown, at: now };
    this.frame({ type: 'eph', kind: 'peek', conversation: null, text: shown });
  }

  private stopTyping(): void {
    const { state } = this;
    if (state.typedAt === 0) return;
    state.typedAt = 0;
    if (state.phase === 'live') {
      this.frame({ type: 'eph', kind: 'typing', conversation: null, author: null, typing: false, ttl_ms: 0 });
    }
  }

  /** Stores the visitor's secret as soon as there is something to come back to, and not before. */
  private keepToken(): void {
    const { state } = this;
    const something = state.conversation !== null || state.outbox.length > 0 || state.attached;
    if (state.tokenKept || state.token === null || !something) return;
    state.tokenKept = true;
    this.effects.push({ type: 'keep_token', token: state.token });
  }

  /** Another tab has stored or removed the visitor's secret. */
  private otherToken(token: string | null): void {
    const { state } = this;
    if (token === state.token) return;
    // Both tabs wrote before either knew of the other: each goes on with the conversation it shows.
    if (token !== null && state.conversation) return;
    this.forgetConversation();
    state.token = token;
    state.tokenKept = token !== null;
    if (token === null) {
      state.outbox = [];
      state.sent = [];
    }
    if (this.connected()) this.reconnectNow();
    else if (token !== null && state.phase === 'idle') this.connect();
  }

  private forgetConversation(): void {
    const { state } = this;
    state.cursor = null;
    state.snapshot = null;
    state.conversation = null;
    state.messages = [];
    state.revisions = new Map();
    state.read = 0;
    state.toldRead = 0;
    state.reachedStart = false;
    state.historyRequest = null;
    state.typing = null;
  }

  private forget(): void {
    const { state } = this;
    state.writing = { text: '', told: '', at: 0 };
    for (const { client_id } of state.outbox) this.dropItem(client_id);
    for (const { item } of state.sent) this.dropSent(item.client_id);
    this.forgetConversation();
    state.token = null;
    state.tokenKept = false;
    state.attached = false;
    this.effects.push({ type: 'keep_token', token: null });
    if (this.connected()) this.reconnectNow();
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isConversation(value: unknown): value is Conversation {
  return (
    isRecord(value) &&
    typeof value.id === 'number' &&
    typeof value.state === 'string' &&
    typeof value.visitor_read === 'number'
  );
}

function isMessage(value: unknown): value is Message {
  return (
    isRecord(value) &&
    typeof value.id === 'number' &&
    typeof value.number === 'number' &&
    typeof value.text === 'string' &&
    typeof value.created_at === 'number' &&
    Array.isArray(value.attachments) &&
    isRecord(value.author) &&
    typeof value.author.who === 'string'
  );
}

/** A frame of the server, or `null` when the text is not one. Frames of unknown types are skipped by `step`. */
export function readFrame(text: string): ServerFrame | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) && typeof value.type === 'string' ? (value as ServerFrame) : null;
  } catch {
    return null;
  }
}
