/** Unsent texts: shown from here, kept on disk a moment after each key. */
import { SvelteMap } from 'svelte/reactivity';
import { platform, type ConversationRef, type Draft } from '../platform';
import { notices } from './notices.svelte';

const SAVE_AFTER_MS = 300;

export class Drafts {
  #texts = new SvelteMap<ConversationRef, Draft>();
  #timers = new Map<ConversationRef, ReturnType<typeof setTimeout>>();
  /** Chats whose text on disk is older than the one here. */
  #unsaved = new Set<ConversationRef>();
  /** Writes under way. Only one at a time for each chat: an older text must never land on a newer one. */
  #writes = new Map<ConversationRef, Promise<boolean>>();

  /** Reads a chat's unsent text from disk, unless something is typed here already. */
  async load(conversation: ConversationRef): Promise<void> {
    if (this.#texts.has(conversation)) return;
    const kept = await platform().call('draft', { conversation });
    if (!this.#texts.has(conversation)) this.#texts.set(conversation, kept);
  }

  get(conversation: ConversationRef): Draft {
    return this.#texts.get(conversation) ?? { conversation, reply: '', note: '', mentions: [] };
  }

  /** Whether anything unsent is kept for a chat. */
  has(conversation: ConversationRef): boolean {
    const draft = this.#texts.get(conversation);
    return draft !== undefined && (draft.reply.trim() !== '' || draft.note.trim() !== '');
  }

  set(conversation: ConversationRef, tab: 'reply' | 'note', text: string): void {
    const before = this.get(conversation);
    // Whom an empty note mentions, the next one does not.
    const mentions = tab === 'note' && text === '' ? [] : before.mentions;
    this.#change({ ...before, [tab]: text, mentions });
  }

  /** Says of colleagues that the unsent note mentions them, as long as their names stand in it. */
  mention(conversation: ConversationRef, agents: readonly number[]): void {
    const before = this.get(conversation);
    this.#change({ ...before, mentions: [...new Set([...before.mentions, ...agents])] });
  }

  #change(draft: Draft): void {
    const { conversation } = draft;
    this.#texts.set(conversation, draft);
    this.#unsaved.add(conversation);
    clearTimeout(this.#timers.get(conversation));
    this.#timers.set(
      conversation,
      setTimeout(() => void this.flush(conversation), SAVE_AFTER_MS),
    );
  }

  /**
   * Writes a chat's unsent text to disk now, and waits until it is there. True: it is. A failure is told to the
   * person, and the text is written again with the next key or the next loss of focus.
   */
  async flush(conversation: ConversationRef): Promise<boolean> {
    const before = this.#writes.get(conversation);
    if (!this.#unsaved.has(conversation)) return before ?? true;
    clearTimeout(this.#timers.get(conversation));
    this.#timers.delete(conversation);
    this.#unsaved.delete(conversation);
    const write = this.#write(conversation, before);
    this.#writes.set(conversation, write);
    const kept = await write;
    if (this.#writes.get(conversation) === write) this.#writes.delete(conversation);
    return kept;
  }

  /**
   * Puts a text before what is typed, once `job` has put it there on disk. Nothing else is written in between, and
   * what is typed meanwhile stays behind it. Fails like the job.
   */
  async putBefore(conversation: ConversationRef, job: () => Promise<{ tab: 'reply' | 'note'; text: string; mentions?: number[] }>): Promise<void> {
    await this.load(conversation);
    await this.flush(conversation);
    const put = job().then(({ tab, text, mentions = [] }) => {
      if (mentions.length > 0) this.mention(conversation, mentions);
      this.set(conversation, tab, [text, this.get(conversation)[tab]].filter(Boolean).join('\n'));
    });
    const write = put.then(
      () => true,
      () => false,
    );
    this.#writes.set(conversation, write);
    await write;
    if (this.#writes.get(conversation) === write) this.#writes.delete(conversation);
    await put;
  }

  async #write(conversation: ConversationRef, before: Promise<boolean> | undefined): Promise<boolean> {
    await before;
    try {
      await platform().call('save_draft', this.get(conversation));
      return true;
    } catch (cause) {
      this.#unsaved.add(conversation);
      notices.fail(cause);
      return false;
    }
  }

  /** Lets go of a chat in which nothing is typed. Unsent text stays here. */
  async release(conversation: ConversationRef): Promise<void> {
    await this.flush(conversation);
    const draft = this.#texts.get(conversation);
    const kept = this.#unsaved.has(conversation) || this.#writes.has(conversation);
    if (!kept && draft?.reply === '' && draft.note === '') this.#texts.delete(conversation);
  }

  /** Writes everything to disk now. */
  async flushAll(): Promise<void> {
    const chats = new Set([...this.#unsaved, ...this.#writes.keys()]);
    await Promise.all([...chats].map((conversation) => this.flush(conversation)));
  }

  /** Forgets the texts of some chats: their account is gone. */
  forget(gone: (conversation: ConversationRef) => boolean): void {
    for (const conversation of [...this.#texts.keys()].filter(gone)) {
      clearTimeout(this.#timers.get(conversation));
      this.#timers.delete(conversation);
      this.#unsaved.delete(conversation);
      this.#texts.delete(conversation);
    }
  }
}
