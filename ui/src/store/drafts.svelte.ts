/** Unsent texts: shown from here, kept on disk a moment after each key. */
import { SvelteMap } from 'svelte/reactivity';
import { platform, type ConversationId, type Draft } from '../platform';

const SAVE_AFTER_MS = 300;

export class Drafts {
  #texts = new SvelteMap<ConversationId, Draft>();
  #timers = new Map<ConversationId, ReturnType<typeof setTimeout>>();

  /** Reads a chat's unsent text from disk, unless something is typed here already. */
  async load(conversation: ConversationId): Promise<void> {
    if (this.#texts.has(conversation)) return;
    const kept = await platform().call('draft', { conversation });
    if (!this.#texts.has(conversation)) this.#texts.set(conversation, kept);
  }

  get(conversation: ConversationId): Draft {
    return this.#texts.get(conversation) ?? { conversation, reply: '', note: '' };
  }

  /** Whether anything unsent is kept for a chat. */
  has(conversation: ConversationId): boolean {
    const draft = this.#texts.get(conversation);
    return draft !== undefined && (draft.reply.trim() !== '' || draft.note.trim() !== '');
  }

  set(conversation: ConversationId, tab: 'reply' | 'note', text: string): void {
    this.#texts.set(conversation, { ...this.get(conversation), [tab]: text });
    clearTimeout(this.#timers.get(conversation));
    this.#timers.set(
      conversation,
      setTimeout(() => void this.flush(conversation), SAVE_AFTER_MS),
    );
  }

  /** Writes a chat's unsent text to disk now. */
  async flush(conversation: ConversationId): Promise<void> {
    const timer = this.#timers.get(conversation);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#timers.delete(conversation);
    await platform().call('save_draft', this.get(conversation));
  }

  /** Writes everything to disk now. */
  async flushAll(): Promise<void> {
    await Promise.all([...this.#timers.keys()].map((conversation) => this.flush(conversation)));
  }

  /** Forgets everything: another account signs in. */
  clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#texts.clear();
  }
}
