// Files of the message that is being written. They go to the desk in pieces, from wherever it has them, as often as it
// takes. What is known of them outlives the page with the text; their bytes do not, and stay the visitor's own.
import { pause, randomName } from '../shared/random';
import type { Attachment, ClientId } from '../protocol.generated';
import { FILE_BYTES_MAX, FileError, cancel, find, upload } from './files';
import type { Session } from './session.svelte';
import { ATTACHMENTS_MAX, isPermanent } from './sync';
import type { Drafts } from './vault';

const SECRET_WAIT_MS = 10_000;
const LOOK_MS = 100;
/** Refusals in a row that may pass, after which the visitor is asked; so are they where the desk wants to be left alone longer. */
const TRIES_MAX = 4;
const WAIT_MAX_MS = 120_000;
/** Files that go up at once. The desk receives few more of one visitor. */
const AT_ONCE = 3;

/** A file on its way up. */
export interface Upload {
  /** Its permanent name at the desk. */
  readonly client_id: ClientId;
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** When it was changed last, so that it is known when it is chosen again. */
  readonly modified: number;
  /** Empty when the page was loaded anew since. */
  file: File | null;
  /** `lost`: it has to be chosen again. `failed`: see `code`. */
  state: 'uploading' | 'waiting' | 'ready' | 'lost' | 'failed';
  /** Bytes that the desk has. */
  offset: number;
  attachment: Attachment | null;
  /** Why it failed, or waits. */
  code: FileError['code'] | null;
  ending: AbortController;
}

type Kept = Pick<Upload, 'client_id' | 'name' | 'size' | 'modified' | 'attachment'>;

function isKept(value: unknown): value is Kept {
  const kept = value as Partial<Kept> | null;
  return (
    typeof kept?.client_id === 'string' &&
    /^[0-9a-f]{32}$/.test(kept.client_id) &&
    typeof kept.name === 'string' &&
    typeof kept.size === 'number' &&
    typeof kept.modified === 'number' &&
    (kept.attachment === null || typeof kept.attachment?.id === 'number')
  );
}

function read(text: string | null): Kept[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value) ? value.filter(isKept).slice(0, ATTACHMENTS_MAX) : [];
  } catch {
    return [];
  }
}

/** Whether another try may help without anything that the visitor could do. */
export function mayPass(code: FileError['code']): boolean {
  return code === 'offline' || (code !== 'unreadable' && code !== 'empty' && !isPermanent(code));
}

/** Waits so long, or until the browser says that there is a network again, or `back` that the desk is. */
function rest(ms: number, signal: AbortSignal, back: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(late);
      clearInterval(looking);
      removeEventListener('online', over);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const late = setTimeout(over, ms);
    const looking = setInterval(() => back() && over(), LOOK_MS);
    addEventListener('online', over);
    signal.addEventListener('abort', over);
  });
}

/** The files of one draft. */
export class Uploads {
  list = $state<Upload[]>([]);
  /** The secret under which they come. */
  private token: string | null;
  private going = 0;
  private readonly next: (() => void)[] = [];

  constructor(
    private readonly session: Session,
    private readonly drafts: Drafts,
  ) {
    // Without the secret they are somebody else's.
    this.token = session.state.token;
    const known = this.token !== null;
    this.list = read(drafts.get('files')).map((kept) => {
      const attachment = known ? kept.attachment : null;
      return { ...kept, file: null, state: attachment ? 'ready' : 'lost', offset: 0, attachment, code: null, ending: new AbortController() };
    });
    for (const item of this.list) if (item.state === 'lost' && known) void this.lookFor(item);
  }

  /** Takes files, of which those that were lost go on. `false`: some were too many. */
  attach(files: readonly File[]): boolean {
    let room = true;
    for (const file of files) {
      const again = ({ state, name, size, modified }: Upload) =>
        (state === 'lost' || state === 'failed') && name === file.name && size === file.size && modified === file.lastModified;
      let item = this.list.find(again);
      if (!item && this.list.length >= ATTACHMENTS_MAX) {
        room = false;
        continue;
      }
      if (!item) {
        const { name, size, lastModified: modified } = file;
        const begun = { file, state: 'uploading', offset: 0, attachment: null, code: null, ending: new AbortController() } as const;
        this.list.push({ client_id: randomName(), name, size, modified, ...begun });
        item = this.list.at(-1);
      }
      if (!item) continue;
      item.file = file;
      void this.bring(item);
    }
    this.keep();
    return room;
  }

  /** Tries a file once more that failed. */
  retry(item: Upload): void {
    void this.bring(item);
  }

  /** Takes a file off the draft. */
  remove(item: Upload): void {
    item.ending.abort();
    this.list = this.list.filter(({ client_id }) => client_id !== item.client_id);
    this.keep();
    const { token } = this.session.state;
    if (token !== null && item.state !== 'failed') void cancel(item.client_id, token);
  }

  /** The visitor has this secret from now on. Under another one than before the desk has none of the files. */
  follow(token: string | null): void {
    const before = this.token;
    if (token === null || token === before) return;
    this.token = token;
    if (before === null) return;
    this.end();
    for (const item of this.list) {
      item.state = 'lost';
      item.offset = 0;
      item.attachment = null;
      item.ending = new AbortController();
      if (item.file) void this.bring(item);
    }
    this.keep();
  }

  /** The message has taken along those that are ready. */
  sent(): void {
    this.list = this.list.filter(({ state }) => state !== 'ready');
    this.keep();
  }

  /** Forgets all of them. */
  clear(): void {
    this.end();
    this.list = [];
    this.keep();
  }

  /** Stops, without forgetting anything: the page goes. */
  end(): void {
    for (const { ending } of this.list) ending.abort();
  }

  private keep(): void {
    const kept = this.list
      .filter(({ state }) => state !== 'failed')
      .map(({ client_id, name, size, modified, attachment }): Kept => ({ client_id, name, size, modified, attachment }));
    this.drafts.set('files', kept.length > 0 ? JSON.stringify(kept) : null);
  }

  /** The desk may have the whole of what this page does not know any more. */
  private async lookFor(item: Upload): Promise<void> {
    const { signal } = item.ending;
    try {
      const found = await find(item.client_id, await this.secret(signal), signal);
      if (item.state !== 'lost' || signal.aborted) return;
      item.offset = found?.offset ?? 0;
      if (!found?.attachment) return;
      item.attachment = found.attachment;
      item.state = 'ready';
      this.keep();
    } catch {
      // It is asked again when the file is chosen.
    }
  }

  private async bring(item: Upload): Promise<void> {
    const { file, ending } = item;
    const { signal } = ending;
    if (!file) return;
    // A visitor who comes back after a reload has to be known as the one who brought it.
    this.session.dispatch({ type: 'attached' });
    item.code = null;
    let failures = 0;
    for (;;) {
      item.state = 'uploading';
      try {
        if (file.size > FILE_BYTES_MAX) throw new FileError('too_large');
        if (file.size === 0) throw new FileError('empty');
        const further = (offset: number) => {
          if (offset > item.offset) failures = 0;
          item.offset = offset;
        };
        const attachment = await this.inTurn(async () => {
          signal.throwIfAborted();
          return upload(file, item.client_id, await this.secret(signal), signal, further);
        });
        if (signal.aborted) return;
        item.attachment = attachment;
        item.state = 'ready';
        return this.keep();
      } catch (failure) {
        if (signal.aborted) return;
        const { code, retryAfterMs } = failure instanceof FileError ? failure : new FileError('internal');
        item.code = code;
        if (!mayPass(code) || retryAfterMs > WAIT_MAX_MS || (code !== 'offline' && failures >= TRIES_MAX)) {
          item.state = code === 'unreadable' ? 'lost' : 'failed';
          return this.keep();
        }
        item.state = 'waiting';
        const away = this.session.state.phase !== 'live';
        const back = () => away && this.session.state.phase === 'live';
        await rest(Math.max(retryAfterMs, pause(failures, Math.random())), signal, back);
        if (signal.aborted) return;
        failures += 1;
      }
    }
  }

  /** Does something as soon as few enough others are at it. */
  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.going >= AT_ONCE) await new Promise<void>((resolve) => this.next.push(resolve));
    else this.going += 1;
    try {
      return await work();
    } finally {
      // The place is handed on, if anybody waits for it.
      const next = this.next.shift();
      if (next) next();
      else this.going -= 1;
    }
  }

  /** The visitor's secret. Whoever is quick chooses a file while the first connection is still being made. */
  private async secret(signal: AbortSignal): Promise<string> {
    for (let waited = 0; waited < SECRET_WAIT_MS && !signal.aborted; waited += LOOK_MS) {
      const { token, phase } = this.session.state;
      if (token !== null) return token;
      if (phase === 'refused' || phase === 'offline') break;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    throw new FileError('offline');
  }
}
