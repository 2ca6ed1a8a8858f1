// Runs the effects of `step`: the connection, the storage, the clock, and the election of the tab that sends.
import { randomName } from '../shared/random';
import type { PanelSettings } from '../shared/port';
import type { Attachment, Message } from '../protocol.generated';
import { type Effect, type Event, type Introduction, type OutboxItem, type State, initial, outboxFull, step } from './sync';
import { personOf } from './person';
import { Choice, type Connection, connect } from './transport';
import { type Drafts, Vault } from './vault';

const TICK_MS = 1_000;

/** The panel's connection with the desk. */
export class Session {
  /** Everything known; replaced as a whole. */
  state = $state.raw() as State;
  /** A picture lies over the conversation. */
  covered = $state(false);
  /** Called for each reply that has just arrived. */
  onReply: (message: Message) => void = () => {};
  /** The answers to what is asked before the first message. `undefined`: nothing is. `null`: they are not as they should be, and whoever writes was told. */
  introduce: () => Introduction | null | undefined = () => undefined;

  private readonly vault: Vault;
  private readonly choice = new Choice();
  private connection: Connection | null = null;
  private readonly ending = new AbortController();
  private election = new AbortController();
  private now = 0;
  /** How far the clock was set back, in milliseconds. */
  private setBack = 0;

  constructor(
    site: string,
    settings: PanelSettings,
  ) {
    const { identity } = settings;
    this.vault = new Vault(site, settings.keep, personOf(identity));
    if (identity !== undefined) this.vault.forgetOthers();
    this.vault.forgetOld(Date.now());
    const before = identity ? new Vault(site, settings.keep) : null;
    if (before) this.vault.takeOver(before);
    this.state = initial({
      site,
      language: navigator.language || settings.language,
      spoken: settings.language,
      screen: `${screen.width}×${screen.height}`,
      presence: settings.presence,
      // What was said before somebody signed in may become theirs, which the desk decides.
      token: this.vault.token ?? before?.token ?? null,
      tokenKept: this.vault.token !== null,
      identity: identity ?? null,
      outbox: this.vault.items,
      sent: this.vault.sent,
    });
    const { signal } = this.ending;
    const ticking = setInterval(() => this.dispatch({ type: 'tick' }), TICK_MS);
    signal.addEventListener('abort', () => clearInterval(ticking));
    const wake = () => this.dispatch({ type: 'wake' });
    addEventListener('online', wake, { signal });
    addEventListener('pageshow', (event) => event.persisted && this.start(), { signal });
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && wake(), { signal });
    addEventListener('pagehide', () => this.dispatch({ type: 'stop' }), { signal });
    addEventListener(
      'storage',
      (event) => {
        const elsewhere = this.vault.elsewhere(event);
        if (elsewhere) this.dispatch(elsewhere);
      },
      { signal },
    );
    this.electSender();
    // Someone who has written before gets their answers; nobody else is connected before they open the chat.
    if (this.state.token !== null || this.state.outbox.length > 0) this.start();
  }

  /** What is being written. */
  get drafts(): Drafts {
    return this.vault.drafts;
  }

  /** Connects, unless connected. */
  start(): void {
    this.dispatch({ type: 'start' });
  }

  /**
   * Sends a message, now or when there is a connection. What is asked before it comes from `introduce`; `choice` is the key of
   * the answer that it chooses.
   */
  send(text: string, attachments: Attachment[], choice?: string): 'sent' | 'too_many' | 'unanswered' {
    const form = this.introduce();
    if (form === null) return 'unanswered';
    const waiting = this.state.outbox.at(-1)?.client_time ?? 0;
    const newest = Math.max(waiting, this.state.sent.at(-1)?.item.client_time ?? 0);
    const item: OutboxItem = {
      client_id: randomName(),
      text,
      attachments,
      // Two messages of one millisecond keep their order, and so does one after the clock was set back.
      client_time: Math.max(Date.now(), newest + 1),
      failed: null,
      ...(form && { form }),
      ...(choice !== undefined && { choice }),
    };
    if (outboxFull(this.state, item)) return 'too_many';
    this.dispatch({ type: 'send', item });
    return 'sent';
  }

  /** Sends a message again that was refused, with the answers as they are by now. */
  retry(client_id: string): void {
    const form = this.introduce();
    if (form !== null) this.dispatch({ type: 'retry', client_id, ...(form && { form }) });
  }

  /** Takes over what the page around the frame has decided. */
  configure(settings: PanelSettings): void {
    const sharedBefore = this.vault.shared;
    this.vault.move(settings.keep);
    if (sharedBefore !== settings.keep) this.electSender();
    if (settings.identity !== undefined) this.vault.forgetOthers();
    this.dispatch({ type: 'presence', presence: settings.presence });
    this.dispatch({ type: 'spoken', spoken: settings.language });
    this.dispatch({ type: 'identity', identity: settings.identity ?? null });
  }

  dispatch(event: Event): void {
    // Whose clock was set back would wait for a time that is hours away.
    this.setBack = Math.max(this.setBack, this.now - Date.now());
    this.now = Date.now() + this.setBack;
    const [state, effects] = step(this.state, event, { now: this.now, random: Math.random(), name: randomName() });
    // Most ticks change nothing, and then nothing is drawn anew.
    const keys = Object.keys(state) as (keyof State)[];
    if (keys.some((key) => state[key] !== this.state[key])) this.state = state;
    for (const effect of effects) this.run(effect);
  }

  /** Ends everything; for tests. */
  end(): void {
    this.dispatch({ type: 'stop' });
    this.ending.abort();
    this.election.abort();
  }

  private run(effect: Effect): void {
    switch (effect.type) {
      case 'connect':
        this.connect();
        break;
      case 'disconnect':
        this.disconnect();
        break;
      case 'frame':
        this.connection?.send(effect.frame);
        break;
      case 'keep_token':
        this.vault.token = effect.token;
        break;
      case 'store_item':
        this.vault.put(effect.item);
        break;
      case 'drop_item':
        this.vault.drop(effect.client_id);
        break;
      case 'store_sent':
        this.vault.putSent(effect.sent);
        break;
      case 'drop_sent':
        this.vault.dropSent(effect.client_id);
        break;
      case 'announce':
        this.onReply(effect.message);
        break;
    }
  }

  private connect(): void {
    this.disconnect();
    this.connection = connect(this.choice, () => this.state.token, {
      opened: () => this.dispatch({ type: 'opened' }),
      frame: (frame) => this.dispatch({ type: 'frame', frame }),
      closed: () => this.dispatch({ type: 'closed' }),
    });
  }

  private disconnect(): void {
    const { connection } = this;
    this.connection = null;
    connection?.close();
  }

  /** Of all tabs that share the storage one sends, so that messages keep their order. */
  private electSender(): void {
    // Whoever stands again gives back what was won before, and would wait for itself otherwise.
    this.election.abort();
    this.election = new AbortController();
    const { signal } = this.election;
    // A page without TLS has no locks.
    const { locks } = navigator as { locks?: LockManager | null };
    if (!this.vault.shared || !locks) return this.dispatch({ type: 'sender', sender: true });
    this.dispatch({ type: 'sender', sender: false });
    const held = async () => {
      this.dispatch({ type: 'sender', sender: true });
      await new Promise<void>((done) => signal.addEventListener('abort', () => done()));
    };
    locks.request(`${this.vault.name}sender`, { signal }, held).catch(() => {
      // No lock to be had here, as in a frame without storage: what is sent twice is still stored once.
      if (!signal.aborted) this.dispatch({ type: 'sender', sender: true });
    });
  }
}
