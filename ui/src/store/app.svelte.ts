/**
 * What the page shows: projections of the cache on this computer. An event says what changed, and what is on screen
 * is asked for again; nothing here is ever computed from another part of the screen.
 */
import { tick } from 'svelte';
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import * as machine from '../features/boxes/machine';
import type { Facts } from '../features/boxes/machine';
import { isNews, mentionsMe } from '../features/thread/news';
import { newestSeen } from '../features/thread/outgoing';
import { languageOf, until, words } from '../i18n/index.svelte';
import {
  accountOf,
  CommandError,
  platform,
  type AccountId,
  type AccountSync,
  type AppEvent,
  type FileView,
  type BoxRecord,
  type Commands,
  type ConversationRef,
  type ConversationList,
  type ConversationRow,
  type Folder,
  type MessageView,
  type RefusedDeed,
  type Settings,
  type StartView,
  type SyncView,
  type Thread,
  type VisitorDetails,
  type VisitorRef,
  type VisitorRow,
} from '../platform';
import { deskNames } from './desks';
import { announcer } from './announcer.svelte';
import { Drafts } from './drafts.svelte';
import { notices } from './notices.svelte';

const LIST_LIMIT = 300;
/** The host lists no more than so many at once. */
const LIST_MAX = 500;
const PAGE = 50;
const MESSAGES_MAX = 200;
const READ_AFTER_MS = 1000;
/** What changed is on screen within so long, frames or not. */
const REFRESH_WITHIN_MS = 50;
/** In a narrower window the details of a chat are a drawer above it; in a wider one they stand beside it. */
export const DRAWER_BELOW_PX = 1040;

const NOBODY: SyncView = {
  state: 'signed_out',
  synced_at: null,
  offline_since: null,
  unsent: 0,
  refused: 0,
  held: 0,
  last_event_at: null,
  lag: 0,
  over_http: false,
};
const EMPTY: ConversationList = {
  rows: [],
  counts: { open: 0, waiting: 0, mine: 0, snoozed: 0, closed: 0, unread: 0, team_unread: 0, waiting_since: null },
  accounts: [],
};

export type View = 'inbox' | 'visitors';

/** The name of a person, or a numbered visitor. */
export function personName(name: string, number: number): string {
  return name || words.m.visitorNumbered({ number: String(number) });
}

/** The desk has forgotten or erased what was asked for. */
function isGone(cause: unknown): boolean {
  return CommandError.from(cause).error.code === 'not_found';
}

function looksActive(): boolean {
  return document.hasFocus() && !document.hidden;
}

class AppStore {
  started = $state.raw<StartView | null>(null);
  sync = $state.raw<SyncView>(NOBODY);
  view = $state<View>('inbox');
  folder = $state<Folder>('open');
  list = $state.raw<ConversationList>(EMPTY);
  /** The folder that `list` is of; the chosen one is on its way if they differ. */
  listed = $state<Folder>('open');
  /** How many chats of a folder are asked for. */
  #listLimit = $state(LIST_LIMIT);
  heads = new SvelteMap<ConversationRef, ConversationRow>();
  threads = new SvelteMap<ConversationRef, Thread>();
  /** Chats of which older messages than the newest are on screen, and the number below which those end. */
  tops = new SvelteMap<ConversationRef, number>();
  details = new SvelteMap<VisitorRef, VisitorDetails>();
  /** Visitors of all desks. */
  everybody = $state.raw<VisitorRow[]>([]);
  boxes = $state.raw<BoxRecord[]>([]);
  drafts = new Drafts();
  /**
   * Messages that are being written anew, by their keys: what they say so far, the change on screen at the beginning, and
   * the refused command whose text this was.
   */
  rewritten = new SvelteMap<string, { conversation: ConversationRef; text: string; seen: number | null; instead: string | null }>();
  /** Those of them that are being written to the disk. */
  #rewriting = new Set<string>();
  /** Files that came to a chat's unsent text, until its composer takes them. */
  brought = new SvelteMap<ConversationRef, FileView[]>();
  /** How many copies of files are under way to a chat's unsent text. Nothing is sent before they are there. */
  copies = new SvelteMap<ConversationRef, number>();
  /** The second hand of every timer on the page. */
  now = $state(Date.now());
  width = $state(window.innerWidth);
  /** The window has the keyboard and can be seen. */
  active = $state(looksActive());
  /** The chat whose thread or composer has the focus. It is on screen. */
  focused = $state<ConversationRef | null>(null);
  /** A message to show and mark, from a search. */
  target = $state.raw<{ conversation: ConversationRef; number: number } | null>(null);
  /** A chat whose composer wants the caret. */
  wantsCaret = $state<ConversationRef | null>(null);
  /** Chats of which a message is being written to the disk, which its composer may not outlast. */
  sendingIn = new SvelteSet<ConversationRef>();
  /** A chat whose newest message is to be in sight, wherever the person reads in it. */
  wantsEnd = $state<ConversationRef | null>(null);
  /** The caret is being put somewhere by the page, not by the person. */
  #placing = false;
  /** The desk whose chats alone are listed; null: all of them. */
  desk = $state<AccountId | null>(null);
  /** The account that is to sign in again, or one that is to be added. */
  signingIn = $state.raw<{ account: AccountId | null } | null>(null);
  /** A chat whose menu of times is wanted now. */
  wantsSnooze = $state<ConversationRef | null>(null);
  detailsOpen = $state(false);
  visitorShown = $state<VisitorRef | null>(null);
  dialog = $state<'settings' | 'shortcuts' | 'letter' | null>(null);
  /** A first message to colleagues that is not sent yet. */
  letter = $state<{ account: AccountId | null; agents: number[]; title: string; text: string }>({ account: null, agents: [], title: '', text: '' });
  /** It is on its way to the desk, which its dialog may not outlast. */
  sendingLetter = $state(false);
  /** The chat of which is shown who takes part. */
  people = $state<ConversationRef | null>(null);

  #turns = new Map<string, number>();
  #watched = new Set<VisitorRef>();
  /** Counts the questions for details, and knows the one whose answer is on screen. */
  #asked = 0;
  #answered = new Map<VisitorRef, number>();
  /** Chats whose box opened by itself and was not used yet. */
  #uninvited = new Set<ConversationRef>();
  #pages = new Map<ConversationRef, number>();
  /** What of a chat `threads` holds: as in `tops`, or null up to the newest message. */
  #shown = new Map<ConversationRef, number | null>();
  /** There was no connection since the page was up to date. */
  #lost = false;
  #pending = { conversations: new Set<ConversationRef>(), list: false, visitors: false };
  #scheduled = false;
  /** Chats in which the newest message is scrolled out of sight. */
  #scrolledUp = new Set<ConversationRef>();
  /** Which chat was told to be on screen. */
  #told: ConversationRef | null | undefined;
  /** Looks at whether what is being read was on screen for long enough. */
  #readTimer: ReturnType<typeof setTimeout> | undefined;
  /** The message that it counts for, with its chat. */
  #reading: string | null = null;

  readonly accounts = $derived(this.started?.accounts ?? []);
  /** There is more than one desk, so each of them is named. */
  readonly several = $derived(this.accounts.length > 1);
  readonly deskNames = $derived(deskNames(this.accounts.map(({ account }) => account)));
  /** The numbers of the desks that are listed. */
  readonly counts = $derived(this.list.accounts.find((one) => one.account === this.desk)?.counts ?? this.list.counts);
  /** How many chats the listed folder has; null: nobody counts them. */
  readonly total = $derived(this.listed === 'team' ? null : this.counts[this.listed]);
  /** What is left out of the list: chats that can be asked for, or more than can be listed. */
  readonly leftOut = $derived.by((): 'more' | 'most' | null => {
    const shown = this.list.rows.length;
    if (shown < this.#listLimit || shown === this.total) return null;
    return this.#listLimit < LIST_MAX ? 'more' : 'most';
  });
  /** Visitors of the desks that are listed. */
  readonly visitors = $derived(this.desk === null ? this.everybody : this.everybody.filter((row) => row.account === this.desk));
  /** Nobody knows yet whether they all open. */
  readonly opening = $derived(this.accounts.some((account) => !account.open && account.fault === null));
  /** Some account's chats can be read. */
  readonly signedIn = $derived(this.accounts.some((account) => account.open));
  readonly settings = $derived(this.started?.settings ?? null);
  readonly maximised = $derived(machine.maximised(this.boxes)?.conversation ?? null);
  readonly restored = $derived(this.boxes.filter((box) => box.state === 'restored'));
  readonly minimised = $derived(this.boxes.filter((box) => box.state === 'minimised'));

  get facts(): Facts {
    return {
      mine: (id) => this.heads.get(id)?.mine === true,
      waiting: (id) => (this.heads.get(id)?.waiting_since ?? null) !== null,
      draft: (id) => this.drafts.has(id),
      focused: this.focused,
    };
  }

  /** Draws the first screen from disk, then listens. Returns what ends it. */
  begin(): () => void {
    const stop = platform().subscribe((event) => this.take(event));
    void this.restart();
    const clock = setInterval(() => {
      if (!document.hidden) this.now = Date.now();
    }, 1000);
    const onResize = () => {
      this.width = window.innerWidth;
      this.keepBoxes(machine.resize(this.boxes, this.width));
    };
    const onFocus = () => {
      this.active = !document.hidden;
      this.now = Date.now();
      this.tellFocus();
    };
    const onBlur = () => {
      this.active = false;
      void this.drafts.flushAll();
      this.tellFocus();
    };
    // A window may be hidden, as by a locked screen, without losing the focus.
    const onSight = () => (looksActive() ? onFocus() : onBlur());
    window.addEventListener('resize', onResize);
    window.addEventListener('focus', onFocus);
    window.addEventListener('blur', onBlur);
    document.addEventListener('visibilitychange', onSight);
    return () => {
      stop();
      clearInterval(clock);
      window.removeEventListener('resize', onResize);
      window.removeEventListener('focus', onFocus);
      window.removeEventListener('blur', onBlur);
      document.removeEventListener('visibilitychange', onSight);
    };
  }

  /**
   * Takes a turn at asking for something. The returned function tells whether nobody has asked, or told, since: an
   * older answer must never replace a newer one.
   */
  turn(what: string): () => boolean {
    const mine = (this.#turns.get(what) ?? 0) + 1;
    this.#turns.set(what, mine);
    return () => this.#turns.get(what) === mine;
  }

  async restart(): Promise<void> {
    try {
      const newest = this.turn('start');
      const syncNewest = this.turn('sync');
      const started = await platform().call('start', {});
      if (!newest()) return;
      const before = this.accounts.filter((account) => account.open).map(({ account }) => account.id);
      // What was told of a connection meanwhile is newer than this answer.
      const told = syncNewest() ? null : this.accounts;
      this.started = started;
      if (told) this.takeSync(told.map(({ account, sync }) => ({ account: account.id, sync })), this.sync);
      else this.sync = started.sync;
      words.use(languageOf(started.settings.language));
      document.documentElement.dataset['theme'] = started.settings.theme;
      const now = started.accounts.filter((account) => account.open).map(({ account }) => account.id);
      for (const gone of before.filter((id) => !now.includes(id))) this.forget(gone);
      const come = now.filter((id) => !before.includes(id));
      this.boxes = machine.join(this.boxes, started.boxes.filter((box) => come.includes(accountOf(box.conversation))));
      if (this.signedIn) this.refreshAll();
    } catch (cause) {
      notices.fail(cause);
    }
  }

  /** Forgets everything of an account that is no more. The others stay on screen as they are. */
  forget(account: AccountId): void {
    const its = (ref: ConversationRef | VisitorRef) => accountOf(ref) === account;
    this.boxes = this.boxes.filter((box) => !its(box.conversation));
    this.list = { ...this.list, rows: this.list.rows.filter((row) => row.account !== account) };
    this.everybody = this.everybody.filter((row) => row.account !== account);
    const chats = [this.heads, this.threads, this.tops, this.#shown, this.brought, this.#pages, this.#uninvited, this.sendingIn];
    for (const kept of chats) for (const id of [...kept.keys()]) if (its(id)) kept.delete(id);
    for (const [key, { conversation }] of [...this.rewritten]) if (its(conversation)) this.rewritten.delete(key);
    for (const id of [...this.details.keys()]) if (its(id)) this.details.delete(id);
    this.drafts.forget(its);
    if (this.desk === account) this.desk = null;
    this.#settleFocus();
    if (this.target && its(this.target.conversation)) this.target = null;
    if (this.visitorShown !== null && its(this.visitorShown)) this.visitorShown = null;
  }

  /** Forgets a chat that is no more, with what was typed in it: that must not come back to the disk. */
  #forgetChat(conversation: ConversationRef): void {
    this.drafts.forget((id) => id === conversation);
    this.brought.delete(conversation);
    for (const [key, edit] of [...this.rewritten]) if (edit.conversation === conversation) this.rewritten.delete(key);
    if (this.target?.conversation === conversation) this.target = null;
    this.keepBoxes(machine.done(this.boxes, conversation));
  }

  /** Forgets a visitor who is no more. */
  #forgetVisitor(visitor: VisitorRef): void {
    this.details.delete(visitor);
    if (this.visitorShown === visitor) this.visitorShown = null;
  }

  take(event: AppEvent): void {
    switch (event.event) {
      case 'changed':
        for (const id of event.conversations) this.#pending.conversations.add(id);
        this.#pending.list ||= event.conversations.length > 0 || event.visitors;
        this.#pending.visitors ||= event.visitors;
        this.schedule();
        break;
      case 'sync':
        this.turn('sync');
        this.tellSync(this.sync, event.sync);
        this.takeSync(event.accounts, event.sync);
        break;
      case 'open':
        void this.answer(event.conversation);
        break;
      case 'ring':
        this.ring(event.conversations);
        break;
      case 'account':
        void this.restart();
        break;
    }
  }

  /** Takes the state of every connection, and of all together. */
  takeSync(accounts: readonly AccountSync[], sync: SyncView): void {
    this.sync = sync;
    if (!this.started) return;
    const of = new Map(accounts.map((account) => [account.account, account.sync]));
    const known = this.started.accounts.map((state) => ({ ...state, sync: of.get(state.account.id) ?? state.sync }));
    this.started = { ...this.started, accounts: known };
  }

  /** Asks again for everything on screen. */
  refreshAll(): void {
    for (const box of this.boxes) this.#pending.conversations.add(box.conversation);
    this.#pending.list = true;
    this.#pending.visitors = true;
    this.schedule();
  }

  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A frame puts what changed together into one. A page that is hidden or covered may get no frames for a long time,
    // and must be right whenever somebody looks at it.
    let frame = 0;
    const run = () => {
      cancelAnimationFrame(frame);
      clearTimeout(latest);
      this.#scheduled = false;
      void this.refresh();
    };
    const latest = setTimeout(run, REFRESH_WITHIN_MS);
    frame = requestAnimationFrame(run);
  }

  async refresh(): Promise<void> {
    if (!this.signedIn) return;
    const pending = this.#pending;
    this.#pending = { conversations: new Set(), list: false, visitors: false };
    const jobs: Promise<void>[] = [];
    if (pending.list) jobs.push(this.loadList());
    if (pending.visitors) jobs.push(this.loadVisitors());
    for (const id of pending.conversations) {
      if (machine.find(this.boxes, id)) jobs.push(this.loadThread(id));
    }
    if (pending.visitors || pending.conversations.size > 0) {
      for (const id of this.#watched) jobs.push(this.loadDetails(id));
    }
    const failed = (await Promise.allSettled(jobs)).find((job) => job.status === 'rejected');
    if (failed) notices.fail(failed.reason);
  }

  async loadList(): Promise<void> {
    const newest = this.turn('list');
    const folder = this.folder;
    const list = await platform().call('list_conversations', { folder, account: this.desk, limit: this.#listLimit });
    if (!newest()) return;
    this.list = list;
    this.listed = folder;
  }

  async loadVisitors(): Promise<void> {
    const newest = this.turn('visitors');
    const visitors = await platform().call('visitors', {});
    if (newest()) this.everybody = visitors;
  }

  async loadThread(id: ConversationRef): Promise<void> {
    const limit = this.#pages.get(id) ?? PAGE;
    const before = this.tops.get(id) ?? null;
    const newest = this.turn(`thread ${id}`);
    const asked = Promise.all([
      platform().call('conversation', { conversation: id }),
      platform().call('messages', { conversation: id, before, limit }),
      this.drafts.load(id),
    ]);
    const [head, thread] = await asked.catch((cause: unknown) => {
      if (newest() && isGone(cause)) this.#forgetChat(id);
      throw cause;
    });
    if (!newest()) return;
    this.heads.set(id, head);
    this.#dismiss(id, head);
    if (!newest()) return;
    // What was scrolled to is no news.
    if (before === null && this.#shown.get(id) === null) this.announce(id, head, this.threads.get(id), thread);
    this.#shown.set(id, before);
    this.threads.set(id, thread);
    this.readSoon();
  }

  async loadDetails(id: VisitorRef): Promise<void> {
    const asked = ++this.#asked;
    // An edit waits for what it kept to be shown, so an answer counts even if somebody has asked again since.
    const counts = () => this.#watched.has(id) && (this.#answered.get(id) ?? 0) <= asked;
    const details = await platform()
      .call('visitor_details', { visitor: id })
      .catch((cause: unknown) => {
        if (counts() && isGone(cause)) this.#forgetVisitor(id);
        throw cause;
      });
    if (!counts()) return;
    this.#answered.set(id, asked);
    this.details.set(id, details);
  }

  /** Says a new message in the chat on screen, once, and asks for a decision wherever one is wanted. */
  announce(id: ConversationRef, head: ConversationRow, before: Thread | undefined, after: Thread): void {
    if (!before) return;
    const held = (thread: Thread) => thread.messages.filter((message) => message.delivery === 'held').length;
    if (held(after) > held(before)) announcer.alarm(words.m.announceHeld());
    if (this.focused !== id) return;
    const known = newestSeen(before);
    for (const message of after.messages) {
      if (message.number <= known || !(isNews(message, head.internal) || mentionsMe(message))) continue;
      const text = message.text.map((part) => part.text).join('').slice(0, 200);
      const name = message.author.who === 'agent' ? message.author.name : personName(head.name, head.visitor_number);
      announcer.say(words.m.announceMessage({ name, text }));
    }
  }

  tellSync(before: SyncView, after: SyncView): void {
    if (before.state === 'live' && after.state === 'offline') announcer.alarm(words.m.announceOffline());
    if (after.state === 'offline') this.#lost = true;
    if (!this.#lost || after.state !== 'live') return;
    this.#lost = false;
    announcer.say(words.m.announceOnline());
  }

  /** Shows more of a chat: from the disk if it is there, otherwise from the desk. */
  async loadOlder(id: ConversationRef): Promise<void> {
    const thread = this.threads.get(id);
    if (!thread) return;
    try {
      if (!thread.more_here && thread.more_there) {
        await platform().call('load_older', { conversation: id, before: thread.messages[0]?.number ?? null });
        if (!this.#isDrawn(id)) return;
      }
      const limit = this.#pages.get(id) ?? PAGE;
      // A screen that is full lets go of its newest messages.
      const last = limit >= MESSAGES_MAX ? thread.messages.at(-PAGE)?.number : undefined;
      if (last) this.tops.set(id, last);
      this.#pages.set(id, Math.min(MESSAGES_MAX, limit + PAGE));
      await this.loadThread(id);
    } catch (cause) {
      notices.fail(cause);
    }
  }

  /** Shows what follows the older messages that are on screen. */
  async showNewer(id: ConversationRef): Promise<void> {
    const top = this.tops.get(id);
    if (top === undefined) return;
    const next = top + PAGE;
    if (next > (this.heads.get(id)?.last_number ?? 0)) return this.showNewest(id);
    try {
      await this.#bring(id, next, top);
      if (!this.#isDrawn(id)) return;
      this.tops.set(id, next);
      this.#pages.set(id, Math.min(MESSAGES_MAX, (this.#pages.get(id) ?? PAGE) + PAGE));
      await this.loadThread(id);
    } catch (cause) {
      notices.fail(cause);
    }
  }

  /** Leaves the older messages of a chat. */
  async showNewest(id: ConversationRef): Promise<void> {
    if (!this.tops.delete(id)) return;
    this.#pages.delete(id);
    try {
      await this.loadThread(id);
    } catch (cause) {
      notices.fail(cause);
    }
  }

  /** Goes to the end of a chat: past older messages, and to where its newest one is in sight. */
  goToEnd(id: ConversationRef): Promise<void> {
    this.wantsEnd = id;
    return this.showNewest(id);
  }

  /**
   * A chat's messages are drawn no more. What was found in it is not waiting there when it is drawn again, and a chat
   * that left the screen comes back with its newest messages.
   */
  leaveThread(id: ConversationRef): void {
    if (this.target?.conversation === id) this.target = null;
    this.#scrolledUp.delete(id);
    if (!this.#isDrawn(id)) void this.showNewest(id);
  }

  /** Makes sure that a message is on this computer, in a page that ends below `before`. */
  async #bring(conversation: ConversationRef, before: number, number: number): Promise<void> {
    const page = await platform().call('messages', { conversation, before, limit: PAGE });
    if (page.messages.some((message) => message.number === number)) return;
    await platform().call('load_older', { conversation, before });
  }

  /** Shows a message of a chat with those around it, however old it is. */
  async goTo(conversation: ConversationRef, number: number | null): Promise<void> {
    this.open(conversation, 'maximised');
    try {
      if (number === null) {
        await this.showNewest(conversation);
        return;
      }
      const shown = await platform().call('messages', {
        conversation,
        before: this.tops.get(conversation) ?? null,
        limit: this.#pages.get(conversation) ?? PAGE,
      });
      if (!this.#isDrawn(conversation)) return;
      if (!shown.messages.some((message) => message.number === number)) {
        const { last_number } = await platform().call('conversation', { conversation });
        const top = Math.min(number + PAGE / 2, last_number + 1);
        await this.#bring(conversation, top, number);
        if (!this.#isDrawn(conversation)) return;
        if (top > last_number) this.tops.delete(conversation);
        else this.tops.set(conversation, top);
        this.#pages.set(conversation, PAGE);
      }
      this.target = { conversation, number };
      await this.loadThread(conversation);
    } catch (cause) {
      notices.fail(cause);
    }
  }

  keepBoxes(boxes: BoxRecord[]): void {
    const before = JSON.stringify(this.boxes);
    const gone = this.boxes.filter((box) => !machine.find(boxes, box.conversation));
    this.boxes = boxes;
    for (const { conversation } of gone) this.#letGo(conversation);
    this.#settleFocus();
    const after = JSON.stringify(boxes);
    if (before === after || !this.signedIn) return;
    platform().call('save_boxes', { boxes }).catch((cause: unknown) => notices.fail(cause));
  }

  /** Lets go of what is known of a chat without a box. When it opens again, nothing of what it has is news. */
  #letGo(conversation: ConversationRef): void {
    // An answer that is on its way comes too late.
    this.turn(`thread ${conversation}`);
    for (const kept of [this.heads, this.threads, this.tops, this.#shown, this.#pages, this.#uninvited]) kept.delete(conversation);
    if (this.people === conversation) this.people = null;
    void this.drafts.release(conversation);
  }

  /** Opens a chat. In the inbox it fills the pane; elsewhere it becomes a box. */
  open(conversation: ConversationRef, state?: 'restored' | 'maximised'): void {
    // Beside a chat that fills the pane there is no room for a small box.
    const filled = this.view === 'inbox' && this.maximised !== null;
    const wanted = filled ? 'maximised' : (state ?? (this.view === 'inbox' ? 'maximised' : 'restored'));
    if (wanted === 'maximised') {
      this.view = 'inbox';
      this.keepBoxes(machine.maximise(this.boxes, conversation, this.facts));
    } else {
      this.keepBoxes(machine.restore(this.boxes, conversation, this.width, this.facts));
      if (machine.find(this.boxes, conversation)?.state === 'maximised') this.view = 'inbox';
    }
    this.#pending.conversations.add(conversation);
    this.schedule();
  }

  /** Opens a chat as a small box, with the caret in it. */
  takeUp(conversation: ConversationRef): void {
    this.open(conversation, 'restored');
    this.wantCaret(conversation);
  }

  /** Asks for the caret. A chat for which there was no room does not: it would take it whenever it opens. */
  wantCaret(conversation: ConversationRef): void {
    if (this.#isDrawn(conversation)) this.wantsCaret = conversation;
  }

  /** Opens the menu of times of a chat. Where there is none to open, none opens later under the hand that types. */
  async chooseTime(conversation: ConversationRef): Promise<void> {
    if (this.heads.get(conversation)?.state === 'closed') return;
    this.wantsSnooze = conversation;
    await tick();
    this.wantsSnooze = null;
  }

  /** New chats ring, and open by themselves if the person wants that. The focus stays where it is. */
  ring(conversations: ConversationRef[]): void {
    if (!this.settings?.open_boxes) return;
    for (const id of conversations) {
      if (!machine.find(this.boxes, id)) this.#uninvited.add(id);
      this.putBeside(id);
    }
  }

  /** Opens a chat where there is room for it, in front of nothing: the person is at something else. */
  putBeside(conversation: ConversationRef): void {
    this.keepBoxes(machine.ring(this.boxes, conversation, this.width));
    this.#pending.conversations.add(conversation);
    this.schedule();
  }

  /** A box that opened by itself, and that nobody used, goes when a colleague takes the chat. */
  #dismiss(id: ConversationRef, head: ConversationRow): void {
    if (!this.#uninvited.has(id) || head.assignee === null) return;
    this.#uninvited.delete(id);
    if (!this.facts.mine(id) && !this.drafts.has(id)) this.keepBoxes(machine.done(this.boxes, id));
  }

  minimise(conversation: ConversationRef): void {
    void this.drafts.flush(conversation);
    this.keepBoxes(machine.minimise(this.boxes, conversation));
  }

  toggle(conversation: ConversationRef): void {
    this.keepBoxes(machine.toggle(this.boxes, conversation, this.width, this.facts));
    if (this.maximised === conversation) this.view = 'inbox';
  }

  close(conversation: ConversationRef): void {
    void this.drafts.flush(conversation);
    this.keepBoxes(machine.close(this.boxes, conversation, this.facts));
    this.tops.delete(conversation);
    if (!machine.find(this.boxes, conversation)) notices.show(words.m.noticeBoxClosed());
  }

  focusOn(conversation: ConversationRef | null): void {
    if (this.focused === conversation) return;
    this.focused = conversation;
    if (conversation !== null) {
      this.#uninvited.delete(conversation);
      this.keepBoxes(machine.focus(this.boxes, conversation));
    }
    this.tellFocus();
  }

  /** A chat that leaves the screen takes the focus with it, and no event of the page tells so. */
  #settleFocus(): void {
    if (this.focused !== null && !this.#isDrawn(this.focused)) this.focusOn(null);
  }

  /** A chat stands in a small box, or fills the pane of the view on screen. */
  #isDrawn(conversation: ConversationRef): boolean {
    const state = machine.find(this.boxes, conversation)?.state;
    return state === 'restored' || (state === 'maximised' && this.view === 'inbox');
  }

  /** The person put the caret somewhere. What was asked for before, and comes only now, does not take it away again. */
  movedCaret(): void {
    if (this.#placing) return;
    this.turn('caret');
    this.wantsCaret = null;
  }

  /** Puts the caret into the field of a chat that wants it. */
  placeCaret(conversation: ConversationRef, field: HTMLElement): void {
    if (this.wantsCaret !== conversation) return;
    this.wantsCaret = null;
    this.#placing = true;
    field.focus();
    this.#placing = false;
  }

  /** Answers a call from outside: that chat, or the one waiting longest. */
  async answer(conversation: ConversationRef | null): Promise<void> {
    let id = conversation;
    if (id === null) {
      const waiting = await platform().call('list_conversations', { folder: 'waiting', account: null, limit: 1 });
      id = waiting.rows[0]?.id ?? null;
    }
    if (id === null) return;
    this.open(id, 'maximised');
    this.wantsCaret = id;
  }

  tellFocus(): void {
    this.#told = undefined;
    this.readSoon();
  }

  /** The newest message of a chat came into sight, or out of it. */
  showsEnd(id: ConversationRef, shown: boolean): void {
    if (shown) this.#scrolledUp.delete(id);
    else this.#scrolledUp.add(id);
    this.readSoon();
  }

  /** The chat that the person looks at. Among older messages the newest one is not on screen. */
  #inSight(): ConversationRef | null {
    const id = this.focused;
    return id === null || !this.active || this.tops.has(id) || this.#scrolledUp.has(id) ? null : id;
  }

  /** What is unread in it, up to its newest message. */
  #unreadInSight(): { conversation: ConversationRef; number: number } | null {
    const conversation = this.#inSight();
    const head = conversation === null ? undefined : this.heads.get(conversation);
    return head && head.my_read < head.last_number ? { conversation: head.id, number: head.last_number } : null;
  }

  /** Tells which chat is on screen, so that others ring, and marks it read after a second. */
  readSoon(): void {
    const conversation = this.#inSight();
    if (conversation !== this.#told) {
      this.#told = conversation;
      platform().call('set_focus', { conversation }).catch((cause: unknown) => notices.fail(cause));
    }
    const message = this.#unreadInSight();
    const reading = message && JSON.stringify(message);
    // What else changes, such as another chat, does not begin the second anew.
    if (reading === this.#reading) return;
    clearTimeout(this.#readTimer);
    this.#reading = reading;
    if (!message) return;
    this.#readTimer = setTimeout(() => {
      this.#reading = null;
      if (JSON.stringify(this.#unreadInSight()) !== reading) return this.readSoon();
      platform().call('mark_read', message).catch((cause: unknown) => notices.fail(cause));
    }, READ_AFTER_MS);
  }

  /** Writes to colleagues: of the desk that is listed, or of the first. What was begun before is still there. */
  writeToColleagues(): void {
    const open = this.accounts.filter((state) => state.open).map(({ account }) => account.id);
    if (this.letter.account === null || !open.includes(this.letter.account)) this.letter.account = this.desk ?? open[0] ?? null;
    this.dialog = 'letter';
  }

  emptyLetter(): void {
    Object.assign(this.letter, { account: null, agents: [], title: '', text: '' });
  }

  showFolder(folder: Folder): void {
    this.view = 'inbox';
    this.folder = folder;
    this.#listAnew();
  }

  /** Lists the chats and visitors of one desk, or of all. */
  showDesk(desk: AccountId | null): void {
    this.desk = desk;
    this.#listAnew();
  }

  /** Lists as many chats of the folder as can be listed. */
  showMore(): Promise<void> {
    this.#listLimit = LIST_MAX;
    this.#pending.list = true;
    return this.refresh();
  }

  #listAnew(): void {
    this.#listLimit = LIST_LIMIT;
    this.#pending.list = true;
    this.schedule();
  }

  /** Asks for a sign-in: again at a desk, or at one more. */
  signIn(account: AccountId | null): void {
    this.dialog = null;
    this.signingIn = { account };
  }

  showVisitors(): void {
    this.view = 'visitors';
    this.#settleFocus();
    this.#pending.visitors = true;
    this.schedule();
  }

  /** Runs a command and says why if it fails. True: done. */
  async run<Name extends keyof Commands>(name: Name, request: Commands[Name][0]): Promise<boolean> {
    try {
      await platform().call(name, request);
      return true;
    } catch (cause) {
      notices.fail(cause);
      return false;
    }
  }

  /** Makes unsent text of a message again, and lets the person go on typing. */
  async takeBack(conversation: ConversationRef, client_id: string): Promise<void> {
    try {
      await this.drafts.putBefore(conversation, async () => {
        const { kind, text, mentions, files } = await platform().call('take_back', { conversation, client_id });
        const tab = kind === 'note' ? 'note' : 'reply';
        this.#bringTo(conversation, files);
        this.keepBoxes(machine.choose(this.boxes, conversation, tab));
        return { tab, text, mentions };
      });
      this.wantsCaret = conversation;
      announcer.say(words.m.announceTakenBack());
    } catch (cause) {
      notices.fail(cause);
    }
  }

  #bringTo(conversation: ConversationRef, files: readonly FileView[]): void {
    if (files.length > 0) this.brought.set(conversation, [...(this.brought.get(conversation) ?? []), ...files]);
  }

  /** Brings files to a chat's unsent text, whichever composer the chat has once they are there. */
  async bringFiles(conversation: ConversationRef, copy: () => Promise<FileView[]>): Promise<void> {
    const count = (by: number) => this.copies.set(conversation, (this.copies.get(conversation) ?? 0) + by);
    count(1);
    try {
      this.#bringTo(conversation, await copy());
    } catch (cause) {
      notices.fail(cause);
    }
    count(-1);
  }

  /** Keeps what a message says from now on. Its text stays in the field until it is kept, and what was refused until then. */
  async rewrite(conversation: ConversationRef, { key, id: message }: MessageView): Promise<void> {
    const edit = this.rewritten.get(key);
    if (!edit || message === null || this.#rewriting.has(key)) return;
    this.#rewriting.add(key);
    const newest = this.turn('caret');
    const kept = await this.run('edit_message', { conversation, message, seen: edit.seen, text: edit.text });
    this.#rewriting.delete(key);
    if (!kept) return;
    // What was typed meanwhile is not kept yet, and what was refused goes once.
    const typed = this.rewritten.get(key);
    if (typed?.text === edit.text) {
      this.rewritten.delete(key);
      if (newest()) this.wantCaret(conversation);
    } else if (typed) this.rewritten.set(key, { ...typed, instead: null });
    if (edit.instead !== null) await this.run('discard', { conversation, client_id: edit.instead });
  }

  /** A refused text for a message that is not there any more, to be sent as a new one. */
  async sendInstead(conversation: ConversationRef, tab: 'reply' | 'note', { client_id, text }: RefusedDeed): Promise<void> {
    await this.drafts.putBefore(conversation, async () => {
      this.keepBoxes(machine.choose(this.boxes, conversation, tab));
      return { tab, text: text ?? '' };
    });
    this.wantsCaret = conversation;
    // Kept in one place before it goes from the other.
    if (await this.drafts.flush(conversation)) await this.run('discard', { conversation, client_id });
  }

  /** What is known of a chat that is open, or listed. */
  rowOf(conversation: ConversationRef): ConversationRow | undefined {
    return this.heads.get(conversation) ?? this.list.rows.find((row) => row.id === conversation);
  }

  assignToMe(conversation: ConversationRef): void {
    const head = this.rowOf(conversation);
    const from = head ? { agent: head.assignee, team: head.team } : null;
    void this.run('assign', { conversation, to: { to: 'me' }, from });
  }

  /** Follows a chat though others answer it, or no more. */
  async follow(conversation: ConversationRef): Promise<void> {
    const head = this.rowOf(conversation);
    const following = head?.followed !== true;
    if (!(await this.run('follow', { conversation, following }))) return;
    announcer.say(following ? words.m.announceFollowed() : words.m.announceUnfollowed());
  }

  reopen(conversation: ConversationRef): void {
    void this.run('set_state', { conversation, state: 'open' });
  }

  /** Closes a chat, which answers all that the page knows of it, and moves on to the next one of the list. */
  async done(conversation: ConversationRef): Promise<void> {
    const head = this.rowOf(conversation);
    await this.#moveOnAfter(conversation, words.m.noticeDone(), async () => {
      if (head && head.my_read < head.last_number) {
        await this.run('mark_read', { conversation, number: head.last_number });
      }
      return this.run('set_state', { conversation, state: 'closed' });
    });
  }

  /** Puts a chat off, until a time or until the next reply, and moves on to the next one of the list. */
  async snooze(conversation: ConversationRef, time: number | null): Promise<void> {
    const said = time === null ? words.m.noticeSnoozedReply() : words.m.noticeSnoozed({ time: until(time, this.now) });
    await this.#moveOnAfter(conversation, said, () => this.run('snooze', { conversation, until: time }));
  }

  /** Leaves a chat once something is done with it. Which one is next is seen before the list changes. */
  async #moveOnAfter(conversation: ConversationRef, said: string, deed: () => Promise<boolean>): Promise<void> {
    const rows = this.list.rows;
    const at = rows.findIndex((row) => row.id === conversation);
    const next = at < 0 ? undefined : (rows[at + 1] ?? rows[at - 1]);
    const moveOn = this.maximised === conversation && this.view === 'inbox';
    await this.drafts.flush(conversation);
    if (!(await deed())) return;
    this.keepBoxes(machine.done(this.boxes, conversation));
    notices.show(said);
    if (moveOn && next) this.open(next.id, 'maximised');
  }

  step(by: number): void {
    const rows = this.list.rows;
    if (rows.length === 0) return;
    const at = rows.findIndex((row) => row.id === this.maximised);
    const next = rows[at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + by))];
    if (next) this.open(next.id, 'maximised');
  }

  async startWith(visitor: VisitorRef): Promise<void> {
    try {
      const newest = this.turn('caret');
      const { conversation } = await platform().call('start_conversation', { visitor });
      if (newest()) this.takeUp(conversation);
      else this.putBeside(conversation);
    } catch (cause) {
      notices.fail(cause);
    }
  }

  showDetailsOf(visitor: VisitorRef | null): void {
    this.visitorShown = visitor;
  }

  /** Opens or closes the drawer of the view on screen. Among the visitors it can only be closed: a row opens it. */
  toggleDetails(): void {
    if (this.view === 'visitors') this.visitorShown = null;
    else this.detailsOpen = this.maximised !== null && this.width < DRAWER_BELOW_PX && !this.detailsOpen;
  }

  /** Keeps a visitor's details fresh while they are on screen. */
  watchDetails(visitor: VisitorRef): void {
    this.#watched.add(visitor);
    this.loadDetails(visitor).catch((cause: unknown) => notices.fail(cause));
  }

  forgetDetails(visitor: VisitorRef): void {
    this.#watched.delete(visitor);
    this.#answered.delete(visitor);
    this.details.delete(visitor);
  }

  async saveSettings(settings: Settings): Promise<void> {
    if (this.started) this.started = { ...this.started, settings };
    words.use(languageOf(settings.language));
    document.documentElement.dataset['theme'] = settings.theme;
    await this.run('save_settings', settings);
  }
}

export const app = new AppStore();
