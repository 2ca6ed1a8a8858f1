import { flushSync, mount, tick, unmount } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { texts } from '../src/i18n/texts.svelte';
import App from '../src/panel/App.svelte';
import { PIECE_BYTES } from '../src/panel/files';
import type { Link } from '../src/panel/link';
import { Session } from '../src/panel/session.svelte';
import { OUTBOX_MAX, type OutboxItem } from '../src/panel/sync';
import type { ClientFrame, Message } from '../src/protocol.generated';
import type { PanelSettings, ToPanel } from '../src/shared/port';
import { Desk } from './uploads';

const TOKEN = 'the-visitors-secret';
const settings: PanelSettings = { presence: null, keep: true, language: 'en', full: false };

/** The server's end of the panel's socket. */
class FakeSocket {
  static latest: FakeSocket;
  static made = 0;
  static readonly OPEN = 1;
  readyState = 1;
  sent: ClientFrame[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  constructor() {
    FakeSocket.made += 1;
    FakeSocket.latest = this;
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientFrame);
  }
  close(): void {
    this.readyState = 3;
  }
  says(frame: unknown): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
    flushSync();
  }
}

let panel: ReturnType<typeof mount>;
let session: Session;
let told: unknown[];
let tell: (message: ToPanel) => void;

const link: Link = {
  settings,
  tell: (message) => told.push(message),
  listen: (listener) => (tell = listener),
};

beforeEach(async () => {
  localStorage.clear();
  sessionStorage.clear();
  vi.stubGlobal('WebSocket', FakeSocket);
  await texts.speak('en');
  told = [];
  FakeSocket.made = 0;
  load();
});

/** The page is loaded, as often as somebody wishes. */
function load(): void {
  session = new Session('pk', settings);
  panel = mount(App, { target: document.body, props: { session, link, settings } });
  flushSync();
}
afterEach(async () => {
  session.end();
  await unmount(panel);
  vi.unstubAllGlobals();
});

function open(welcome: object = {}, rows: object[] = []): FakeSocket {
  tell({ type: 'open', focus: false });
  const socket = FakeSocket.latest;
  socket.onopen?.();
  socket.says({
    type: 'welcome',
    session: 's',
    epoch: 'e',
    head: 10,
    server_time: 0,
    heartbeat_ms: 15_000,
    mode: 'snapshot',
    visitor: { token: TOKEN, conversation: null, desk: 'Kiln & Leaf', online: false, unread: 0, ...welcome },
  });
  socket.says({ type: 'snap', generation: 'g', base: 10, rows, next: null });
  socket.says({ type: 'snap_end', generation: 'g', base: 10 });
  return socket;
}
function reply(socket: FakeSocket, data: Partial<Message>): void {
  const message = { id: 1, conversation: 7, number: 1, author: { who: 'agent', id: 1, name: 'Ann' }, kind: 'reply', text: '', attachments: [], client_id: null, created_at: Date.now(), ...data };
  socket.says({
    type: 'delta',
    from: 10,
    to: 12,
    more: false,
    changes: [
      { seq: 11, kind: 'put', entity: 'conversation', id: 7, data: { id: 7, state: 'open', visitor_read: 0 } },
      { seq: 12, kind: 'put', entity: 'message', id: message.id, data: message },
    ],
  });
}
/** Something is typed, and not sent. */
function type(text: string): HTMLTextAreaElement {
  const area = document.querySelector('textarea');
  if (!area) throw new Error('no composer');
  area.value = text;
  area.dispatchEvent(new Event('input', { bubbles: true }));
  flushSync();
  return area;
}
function write(text: string): void {
  type(text).dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
  flushSync();
}

test('WID-06: the page around the panel is told four things and never the secret', () => {
  const socket = open();
  write('hello');
  reply(socket, { text: `a message that says ${'x'.repeat(5)}` });
  document.querySelector<HTMLButtonElement>('[aria-label="Make larger"]')?.click();
  document.querySelector<HTMLButtonElement>('[aria-label="Close chat"]')?.click();
  flushSync();
  const kinds = new Set(told.map((message) => (message as { type: string }).type));
  expect([...kinds].sort()).toEqual(['close', 'conversation', 'resize', 'unread']);
  expect(JSON.stringify(told)).not.toContain(TOKEN);
  expect(JSON.stringify(told)).not.toContain('hello');
  expect(JSON.stringify(told)).not.toContain('Ann');
  expect(localStorage.getItem('deskbell.pk.token')).toBe(TOKEN);
});

test('OD-37: the page hears that there is no conversation only when that is known, for then it makes the visitor somebody else', async () => {
  const exists = () => told.filter((message) => (message as { type: string }).type === 'conversation').map((message) => (message as { exists: boolean }).exists);
  expect(exists(), 'whoever has no secret has no conversation').toEqual([false]);
  reply(open(), { text: 'Hello, Vic' });
  expect(exists().at(-1)).toBe(true);
  localStorage.setItem('deskbell.pk.token', TOKEN);

  // The next page.
  session.end();
  await unmount(panel);
  told = [];
  load();
  expect(exists(), 'the desk was not heard yet').toEqual([]);
  open({ token: null }, [{ seq: 5, kind: 'put', entity: 'conversation', id: 7, data: { id: 7, state: 'open', visitor_read: 0 } }]);
  expect(exists()).toEqual([true]);
  FakeSocket.latest.says({ type: 'bye', code: 'identity', retry_after_ms: 0 });
  expect(exists(), 'a proof that ended takes away no conversation').toEqual([true]);
  session.dispatch({ type: 'forget' });
  flushSync();
  expect(exists()).toEqual([true, false]);
});

test('a panel that was only loaded leaves the badge to the page, which heard that Ann wrote to Vic first', () => {
  const counts = () => told.filter((message) => (message as { type: string }).type === 'unread').map((message) => (message as { count: number }).count);
  expect(counts()).toEqual([]);
  const socket = open();
  tell({ type: 'close' });
  reply(socket, { text: 'Can I help you, Vic?' });
  expect(counts()).toEqual([0, 1]);
  session.dispatch({ type: 'forget' });
  flushSync();
  expect(counts().at(-1), 'what is forgotten waits for nobody').toBe(0);
  reply(open(), { text: 'Can I help you, Vic?' });
  const reload = vi.spyOn(location, 'reload').mockImplementation(() => {});
  identify(identityOf('wen'));
  expect(counts().at(-1), 'nor does it for somebody else').toBe(0);
  reload.mockRestore();
});

test('OD-37: nothing is sent before the visitor opens the chat', () => {
  expect(FakeSocket.made).toBe(0);
  open();
  expect(FakeSocket.made).toBe(1);
  expect(FakeSocket.latest.sent[0]).toMatchObject({ type: 'hello', visitor: { part: 'panel', site: 'pk', token: null } });
});

test('OD-39: a desk that is away says so and still takes a message', () => {
  const socket = open();
  expect(document.querySelector('header')?.textContent).toContain('We are away; leave a message');
  write('Are you there?');
  expect(socket.sent.at(-1)).toMatchObject({ type: 'cmd', op: 'send', args: { text: 'Are you there?' } });
  expect(document.querySelector('[role=log]')?.textContent).toContain('Sending…');
});

test.each([
  '<script>window.hacked = 1</script>',
  '<img src=x onerror="window.hacked = 1">',
  '<svg onload="window.hacked = 1">',
  '<a href="javascript:window.hacked = 1">x</a>',
  '<iframe src="javascript:parent.hacked = 1"></iframe>',
  '{{constructor.constructor("hacked = 1")()}}',
])('XSS-03: %j of an agent stays text, in the message, the name and the name of a file', (vector) => {
  const socket = open();
  reply(socket, {
    text: vector,
    author: { who: 'agent', id: 1, name: vector },
    attachments: [{ id: 3, name: vector, mime: 'text/html', size: 10, picture: null }],
  });
  const log = document.querySelector('[role=log]');
  expect(log?.querySelector('p.text')?.textContent).toBe(vector);
  expect(log?.querySelector('script, iframe, img, svg[onload], a')).toBeNull();
  expect(log?.querySelector('.name')?.textContent).toContain(vector);
  expect('hacked' in window).toBe(false);
});

test('OD-33: every reply is said to a screen reader, also the same words twice and two that come at once', async () => {
  vi.setSystemTime(new Date(2026, 10, 23, 12));
  const region = () => document.querySelector('[aria-live="polite"]')?.textContent ?? '';
  const socket = open();
  const ann = { author: { who: 'agent', id: 1, name: 'Ann' }, text: 'One moment' } as const;
  reply(socket, ann);
  const first = region();
  expect(first).toContain('Ann, 12:00 PM: One moment');
  await tick();
  goesOn(socket, 2, ann);
  expect(region().trim()).toBe(first);
  expect(region(), 'what does not change is not said').not.toBe(first);
  await tick();
  const [one, two] = ['Found it', 'It is on its way'].map((text, more) => {
    const number = 3 + more;
    const data = { id: number, conversation: 7, number, kind: 'reply', attachments: [], client_id: null, created_at: Date.now(), ...ann, text };
    return { seq: 14 + more, kind: 'put', entity: 'message', id: number, data };
  });
  socket.says({ type: 'delta', from: 13, to: 15, more: false, changes: [one, two] });
  expect(region()).toMatch(/Found it.*It is on its way/s);
  expect(region()).not.toContain('One moment');
  vi.useRealTimers();
});

test('OD-40: what the desk says of itself stands in place of what the messenger says', () => {
  const status = () => document.querySelector('.status')?.textContent;
  const socket = open({ texts: { online: '', offline: 'Back at nine' } });
  expect(status()).toContain('Back at nine');
  socket.says({ type: 'eph', kind: 'agents', agents: [], online: true });
  expect(status()).toContain(texts.m.online());
});

test('OD-39: who is away says when they are back, by the clock and in the language of the visitor', async () => {
  const status = () => document.querySelector('.status')?.textContent ?? '';
  // A Monday.
  vi.setSystemTime(new Date(2026, 10, 23, 12));
  const socket = open({ back_at: new Date(2026, 10, 23, 14, 30).getTime() });
  expect(status()).toContain(`${texts.m.away()} · Back: 2:30 PM`);
  const thursday = new Date(2026, 10, 26, 9, 5).getTime();
  const away = { type: 'eph', kind: 'agents', agents: [], online: false };
  socket.says({ ...away, back_at: thursday, texts: { online: '', offline: 'Gone fishing' } });
  expect(status()).toMatch(/Gone fishing · Back: Thursday.*9:05 AM/);
  await texts.speak('ru');
  flushSync();
  expect(status()).toMatch(/Снова на связи: четверг.*09:05/);
  socket.says({ ...away, back_at: new Date(2026, 11, 7, 9, 5).getTime() });
  expect(status()).toMatch(/Снова на связи: 7 декабря.*9:05/);
  await texts.speak('en');
  // A time that has passed, as on a computer that slept, promises nothing.
  socket.says({ ...away, back_at: Date.now() - 1 });
  expect(status()).not.toContain('Back');
  socket.says({ ...away, online: true });
  expect(status()).toContain(texts.m.online());
  vi.useRealTimers();
});

const FORMS = {
  online: [],
  offline: [
    { id: 'name', kind: 'name', required: true, label: '' },
    { id: 'email', kind: 'email', required: false, label: '' },
    { id: 'about', kind: 'choice', required: true, label: 'About', choices: [{ value: 'Tea', label: 'Tea!' }, { value: 'Cups', label: 'Cups!' }] },
  ],
};
const field = (id: string) => document.querySelector<HTMLInputElement | HTMLSelectElement>(`#ask-${id}`);
function answers(id: string, text: string): void {
  const found = field(id);
  if (!found) throw new Error(`${id} is not asked`);
  found.value = text;
  found.dispatchEvent(new Event(found.tagName === 'SELECT' ? 'change' : 'input', { bubbles: true }));
  flushSync();
}
const problems = () => [...document.querySelectorAll('fieldset .problem')].map((problem) => problem.textContent);
const sent = (socket: FakeSocket) => socket.sent.filter((frame) => frame.type === 'cmd');
const press = () => {
  document.querySelector<HTMLButtonElement>('button[type="submit"]')?.click();
  flushSync();
};

test('OD-40: what is asked is asked before the first message, in words, and with the fault at its field', async () => {
  const socket = open({ forms: FORMS });
  const labels = [...document.querySelectorAll('fieldset label')].map((label) => label.textContent);
  expect(labels).toEqual([texts.m.askName(), texts.m.askOptional({ label: texts.m.askEmail() }), 'About']);
  for (const { id } of FORMS.offline) expect(document.querySelector(`label[for="ask-${id}"]`)).not.toBeNull();
  expect(problems()).toEqual([]);
  write('Hello?');
  expect(sent(socket)).toEqual([]);
  expect(problems()).toEqual([texts.m.askMissing(), texts.m.askMissing()]);
  expect(document.activeElement).toBe(field('name'));
  expect(field('name')?.getAttribute('aria-describedby')).toBe('wrong-name');
  expect(document.querySelector('textarea')?.value).toBe('Hello?');
  answers('name', 'Vic');
  answers('email', 'vic');
  answers('about', 'Tea');
  expect(problems()).toEqual([texts.m.askEmailWrong()]);
  answers('email', 'vic@home.example');
  press();
  const [first] = sent(socket);
  const args = { form: 'offline', answers: { name: 'Vic', email: 'vic@home.example', about: 'Tea' }, text: 'Hello?', attachments: [] };
  expect(first).toMatchObject({ op: 'introduce', args });
  // Asked once: the second message comes without.
  expect(document.querySelector('fieldset')).toBeNull();
  write('Anybody?');
  expect(session.state.outbox.map(({ form }) => form?.form)).toEqual(['offline', undefined]);
});

test('OD-40: nothing typed is lost when the page is loaded anew or the desk refuses an answer', async () => {
  let socket = open({ forms: FORMS });
  answers('name', 'Vic');
  session.end();
  await unmount(panel);
  load();
  socket = open({ forms: FORMS });
  expect(field('name')?.value).toBe('Vic');
  answers('about', 'Cups');
  answers('email', 'vic@home');
  write('Hello?');
  const client_id = sent(socket)[0]?.client_id;
  socket.says({ type: 'nack', client_id, code: 'invalid', message: '', field: 'answers.email', retry_after_ms: null, current: null });
  expect(problems()).toEqual([texts.m.askRefused()]);
  expect([field('name')?.value, field('about')?.value]).toEqual(['Vic', 'Cups']);
  answers('email', 'vic@home.example');
  expect(problems()).toEqual([]);
  [...document.querySelectorAll<HTMLButtonElement>('button')].find(({ textContent }) => textContent === texts.m.retry())?.click();
  flushSync();
  expect(sent(socket)[1]).toMatchObject({ client_id, op: 'introduce', args: { answers: { email: 'vic@home.example' }, text: 'Hello?' } });
  const message = {
    id: 1, conversation: 5, number: 2, author: { who: 'visitor' }, kind: 'reply', text: 'Hello?', attachments: [], client_id, created_at: 1,
  };
  socket.says({ type: 'delta', from: 10, to: 12, more: false, changes: [
    { seq: 11, kind: 'put', entity: 'conversation', id: 5, data: { id: 5, state: 'open', visitor_read: 0 } },
    { seq: 12, kind: 'put', entity: 'message', id: 1, client_id, data: message },
  ] });
  expect(session.state.outbox).toEqual([]);
  expect(sessionStorage.getItem('deskbell.pk.answers')).toBeNull();
});

test('OD-40: whoever talks already is asked nothing, and what is asked follows the desk', () => {
  const socket = open({ forms: FORMS });
  expect(document.querySelector('fieldset')).not.toBeNull();
  const desk = { type: 'eph', kind: 'agents', agents: [] };
  socket.says({ ...desk, online: true, forms: FORMS });
  expect(document.querySelector('fieldset')).toBeNull();
  write('Hello?');
  expect(sent(socket)[0]).toMatchObject({ op: 'send', args: { text: 'Hello?' } });
  socket.says({ ...desk, online: false, forms: FORMS });
  expect(document.querySelector('fieldset')).toBeNull();
});

const CHOICES = [
  { key: '1.0', label: 'An order' },
  { key: '1.1', label: '<img src=x onerror="window.hacked = 1">' },
];
const group = () => document.querySelector('[role="group"]');
const buttons = () => [...(group()?.querySelectorAll('button') ?? [])];
const asksWithAnswers = (socket: FakeSocket) => reply(socket, { author: { who: 'desk' }, text: 'What about?', choices: CHOICES });
/** One more message, after `reply`. */
function goesOn(socket: FakeSocket, number: number, data: Partial<Message>): void {
  const message = { id: number, conversation: 7, number, author: { who: 'desk' }, kind: 'reply', text: '', attachments: [], client_id: null, created_at: Date.now(), ...data };
  const change = { seq: 11 + number, kind: 'put', entity: 'message', id: number, data: message, client_id: message.client_id };
  socket.says({ type: 'delta', from: 10 + number, to: 11 + number, more: false, changes: [change] });
}

test('OD-33: a message that the desk refuses is said to a screen reader, and so is the answer for which it does', () => {
  const alerts = () => [...document.querySelectorAll('[role="alert"]')].map(({ textContent }) => textContent);
  const socket = open({ forms: FORMS });
  press();
  expect(alerts(), 'what is only missing is told at its field').toEqual([]);
  for (const [id, given] of Object.entries({ name: 'Vic', email: 'vic@home', about: 'Tea' })) answers(id, given);
  write('Hello?');
  const refusal = { type: 'nack', client_id: sent(socket)[0]?.client_id, code: 'invalid', message: '', retry_after_ms: null, current: null };
  socket.says({ ...refusal, field: 'answers.email' });
  expect(alerts()).toEqual([texts.m.notSent(), texts.m.askRefused()]);
});

test('TV-06: answers of a question are named buttons, a tap sends one with its key, and they are gone at once', () => {
  const socket = open();
  asksWithAnswers(socket);
  expect(group()?.getAttribute('aria-label')).toBe(texts.m.choices());
  expect(buttons().map(({ textContent }) => textContent)).toEqual(CHOICES.map(({ label }) => label));
  expect(group()?.querySelector('img')).toBeNull();
  expect('hacked' in window).toBe(false);
  expect(document.querySelector('[aria-live="polite"]')?.textContent).toContain(`${texts.m.choices()}: An order, <img`);
  buttons()[0]?.focus();
  buttons()[0]?.click();
  flushSync();
  const args = { conversation: null, kind: 'reply', text: 'An order', attachments: [], choice: '1.0' };
  expect(sent(socket).at(-1)).toMatchObject({ op: 'send', args });
  expect(group()).toBeNull();
  expect(document.activeElement?.getAttribute('role')).toBe('log');
  // What the desk asks next is offered once the answer stands there.
  goesOn(socket, 2, { author: { who: 'visitor' }, text: 'An order', client_id: sent(socket).at(-1)?.client_id ?? null });
  expect(group()).toBeNull();
  goesOn(socket, 3, { text: 'Which?', choices: [{ key: '3.0', label: 'The last one' }] });
  expect(buttons().map(({ textContent }) => textContent)).toEqual(['The last one']);
});

test('TV-06: what the desk asks while the messenger is closed is counted on the launcher', () => {
  const socket = open();
  tell({ type: 'close' });
  asksWithAnswers(socket);
  expect(told).toContainEqual({ type: 'unread', count: 1 });
});

test('TV-06: what is typed takes the answers away, and so does another message, but no line about the team', () => {
  const socket = open();
  asksWithAnswers(socket);
  goesOn(socket, 2, { kind: 'system', text: 'assigned:Ann' });
  expect(buttons()).toHaveLength(2);
  write('Something else');
  expect(group()).toBeNull();
  expect(sent(socket).at(-1)).toMatchObject({ op: 'send', args: { text: 'Something else' } });
  expect(JSON.stringify(sent(socket).at(-1))).not.toContain('choice');
  goesOn(socket, 3, { author: { who: 'visitor' }, text: 'Something else', client_id: sent(socket).at(-1)?.client_id ?? null });
  goesOn(socket, 4, { author: { who: 'agent', id: 1, name: 'Ann' }, text: 'Here I am' });
  expect(group()).toBeNull();
});

test('TV-06: an answer that is chosen without a connection waits like any message, and goes with its key', async () => {
  let socket = open();
  asksWithAnswers(socket);
  socket.onclose?.();
  flushSync();
  buttons()[1]?.click();
  flushSync();
  expect(sent(socket)).toEqual([]);
  expect(group()).toBeNull();
  session.end();
  await unmount(panel);
  load();
  socket = FakeSocket.latest;
  socket.onopen?.();
  const visitor = { token: null, conversation: 7, desk: 'Kiln & Leaf', online: false, unread: 0 };
  socket.says({ type: 'welcome', session: 's', epoch: 'e', head: 12, server_time: 0, heartbeat_ms: 15_000, mode: 'snapshot', visitor });
  socket.says({ type: 'snap', generation: 'g', base: 12, rows: [], next: null });
  socket.says({ type: 'snap_end', generation: 'g', base: 12 });
  await expect.poll(() => sent(socket).at(-1)).toMatchObject({ op: 'send', args: { text: CHOICES[1]?.label, choice: '1.1' } });
});

test('TV-06: an answer that finds no room among what waits says so, and can be chosen again', () => {
  const socket = open();
  asksWithAnswers(socket);
  const refused = (client_time: number): OutboxItem => ({ client_id: client_time.toString(16).padStart(32, '0'), text: 'No', attachments: [], client_time, failed: 'invalid' });
  for (let number = 1; number <= OUTBOX_MAX; number += 1) session.dispatch({ type: 'item_stored', item: refused(number) });
  flushSync();
  buttons()[0]?.click();
  flushSync();
  expect(sent(socket)).toEqual([]);
  expect(document.querySelector('#problem')?.textContent).toBe(texts.m.errorOutboxFull());
  expect(buttons()).toHaveLength(2);
});

test('TV-06: a conversation that is closed offers nothing', () => {
  const socket = open();
  asksWithAnswers(socket);
  socket.says({ type: 'delta', from: 12, to: 13, more: false, changes: [
    { seq: 13, kind: 'put', entity: 'conversation', id: 7, data: { id: 7, state: 'closed', visitor_read: 0 } },
  ] });
  expect(group()).toBeNull();
});

test('OD-33: a visitor whose clock is a day behind sees what they write under what was said', () => {
  const socket = open();
  const day = 24 * 60 * 60_000;
  const now = Date.now();
  reply(socket, { text: 'Yesterday', created_at: now - day });
  goesOn(socket, 2, { text: 'Today', created_at: now });
  const clock = vi.spyOn(Date, 'now').mockReturnValue(now - day);
  try {
    write('Behind');
    const said = [...document.querySelectorAll('[role="log"] p.text')].map(({ textContent }) => textContent);
    expect(said).toEqual(['Yesterday', 'Today', 'Behind']);
  } finally {
    clock.mockRestore();
  }
});

test('whoever is seen writing is told so, as long as it is so', () => {
  const socket = open({ peek: true });
  const told = () => document.body.textContent?.includes(texts.m.peekNotice());
  expect(told()).toBe(true);
  socket.says({ type: 'eph', kind: 'agents', agents: [], online: true });
  expect(told()).toBe(false);
});

test('a visitor who may not write is told so and cannot send', () => {
  const socket = open();
  socket.says({ type: 'bye', code: 'blocked', retry_after_ms: 30_000 });
  write('Hello?');
  expect(document.querySelector('[role="alert"]')?.textContent).toContain(texts.m.blocked());
  expect(document.querySelector('form')?.hasAttribute('inert')).toBe(true);
  expect(document.querySelector<HTMLButtonElement>('button[type="submit"]')?.disabled).toBe(true);
  expect(session.state.outbox).toEqual([]);
});

test('OD-33: a visitor is told that there is no connection, also after their clock was set back', () => {
  vi.useFakeTimers();
  try {
    const socket = open();
    vi.setSystemTime(Date.now() - 3 * 60 * 60_000);
    socket.onclose?.();
    flushSync();
    vi.advanceTimersByTime(9_000);
    flushSync();
    expect(document.querySelector('.bar')).toBeNull();
    vi.advanceTimersByTime(1_000);
    flushSync();
    expect(document.querySelector('.bar')?.textContent).toContain(texts.m.offlineBar());
  } finally {
    vi.useRealTimers();
  }
});

test('OD-34: a panel that begins anew has the size that its button tells of', async () => {
  const size = () => told.filter((message) => (message as { type: string }).type === 'resize').at(-1);
  open();
  document.querySelector<HTMLButtonElement>('[aria-label="Make larger"]')?.click();
  flushSync();
  expect(size()).toEqual({ type: 'resize', larger: true });
  await begin(identityOf('wen'));
  expect(document.querySelector('[aria-label="Make larger"]')).not.toBeNull();
  expect(size()).toEqual({ type: 'resize', larger: false });
});

test('OD-34: Escape asks the page to close the chat', () => {
  open();
  window.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true }));
  expect(told).toContainEqual({ type: 'close' });
});

test('OD-33: the keyboard stays in the conversation where what it pressed goes', () => {
  const socket = open();
  write('Hello?');
  write('Anybody?');
  const press = (label: string) => {
    const button = [...document.querySelectorAll<HTMLButtonElement>('[role="log"] button')].find(({ textContent }) => textContent === label);
    button?.focus();
    expect(document.activeElement).toBe(button);
    button?.click();
    flushSync();
    expect(document.activeElement?.getAttribute('role')).toBe('log');
  };
  for (const item of session.state.outbox) socket.says({ type: 'nack', client_id: item.client_id, code: 'invalid', message: '', retry_after_ms: null, current: null });
  press(texts.m.retry());
  press(texts.m.discard());
  reply(socket, { text: 'Hello, Vic', number: 40 });
  press(texts.m.earlier());
});

test('OD-34: Escape closes what lies over the conversation, wherever the keyboard is, and leaves the chat open', () => {
  const escape = () => document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true }));
  reply(open(), { text: 'Hello, Vic' });
  document.querySelector<HTMLButtonElement>(`[aria-label="${texts.m.menu()}"]`)?.click();
  flushSync();
  document.querySelector<HTMLButtonElement>('[role="menuitem"]')?.click();
  flushSync();
  expect(document.querySelector('dialog')?.open).toBe(true);
  // It is nowhere when the button that had it went, as the one that tries again does.
  expect(escape(), 'it is the browser that closes the dialog').toBe(true);
  expect(told).not.toContainEqual({ type: 'close' });
});

test('OD-33: Escape takes back what an input method composes, and leaves the chat open', () => {
  open();
  type('にほ').dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', isComposing: true, bubbles: true, cancelable: true }));
  expect(told).not.toContainEqual({ type: 'close' });
});

test('OD-34: where the panel fills the screen, Tab goes round in it, in both directions', async () => {
  // Nothing is laid out here.
  const laidOut = vi.spyOn(Element.prototype, 'checkVisibility').mockImplementation(function (this: Element) {
    return !this.closest('[hidden]');
  });
  const full = { ...settings, full: true };
  session.end();
  await unmount(panel);
  session = new Session('pk', full);
  panel = mount(App, { target: document.body, props: { session, link, settings: full } });
  const socket = open();
  tell({ type: 'open', focus: true });
  await expect.poll(() => document.activeElement).toBe(document.querySelector('h1'));
  const tab = (shiftKey: boolean) => {
    const event = new KeyboardEvent('keydown', { key: 'Tab', shiftKey, bubbles: true, cancelable: true });
    document.activeElement?.dispatchEvent(event);
    return event.defaultPrevented;
  };
  expect(tab(false), 'the browser goes on from the heading').toBe(false);
  expect(tab(true), 'before the heading there is nothing but the page').toBe(true);
  const last = document.activeElement;
  expect(last).toBe(document.querySelector('textarea'));
  tab(false);
  const first = document.activeElement;
  expect(first?.getAttribute('aria-label')).toBe(texts.m.close());
  expect(tab(false)).toBe(false);
  expect(tab(true)).toBe(true);
  expect(document.activeElement).toBe(last);
  // Who may not write has no composer to go to.
  socket.says({ type: 'bye', code: 'blocked', retry_after_ms: 30_000 });
  document.querySelector('h1')?.focus();
  expect(tab(true)).toBe(true);
  expect(document.activeElement).toBe(document.querySelector('[role=log]'));
  expect(tab(false)).toBe(true);
  expect(document.activeElement).toBe(first);
  laidOut.mockRestore();
});

test('OD-33: what a visitor types while an input method composes is not sent', () => {
  const socket = open();
  const area = document.querySelector('textarea');
  if (!area) throw new Error('no composer');
  area.value = 'にほ';
  area.dispatchEvent(new Event('input', { bubbles: true }));
  flushSync();
  const before = socket.sent.length;
  area.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true }));
  area.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', shiftKey: true, bubbles: true }));
  flushSync();
  expect(socket.sent).toHaveLength(before);
  expect(sessionStorage.getItem('deskbell.pk.draft')).toBe('にほ');
});

/** What is attached to the message that is being written. */
const tray = () => document.querySelector('form ul')?.textContent ?? '';
function chooseFile(bytes: Uint8Array<ArrayBuffer>): void {
  const picker = document.querySelector<HTMLInputElement>('input[type=file]');
  if (!picker) throw new Error('no picker');
  Object.defineProperty(picker, 'files', { configurable: true, value: [new File([bytes], 'plan.pdf', { lastModified: 1 })] });
  picker.dispatchEvent(new Event('change', { bubbles: true }));
}

test('OD-35: a page that is loaded anew in the middle of a file loses no text, and the file goes on', async () => {
  const desk = new Desk();
  desk.cutAfter = PIECE_BYTES;
  vi.stubGlobal('fetch', desk.fetch);
  const bytes = new Uint8Array(2 * PIECE_BYTES).fill(7);
  const choose = () => chooseFile(bytes);
  const socket = open();
  const area = type('Here is the plan');
  choose();
  await vi.waitFor(() => expect(tray()).toContain('plan.pdf is waiting for a connection'));
  area.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
  expect(socket.sent.filter(({ type }) => type === 'cmd'), 'it does not go without its file').toEqual([]);

  session.end();
  await unmount(panel);
  desk.cutAfter = null;
  load();
  const again = open();
  expect(document.querySelector('textarea')?.value).toBe('Here is the plan');
  expect(document.querySelector('[role=alert]')?.textContent).toContain('plan.pdf cannot be read any more. Choose it again');
  choose();
  await vi.waitFor(() => expect(tray()).toContain('plan.pdf is attached'));
  expect(desk.asked.filter((request) => request === 'PATCH 0'), 'it went on where it was').toHaveLength(1);
  document.querySelector('textarea')?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
  flushSync();
  expect(again.sent.at(-1)).toMatchObject({ op: 'send', args: { text: 'Here is the plan', attachments: [1] } });
  expect([tray(), document.querySelector('textarea')?.value]).toEqual(['', '']);
  expect(sessionStorage.getItem('deskbell.pk.files')).toBeNull();
});

test('OD-35: a file that is dropped where none is taken does not open in place of the chat', () => {
  library({ status: 200, body: SAID });
  const drop = (type: string, on: Element | null) => {
    const event = new Event(type, { bubbles: true, cancelable: true });
    Object.defineProperty(event, 'dataTransfer', { value: { types: ['Files'], files: [new File(['x'], 'plan.pdf')] } });
    on?.dispatchEvent(event);
    flushSync();
    return event.defaultPrevented;
  };
  const socket = open();
  reply(socket, { article: CARD });
  readButton()?.click();
  flushSync();
  expect(['dragover', 'drop'].map((type) => drop(type, articleOf()))).toEqual([true, true]);
  articleOf()?.close();
  socket.says({ type: 'bye', code: 'blocked', retry_after_ms: 30_000 });
  expect(['dragover', 'drop'].map((type) => drop(type, document.querySelector('main')))).toEqual([true, true]);
  expect(tray()).toBe('');
});

test('OD-35: the keyboard is back at the text when a file is tried once more', async () => {
  const desk = new Desk();
  desk.refuses = { status: 429, code: 'too_many_attempts', retry_after_ms: 600_000 };
  vi.stubGlobal('fetch', desk.fetch);
  open();
  chooseFile(new Uint8Array(3));
  await vi.waitFor(() => expect(tray()).toContain(texts.m.retry()));
  desk.refuses = null;
  const retry = document.querySelector<HTMLButtonElement>('form ul .text-button');
  retry?.focus();
  retry?.click();
  await vi.waitFor(() => expect(tray()).toContain('plan.pdf is attached'));
  expect(document.activeElement).toBe(document.querySelector('textarea'));
});

test('OD-35: a file that came under a secret which the desk knows no more comes again under the new one', async () => {
  const [first, second] = [new Desk(), new Desk()];
  vi.stubGlobal('fetch', first.fetch);
  open();
  chooseFile(new Uint8Array(3));
  await vi.waitFor(() => expect(tray()).toContain('plan.pdf is attached'));
  FakeSocket.latest.onclose?.();
  vi.stubGlobal('fetch', second.fetch);
  session.dispatch({ type: 'wake' });
  const socket = open({ token: 'another secret' });
  await vi.waitFor(() => expect(second.tokens).toContain('Visitor another secret'));
  await vi.waitFor(() => expect(tray()).toContain('plan.pdf is attached'));
  write('Here is the plan');
  expect(sent(socket).at(-1)).toMatchObject({ op: 'send', args: { attachments: [1] } });
  expect(second.asked).toEqual(['POST', 'PATCH 0']);
});

/** What a shop signs of a customer; nobody here looks at the signature. */
const identityOf = (sub: string, more = '') => {
  const part = (value: object) => btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return `${part({ alg: 'HS256' })}.${part({ sub, more })}.${'x'.repeat(43)}`;
};
/** The page says who is there. */
function identify(identity: string | null): void {
  tell({ type: 'settings', settings: { ...settings, identity } });
  flushSync();
}
/** The panel begins anew, as it does after another person has come. */
async function begin(identity?: string | null): Promise<void> {
  session.end();
  await unmount(panel);
  const again: PanelSettings = { ...settings, ...(identity !== undefined && { identity }) };
  session = new Session('pk', again);
  panel = mount(App, { target: document.body, props: { session, link: { ...link, settings: again }, settings: again } });
  flushSync();
}
const hello = () => FakeSocket.latest.sent.find((frame) => frame.type === 'hello')?.visitor;

test('OD-37: another person, or nobody, begins with an empty panel, and nothing of the earlier one stays in the browser', async () => {
  const reload = vi.spyOn(location, 'reload').mockImplementation(() => {});
  await begin(identityOf('vic'));
  reply(open(), { text: 'Your order, Vic' });
  expect(hello()).toMatchObject({ identity: identityOf('vic'), token: null });
  write('Mine alone');
  expect(JSON.stringify({ ...localStorage })).toContain('Mine alone');
  // Another token of the same person changes nothing on screen; the desk hears it.
  identify(identityOf('vic', 'later'));
  expect(reload).not.toHaveBeenCalled();
  expect(document.body.textContent).toContain('Your order, Vic');
  FakeSocket.latest.onopen?.();
  expect(hello()).toMatchObject({ identity: identityOf('vic', 'later'), token: TOKEN });

  identify(identityOf('wen'));
  expect(reload).toHaveBeenCalledOnce();
  await begin(identityOf('wen'));
  expect(document.body.textContent).not.toContain('Vic');
  expect(document.body.textContent).not.toContain('Mine alone');
  expect(JSON.stringify({ ...localStorage })).not.toContain('Mine alone');
  open({ token: 'another secret' });
  expect(hello()).toMatchObject({ identity: identityOf('wen'), token: null });
  write('From Wen');

  identify(null);
  expect(reload).toHaveBeenCalledTimes(2);
  await begin(null);
  expect(JSON.stringify({ ...localStorage })).not.toContain('From Wen');
  open({ token: 'a third secret' });
  expect(hello()).not.toHaveProperty('identity');
  expect(hello()).toMatchObject({ token: null });
  reload.mockRestore();
});

test('OD-37: what somebody unknown has in the browser is brought along once they say who they are, and stays where it was', async () => {
  open();
  write('Who am I?');
  await begin(identityOf('vic'));
  open({ token: 'the secret of Vic' });
  expect(hello()).toMatchObject({ identity: identityOf('vic'), token: TOKEN });
  expect(document.body.textContent).not.toContain('Who am I?');
  await begin();
  expect(document.body.textContent).toContain('Who am I?');
});

/** What stands in the composer and in the form, and what of it the browser has. */
const begun = () => ({ text: document.querySelector('textarea')?.value, name: field('name')?.value, files: tray() });
const NOTHING_BEGUN = { text: '', name: '', files: '' };
/** Somebody begins to write, attaches a file and answers what is asked. */
async function beginToWrite(text: string): Promise<void> {
  vi.stubGlobal('fetch', new Desk().fetch);
  open({ forms: FORMS });
  answers('name', 'Vic Vega');
  chooseFile(new Uint8Array(3));
  await vi.waitFor(() => expect(tray()).toContain('plan.pdf is attached'));
  type(text);
}

test('OD-37: the next person sees nothing of what the one before them had begun, and cannot send it', async () => {
  const reload = vi.spyOn(location, 'reload').mockImplementation(() => {});
  await begin(identityOf('vic'));
  await beginToWrite('My doctor says');
  identify(identityOf('vic', 'later'));
  expect(begun()).toMatchObject({ text: 'My doctor says', name: 'Vic Vega' });
  identify(identityOf('wen'));
  expect(reload).toHaveBeenCalledOnce();
  await begin(identityOf('wen'));
  const socket = open({ forms: FORMS, token: 'the secret of Wen' });
  expect(begun()).toEqual(NOTHING_BEGUN);
  expect(JSON.stringify({ ...sessionStorage })).not.toMatch(/doctor|Vega|plan/);
  press();
  expect(sent(socket)).toEqual([]);

  // Signed out, it is gone as well.
  type('Wen is not at home');
  await begin(null);
  open({ forms: FORMS });
  expect(begun()).toEqual(NOTHING_BEGUN);
  expect(JSON.stringify({ ...sessionStorage })).not.toContain('Wen');
  reload.mockRestore();
});

test('OD-37: a page that does not say who is there shows nothing of what a person had begun, and gives it to nobody else', async () => {
  await begin(identityOf('vic'));
  await beginToWrite('My doctor says');
  await begin();
  open({ forms: FORMS });
  expect(begun()).toEqual(NOTHING_BEGUN);
  await begin(identityOf('vic'));
  open({ forms: FORMS });
  expect(begun()).toMatchObject({ text: 'My doctor says', name: 'Vic Vega', files: expect.stringContaining('plan.pdf') });
  await begin();
  await begin(identityOf('wen'));
  open({ forms: FORMS });
  expect(begun()).toEqual(NOTHING_BEGUN);
  expect(JSON.stringify({ ...sessionStorage })).not.toMatch(/doctor|Vega|plan/);
});

test('OD-37: what was begun before somebody said who they are goes on, after what they had begun before, and leaves with them', async () => {
  await begin(identityOf('vic'));
  open();
  type('My order is late.');
  await begin();
  await beginToWrite('And the cup is broken.');
  await begin(identityOf('vic'));
  open({ forms: FORMS, token: null });
  expect(begun()).toMatchObject({ text: 'My order is late.\nAnd the cup is broken.', name: 'Vic Vega', files: expect.stringContaining('plan.pdf') });
  await begin(identityOf('wen'));
  open({ forms: FORMS });
  expect(begun()).toEqual(NOTHING_BEGUN);
});

test('OD-37: whoever is vouched for is not offered to forget what the desk shows them again at once', async () => {
  const menu = () => document.querySelector(`[aria-label="${texts.m.menu()}"]`);
  reply(open(), { text: 'Hello, whoever you are' });
  expect(menu()).not.toBeNull();
  await begin(identityOf('vic'));
  reply(open(), { text: 'Your order, Vic' });
  expect(menu()).toBeNull();
});

test('OD-37: files of somebody unknown are not sent by a person who has another secret', async () => {
  await begin(identityOf('vic'));
  open({ token: 'the secret of Vic' });
  write('I am here');
  await begin();
  await beginToWrite('And the cup is broken.');
  await begin(identityOf('vic'));
  open({ token: null });
  expect(begun()).toMatchObject({ text: 'And the cup is broken.', files: '' });
  await begin();
  open({ forms: FORMS, token: null });
  expect(begun()).toEqual({ text: '', name: '', files: expect.stringContaining('plan.pdf') });
});

test('OD-37: whoever has to prove anew who they are sees nothing, is told so, and the shop is asked', async () => {
  await begin(identityOf('vic'));
  const socket = open();
  reply(socket, { text: 'Your order, Vic' });
  write('Mine alone');
  type('My doctor says');
  socket.says({ type: 'bye', code: 'identity', retry_after_ms: 0 });
  expect(document.body.textContent).not.toContain('Your order, Vic');
  expect(document.body.textContent).not.toContain('Mine alone');
  expect(document.querySelector('textarea')?.closest('[hidden]'), 'what was begun is not shown either').not.toBeNull();
  expect(document.querySelector('[role="alert"]')?.textContent).toContain(texts.m.unproven());
  expect(document.querySelector('textarea')?.closest('[inert]')).not.toBeNull();
  expect(told.filter((message) => JSON.stringify(message) === '{"type":"identity"}')).toHaveLength(1);
  const { made } = FakeSocket;
  identify(identityOf('vic'));
  expect(FakeSocket.made, 'the same words prove no more than before').toBe(made);
  identify(identityOf('vic', 'later'));
  expect(FakeSocket.made).toBe(made + 1);
  open({ token: null });
  expect(document.querySelector('[role="alert"]')).toBeNull();
  expect(document.querySelector('[role="log"]')?.textContent).toContain('Mine alone');
  expect(document.querySelector('textarea')?.closest('[hidden], [inert]')).toBeNull();
  expect(begun().text).toBe('My doctor says');
});

test('OD-37: what somebody answered before the first message is not shown to whoever has to prove anew who they are', async () => {
  await begin(identityOf('vic'));
  const socket = open({ forms: FORMS });
  answers('name', 'Vic Vega');
  socket.says({ type: 'bye', code: 'identity', retry_after_ms: 0 });
  expect(field('name')).toBeNull();
  identify(identityOf('vic', 'later'));
  open({ forms: FORMS, token: null });
  expect(field('name')?.value).toBe('Vic Vega');
});

/** What the desk gives whoever reads an article: answers in turn, the last one for ever. */
function library(...answers: { status: number; body: unknown }[]): { asked: string[]; tokens: (string | null)[] } {
  const seen = { asked: [] as string[], tokens: [] as (string | null)[] };
  vi.stubGlobal('fetch', (address: string, init: RequestInit) => {
    seen.asked.push(address);
    seen.tokens.push(new Headers(init.headers).get('Authorization'));
    const { status, body } = answers[Math.min(seen.asked.length, answers.length) - 1] ?? { status: 500, body: {} };
    return Promise.resolve(new Response(JSON.stringify(body), { status }));
  });
  return seen;
}
const CARD = { id: 9, title: 'Devoluciones', summary: 'Dentro de 30 días.', language: 'es' };
const SAID = { id: 9, language: 'es', title: 'Devoluciones y cambios', body: 'Dentro de 30 días.\n\n<b>Gratis</b>: https://shop.example/back', changed_at: 1 };
const readButton = () => document.querySelector<HTMLButtonElement>(`[aria-label="${texts.m.articleReadOf({ title: CARD.title })}"]`);
const articleOf = () => document.querySelector<HTMLDialogElement>('dialog[aria-labelledby="article-title"]');

test('TV-06: an article stands under its message, and is read over the conversation as plain text', async () => {
  const desk = library({ status: 200, body: SAID });
  const socket = open();
  reply(socket, { text: 'This may help', article: CARD });
  const row = document.querySelector('[role="log"] ol')?.textContent;
  expect(row).toContain('Devoluciones');
  expect(row).toContain('Dentro de 30 días.');
  expect(desk.asked, 'nothing is fetched before somebody reads').toEqual([]);
  readButton()?.focus();
  readButton()?.click();
  flushSync();
  expect(articleOf()?.open).toBe(true);
  await expect.poll(() => articleOf()?.textContent).toContain('Gratis');
  expect(desk).toEqual({ asked: ['/v1/articles/9/text'], tokens: [`Visitor ${TOKEN}`] });
  expect(articleOf()?.querySelector('h2')?.textContent).toBe('Devoluciones y cambios');
  const paragraphs = [...(articleOf()?.querySelectorAll('p.paragraph') ?? [])].map(({ textContent }) => textContent);
  expect(paragraphs).toEqual(['Dentro de 30 días.', '<b>Gratis</b>: https://shop.example/back']);
  expect(articleOf()?.querySelector('b')).toBeNull();
  expect(articleOf()?.querySelector('a')?.rel).toContain('noopener');
});

test('TV-06: back and Escape lead to where the visitor was, and the chat stays open', async () => {
  library({ status: 200, body: SAID });
  const socket = open();
  reply(socket, { article: CARD });
  for (const leave of ['button', 'Escape']) {
    readButton()?.focus();
    readButton()?.click();
    flushSync();
    const back = [...(articleOf()?.querySelectorAll('button') ?? [])].find(({ textContent }) => textContent?.includes(texts.m.articleBack()));
    if (leave === 'button') back?.click();
    else {
      back?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true }));
      // As the browser does.
      articleOf()?.close();
    }
    await expect.poll(articleOf).toBeNull();
    await expect.poll(() => document.activeElement).toBe(readButton());
  }
  expect(told).not.toContainEqual({ type: 'close' });
});

test('TV-06: an article that was withdrawn says so, and one that cannot be fetched is asked for again', async () => {
  const gone = { status: 404, body: { code: 'not_found', message: '' } };
  const desk = library({ status: 503, body: { code: 'busy', message: '' } }, gone);
  const socket = open();
  reply(socket, { article: CARD });
  readButton()?.click();
  flushSync();
  await expect.poll(() => articleOf()?.querySelector('[role="status"]')?.textContent).toContain(texts.m.articleFailed());
  [...(articleOf()?.querySelectorAll('button') ?? [])].find(({ textContent }) => textContent === texts.m.retry())?.click();
  flushSync();
  await expect.poll(() => articleOf()?.querySelector('[role="status"]')?.textContent).toContain(texts.m.articleGone());
  expect(desk.asked).toHaveLength(2);
  expect(articleOf()?.querySelector('p.paragraph')).toBeNull();
});

test('OD-33: what arrives while an article is read is said where a screen reader hears it', () => {
  library({ status: 200, body: SAID });
  const socket = open();
  reply(socket, { article: CARD });
  readButton()?.click();
  flushSync();
  const region = () => articleOf()?.querySelector('[aria-live="polite"]')?.textContent;
  goesOn(socket, 2, { author: { who: 'agent', id: 1, name: 'Ann' }, text: 'Does that help?' });
  expect(region(), 'whatever is not in a dialog is silent under it').toContain('Does that help?');
});

/** A picture of Ann's is on screen. */
async function withPicture(): Promise<FakeSocket> {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(new Blob(['moss']))));
  vi.stubGlobal(
    'IntersectionObserver',
    class {
      constructor(private readonly seen: (entries: object[]) => void) {}
      observe() {
        this.seen([{ isIntersecting: true }]);
      }
      disconnect() {}
    },
  );
  const socket = open();
  reply(socket, { attachments: [{ id: 3, name: 'moss.png', mime: 'image/png', size: 10, picture: { width: 40, height: 30 } }] });
  await expect.poll(() => document.querySelector('[role="log"] img')).not.toBeNull();
  return socket;
}

test('a picture that cannot be drawn says so', async () => {
  await withPicture();
  document.querySelector('[role="log"] img')?.dispatchEvent(new Event('error'));
  flushSync();
  expect(document.querySelector('[role="log"]')?.textContent).toContain(texts.m.pictureUnavailable());
});

test('what arrives while a picture covers the conversation stays unread until it is closed', async () => {
  const socket = await withPicture();
  const read = () => socket.sent.filter((frame) => frame.type === 'cmd' && frame.op === 'mark_read').length;
  await expect.poll(read, { timeout: 5_000 }).toBe(1);
  vi.useFakeTimers();
  try {
    document.querySelector<HTMLButtonElement>(`[aria-label="${texts.m.pictureLarge({ name: 'moss.png' })}"]`)?.click();
    flushSync();
    goesOn(socket, 2, { text: 'And this?' });
    vi.advanceTimersByTime(5_000);
    flushSync();
    expect(read()).toBe(1);
    document.querySelector('dialog')?.close();
    flushSync();
    vi.advanceTimersByTime(5_000);
    flushSync();
    expect(read()).toBe(2);
  } finally {
    vi.useRealTimers();
  }
});

test('TV-06: what arrives while an article is read stays unread', () => {
  vi.useFakeTimers();
  try {
    library({ status: 200, body: SAID });
    const socket = open();
    reply(socket, { article: CARD });
    readButton()?.click();
    flushSync();
    vi.advanceTimersByTime(5_000);
    flushSync();
    expect(socket.sent.some((frame) => frame.type === 'cmd' && frame.op === 'mark_read')).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});
