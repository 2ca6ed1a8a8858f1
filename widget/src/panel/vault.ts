// What the panel keeps in its own frame's storage: the visitor's secret, what is being written, the messages that wait,
// and for a week those that the desk has. The page around the frame cannot read it.
import { browserStore, type Store } from '../shared/safe-storage';
import { type OutboxItem, SENT_KEPT_MS, type SentItem } from './sync';

/** What another tab did to the storage. */
export type Elsewhere =
  | { type: 'token'; token: string | null }
  | { type: 'item_stored'; item: OutboxItem }
  | { type: 'item_dropped'; client_id: string };

/** What is being written, by the names of its parts. */
export type Drafts = Pick<Store, 'get' | 'set'>;

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}

/** How all begins that is kept of persons whom a shop vouches for. */
function persons(site: string): string {
  return `deskbell.${site}.as.`;
}

function storeFor(keep: boolean): Store {
  return browserStore(keep ? 'localStorage' : 'sessionStorage');
}

function asItem(value: unknown): OutboxItem | null {
  const item = value as Partial<OutboxItem> | null;
  const whole =
    typeof item?.client_id === 'string' &&
    /^[0-9a-f]{32}$/.test(item.client_id) &&
    typeof item.text === 'string' &&
    typeof item.client_time === 'number' &&
    Array.isArray(item.attachments);
  return whole ? { ...(item as OutboxItem), failed: item.failed ?? null } : null;
}

function asSent(value: unknown): SentItem | null {
  const sent = value as Partial<SentItem> | null;
  const item = asItem(sent?.item ?? null);
  const whole = item && typeof sent?.epoch === 'string' && typeof sent.done_at === 'number';
  return whole ? { ...(sent as SentItem), item } : null;
}

/**
 * One site's part of the storage: that of a person whom the shop vouches for, or that of whoever uses the browser. Every
 * message has a key of its own, so that two tabs never overwrite each other.
 */
export class Vault {
  private readonly prefix: string;
  private keep: boolean;
  private store: Store;
  /** It lives as long as the tab, whatever else may be kept. */
  readonly drafts: Drafts;

  /**
   * @param keep whether the conversation may outlive the tab
   * @param person the shop's name for them; empty: nobody says who it is
   */
  constructor(
    private readonly site: string,
    keep: boolean,
    person = '',
  ) {
    // A dot ends the name, and `encodeURIComponent` leaves those within it.
    const own = encodeURIComponent(person).replaceAll('.', '%2E');
    this.prefix = own ? `${persons(site)}${own}.` : `deskbell.${site}.`;
    // What was kept before may have been kept by another decision.
    this.keep = !keep;
    this.store = storeFor(!keep);
    this.move(keep);
    const tab = browserStore('sessionStorage');
    this.drafts = { get: (part) => tab.get(this.prefix + part), set: (part, text) => tab.set(this.prefix + part, text) };
  }

  /** A name for this part of the storage, in all tabs. */
  get name(): string {
    return this.prefix;
  }

  /** Forgets all that is kept of other persons whom the shop vouched for. */
  forgetOthers(): void {
    this.sweep((key) => this.isAbsent(key));
  }

  /**
   * Forgets words that are older than a week: those that the desk has, and of persons who are not here also those that it
   * never got. `now` is in milliseconds since the Unix epoch.
   */
  forgetOld(now: number): void {
    this.sweep((key, text) => {
      const value = parse(text);
      const at = asSent(value)?.done_at ?? (this.isAbsent(key) ? asItem(value)?.client_time : undefined);
      return at !== undefined && Math.abs(now - at) > SENT_KEPT_MS;
    });
  }

  /** Whether it belongs to a person whom the shop vouched for, and who is not here. */
  private isAbsent(key: string): boolean {
    const all = persons(this.site);
    return key.startsWith(all) && !(this.prefix.startsWith(all) && key.startsWith(this.prefix));
  }

  private sweep(isOver: (key: string, text: string | null) => boolean): void {
    for (const store of [storeFor(true), storeFor(false)]) {
      for (const key of store.keys()) {
        if (key.startsWith(`deskbell.${this.site}.`) && isOver(key, store.get(key))) store.set(key, null);
      }
    }
  }

  /** Takes what was being written before somebody said who they are: whoever comes after them must not find it. */
  takeOver({ drafts }: Vault): void {
    for (const part of ['draft', 'answers', 'files']) {
      const begun = drafts.get(part);
      // Files belong to the secret under which they came.
      if (begun === null || (part === 'files' && this.token !== null)) continue;
      const own = part === 'draft' && this.drafts.get(part);
      this.drafts.set(part, own ? `${own}\n${begun}` : begun);
      drafts.set(part, null);
    }
  }

  /** Whether other tabs see the same storage. */
  get shared(): boolean {
    return this.keep;
  }

  get token(): string | null {
    return this.store.get(`${this.prefix}token`);
  }

  set token(token: string | null) {
    this.store.set(`${this.prefix}token`, token);
  }

  get items(): OutboxItem[] {
    return this.all('out', asItem).sort((a, b) => a.client_time - b.client_time);
  }

  get sent(): SentItem[] {
    return this.all('sent', asSent).sort((a, b) => a.item.client_time - b.item.client_time);
  }

  private all<T>(kind: string, read: (value: unknown) => T | null): T[] {
    return this.store
      .keys()
      .filter((key) => key.startsWith(`${this.prefix}${kind}.`))
      .map((key) => read(parse(this.store.get(key))))
      .filter((value) => value !== null);
  }

  put(item: OutboxItem): void {
    this.store.set(`${this.prefix}out.${item.client_id}`, JSON.stringify(item));
  }

  drop(client_id: string): void {
    this.store.set(`${this.prefix}out.${client_id}`, null);
  }

  putSent(sent: SentItem): void {
    this.store.set(`${this.prefix}sent.${sent.item.client_id}`, JSON.stringify(sent));
  }

  dropSent(client_id: string): void {
    this.store.set(`${this.prefix}sent.${client_id}`, null);
  }

  /** Moves everything to where it may be kept from now on. A secret that is there already stays. */
  move(keep: boolean): void {
    if (keep === this.keep) return;
    const { token, items, sent } = this;
    for (const { client_id } of items) this.drop(client_id);
    for (const { item } of sent) this.dropSent(item.client_id);
    this.token = null;
    this.keep = keep;
    this.store = storeFor(keep);
    this.token ??= token;
    for (const item of items) this.put(item);
    for (const kept of sent) this.putSent(kept);
  }

  /** Reads a `storage` event. */
  elsewhere(event: StorageEvent): Elsewhere | null {
    if (!this.keep || !event.key?.startsWith(this.prefix)) return null;
    const name = event.key.slice(this.prefix.length);
    if (name === 'token') return { type: 'token', token: event.newValue };
    if (!name.startsWith('out.')) return null;
    if (event.newValue === null) return { type: 'item_dropped', client_id: name.slice('out.'.length) };
    const item = asItem(parse(event.newValue));
    return item && { type: 'item_stored', item };
  }
}
