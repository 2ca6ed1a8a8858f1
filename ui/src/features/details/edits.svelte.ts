/** What an agent writes about a visitor: shown at once, kept a moment after the last key. */
import { platform, type VisitorDetails, type VisitorRef } from '../../platform';
import { app } from '../../store/app.svelte';
import { notices } from '../../store/notices.svelte';

const SAVE_AFTER_MS = 800;

export type Field = 'name' | 'email' | 'phone' | 'notes';
type Texts = Partial<Record<Field, string>>;

/**
 * One save after the other on the whole page. A save replaces all four fields at once, so it must read what the one
 * before it has kept, even if that one was begun by a pane that is gone.
 */
let saving: Promise<void> = Promise.resolve();

const EMAIL_MAX = 320;

/** Whether the desk keeps a text as an e-mail address. None is one too. */
export function emailFits(text: string): boolean {
  const email = text.trim();
  return email === '' || (/^[^@\s]+@[^@\s]+$/.test(email) && [...email].length <= EMAIL_MAX);
}

/** The edits of one visitor's details, for as long as they are on screen. */
export class Edits {
  /** Texts that are not kept yet. */
  #unsaved = $state.raw<Texts>({});
  #keptAt = $state<number | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly visitor: VisitorRef) {}

  /** When everything on screen was kept. None: something is not, or nothing was edited. */
  get savedAt(): number | null {
    return this.#empty ? this.#keptAt : null;
  }

  get #empty(): boolean {
    return Object.keys(this.#unsaved).length === 0;
  }

  /** What a field shows. */
  text(field: Field): string {
    return this.#unsaved[field] ?? app.details.get(this.visitor)?.[field] ?? '';
  }

  /** Takes a field's new text, and keeps it soon. */
  edit(field: Field, text: string): void {
    this.#unsaved = { ...this.#unsaved, [field]: text };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.save(), SAVE_AFTER_MS);
  }

  /** Keeps everything that is edited by the time the saves before this one are through. Never rejects. */
  save(): Promise<void> {
    clearTimeout(this.#timer);
    if (!this.#empty) saving = saving.then(() => this.#keep()).catch((cause: unknown) => notices.fail(cause));
    return saving;
  }

  async #keep(): Promise<void> {
    const sent: Texts = { ...this.#unsaved };
    if (sent.email !== undefined && !emailFits(sent.email)) delete sent.email;
    if (Object.keys(sent).length === 0) return;
    // The fields that were not touched come from the disk: the screen may be older than the last save.
    const known: VisitorDetails = await platform().call('visitor_details', { visitor: this.visitor });
    const { contact, name, email, phone, notes } = { ...known, ...sent };
    await platform().call('edit_contact', { contact, name, email, phone, notes });
    // A text leaves only when what was kept has come back, so that the field never shows the one before.
    await app.loadDetails(this.visitor);
    const unsaved = Object.entries(this.#unsaved).filter(([field, text]) => sent[field as Field] !== text);
    this.#unsaved = Object.fromEntries(unsaved);
    this.#keptAt = Date.now();
  }
}
