import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { words } from '../../i18n/index.svelte';
import { usePlatform, type Assignee, type CannedTextView, type ConversationRow, type FileView } from '../../platform';
import { app } from '../../store/app.svelte';
import Composer from './Composer.svelte';

const VIC = 'c1.1';
const HELLO: CannedTextView = { id: 1, shortcut: 'hello', title: 'Hello', text: 'Hello, how can I help you?', owner: { kind: 'desk' }, team: '', missing: [], attachments: [] };
const LEAFLET: FileView = { file: 'f1', name: 'leaflet.pdf', size: 3, uploaded: 0, refusal: null };

const BEN: Assignee = { agent: 2, name: 'Ben', online: true };
const LEA: Assignee = { agent: 3, name: 'Lea Ñuñez', online: false };

/** Searches for prepared texts that were not answered yet. */
let searches: { query: string; answer: (found: CannedTextView[]) => void }[];
let done: { name: string; request: unknown }[];
/** Answers with the files of a prepared text that was inserted. */
let bring: (files: FileView[]) => void;
/** Answers with a file that was copied. */
let copied: ((file: FileView) => void) | null;
/** Holds up the search for colleagues. */
let meeting: Promise<void>;
/** Files that are kept with the unsent text. */
let unsent: FileView[];
/** Holds up an answer that names them. */
let reading: Promise<void>;
/** The disk is slow: says of each message whether it was kept. */
let writes: ((kept: boolean) => void)[] | null;

beforeEach(() => {
  searches = [];
  done = [];
  writes = null;
  unsent = [];
  reading = Promise.resolve();
  copied = null;
  meeting = Promise.resolve();
  usePlatform({
    call: ((name: string, request: { query: string }) => {
      done.push({ name, request });
      if (name === 'mentionable') return meeting.then(() => [BEN, LEA]);
      if (name === 'canned_texts') return new Promise((answer) => searches.push({ query: request.query, answer: answer as never }));
      if (name === 'send_message' && writes) return new Promise((answer, fail) => writes?.push((kept) => (kept ? answer({}) : fail(new Error('full')))));
      if (name === 'add_file') return new Promise((answer) => (copied = answer as never));
      if (name === 'use_canned_text') return new Promise((answer) => (bring = answer as never));
      if (name === 'draft_files') return ((files) => reading.then(() => files))(unsent);
      return Promise.resolve({ conversation: VIC, reply: '', note: '' });
    }) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  app.forget(1);
});

afterEach(cleanup);

/** A chat with Vic, or a group of the team, where all is a note. */
function opens(more: Partial<ConversationRow> = {}) {
  const head: Partial<ConversationRow> = { id: VIC, name: 'Vic', visitor_number: 1, ...more };
  return render(Composer, { head: head as ConversationRow });
}

const field = () => screen.getByRole<HTMLTextAreaElement>('combobox');
const sent = () => done.filter(({ name }) => name === 'send_message').length;

async function types(text: string) {
  field().value = text;
  field().setSelectionRange(text.length, text.length);
  await fireEvent.input(field());
}

test('TV-05: whoever types faster than texts are found gets the text, and sends no number sign', async () => {
  opens();
  await types('#hello');
  expect(screen.queryByRole('listbox'), 'nobody knows yet whether there is one').toBeNull();
  await fireEvent.keyDown(field(), { key: 'Enter' });
  searches[0]?.answer([HELLO]);
  await expect.poll(() => field().value).toBe(HELLO.text);
  expect(sent()).toBe(0);
});

test('TV-05: Enter takes what fits the letters that stand there, not those before', async () => {
  opens();
  await types('#');
  searches[0]?.answer([{ ...HELLO, id: 2, shortcut: 'bye', text: 'Goodbye.' }]);
  await screen.findByRole('option');
  await types('#hel');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  searches[1]?.answer([HELLO]);
  await expect.poll(() => field().value).toBe(HELLO.text);
});

test('TV-05: the files of a prepared text come with it, and go with the message', async () => {
  opens();
  await types('#hello');
  const leaflet = { id: 7, name: 'leaflet.pdf', mime: 'application/pdf', size: 3, picture: null };
  searches[0]?.answer([{ ...HELLO, attachments: [leaflet] }]);
  expect((await screen.findByRole('option')).textContent).toContain('1 file');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(sent(), 'nothing goes before the file is there').toBe(0);
  bring([LEAFLET]);
  await screen.findByText('leaflet.pdf');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  await expect.poll(sent).toBe(1);
  const message = done.find(({ name }) => name === 'send_message')?.request;
  expect(message).toMatchObject({ text: HELLO.text, files: ['f1'] });
});

test('a number sign that begins no prepared text is sent as it is written', async () => {
  opens();
  await types('We are #1');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(sent()).toBe(0);
  searches[0]?.answer([]);
  await expect.poll(sent).toBe(1);
  expect(field().value).toBe('');
});

const mentioned = () => done.filter(({ name }) => name === 'send_message').map(({ request }) => (request as { mentions: number[] }).mentions);

test('OD-27: an at sign offers colleagues in a note, by the keyboard, and whoever is chosen is mentioned', async () => {
  opens({ internal: true });
  await types('Ask @le');
  expect((await screen.findAllByRole('option')).map((option) => option.textContent)).toEqual([`@${LEA.name} ${words.m.assignOffline()}`]);
  expect(screen.getByRole('listbox', { name: words.m.mentionPeople() })).toBeTruthy();
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(field().value).toBe('Ask @Lea Ñuñez ');
  expect(sent(), 'Enter chose, and sent nothing').toBe(0);
  expect(screen.getByRole('status').textContent.trim()).toBe(words.m.mentionTold({ names: LEA.name }));
  // Who is not named any more is not told; Rust decides the same of what is sent.
  await types('Ask nobody');
  expect(screen.getByRole('status').textContent.trim()).toBe('');
  await types('Ask @Lea Ñuñez and @be');
  await screen.findByRole('option');
  await fireEvent.keyDown(field(), { key: 'ArrowDown' });
  await fireEvent.keyDown(field(), { key: 'Tab' });
  expect(screen.getByRole('status').textContent.trim()).toBe(words.m.mentionTold({ names: `${BEN.name}, ${LEA.name}` }));
  await fireEvent.keyDown(field(), { key: 'Enter' });
  await expect.poll(mentioned).toEqual([[LEA.agent, BEN.agent]]);
  // The next note begins anew.
  await expect.poll(() => field().value).toBe('');
  await types('@Ben');
  await screen.findByRole('option');
  await fireEvent.keyDown(field(), { key: 'Escape' });
  await fireEvent.keyDown(field(), { key: 'Enter' });
  await expect.poll(mentioned).toEqual([[LEA.agent, BEN.agent], []]);
});

test('OD-27: in a reply an at sign is text, and its button says where colleagues are mentioned', async () => {
  opens();
  await types('Write to @be');
  expect(done.some(({ name }) => name === 'mentionable')).toBe(false);
  await fireEvent.click(screen.getByRole('button', { name: words.m.mention() }));
  expect(field().value).toBe('Write to @be');
  expect(screen.getByRole('status').textContent).toContain(words.m.mentionInNotes());
  expect(screen.getByRole('button', { name: words.m.mentionWriteNote() })).toBeTruthy();
  await fireEvent.keyDown(field(), { key: 'Enter' });
  await expect.poll(mentioned).toEqual([[]]);
});

test('OD-27: where nobody fits the list says so, and goes when the sentence goes on', async () => {
  opens({ internal: true });
  await types('@zoe');
  expect((await screen.findByRole('option')).textContent).toBe(words.m.mentionNone());
  await types('@zoe is away');
  await expect.poll(() => screen.queryByRole('listbox'), { message: 'the sentence goes on' }).toBeNull();
});

const messages = () => done.filter(({ name }) => name === 'send_message').map(({ request }) => (request as { text: string }).text);

test('OD-23: a reply goes once, however often Enter is pressed while it is written to the disk', async () => {
  writes = [];
  opens();
  await types('Hello');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  await fireEvent.keyDown(field(), { key: 'Enter' });
  await fireEvent.click(screen.getByRole('button', { name: words.m.send() }));
  expect(messages()).toEqual(['Hello']);
  writes[0]?.(true);
  await expect.poll(() => field().value).toBe('');
  await types('Bye');
  await fireEvent.keyDown(field(), { key: 'Enter', repeat: true });
  expect(messages(), 'the key was not let go of').toEqual(['Hello']);
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(messages()).toEqual(['Hello', 'Bye']);
});

test('OD-23: a reply that is written to the disk goes once, though its box changes its shape meanwhile', async () => {
  writes = [];
  opens();
  await types('Hello');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  cleanup();
  opens();
  await expect.poll(() => field().value).toBe('Hello');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(messages()).toEqual(['Hello']);
  writes[0]?.(true);
  await expect.poll(() => field().value).toBe('');
  await types('Bye');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(messages()).toEqual(['Hello', 'Bye']);
});

const leaflet = () => screen.queryByRole('button', { name: words.m.fileRemove({ name: LEAFLET.name }) });

/** A reply with a file is being written to the disk. */
async function sendsLeaflet() {
  writes = [];
  unsent = [LEAFLET];
  opens();
  await expect.poll(leaflet).toBeTruthy();
  await types('Here it is');
  await fireEvent.keyDown(field(), { key: 'Enter' });
}

/** It is written, and the field is empty. */
async function isWritten() {
  unsent = [];
  writes?.[0]?.(true);
  await expect.poll(() => [field().value, leaflet()]).toEqual(['', null]);
}

test('OD-23: the files of a reply go with it, though its box changes its shape while it is written to the disk', async () => {
  await sendsLeaflet();
  cleanup();
  opens();
  await expect.poll(leaflet, { message: 'it is not kept yet' }).toBeTruthy();
  await isWritten();
});

test('OD-23: files that went with a reply do not come back with an answer that is late', async () => {
  await sendsLeaflet();
  cleanup();
  let answers = () => {};
  reading = new Promise((resolve) => (answers = resolve));
  opens();
  reading = Promise.resolve();
  await isWritten();
  answers();
  await new Promise((resolve) => setTimeout(resolve));
  expect(leaflet()).toBeNull();
});

test('OD-23: what is typed while a reply is written stays, and goes without it', async () => {
  writes = [];
  opens();
  await types('Hello');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  await types('Hello, and how are you?');
  writes[0]?.(true);
  await expect.poll(() => field().value).toBe(', and how are you?');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(messages()).toEqual(['Hello', ', and how are you?']);
});

test('OD-23: a reply that could not be written stays whole, and can be sent again', async () => {
  writes = [];
  opens();
  await types('Hello');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  await types('Hello Vic');
  writes[0]?.(false);
  await expect.poll(() => screen.getByRole<HTMLButtonElement>('button', { name: words.m.send() }).disabled).toBe(false);
  expect(field().value).toBe('Hello Vic');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(messages()).toEqual(['Hello', 'Hello Vic']);
});

test('OD-27: Enter right behind a name sends, though nobody knows yet that the sentence went on', async () => {
  opens({ internal: true });
  let meet = () => {};
  meeting = new Promise((resolve) => (meet = resolve));
  await types('@Ben thanks');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(messages()).toEqual([]);
  meet();
  await expect.poll(messages).toEqual(['@Ben thanks']);
});

test('OD-27: Escape spends an Enter that waits to know whom it means', async () => {
  opens({ internal: true });
  let meet = () => {};
  meeting = new Promise((resolve) => (meet = resolve));
  await types('@be');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  await fireEvent.keyDown(field(), { key: 'Escape' });
  meet();
  await meeting;
  await new Promise((resolve) => setTimeout(resolve));
  expect([messages(), field().value]).toEqual([[], '@be']);
});

test('files that are copied while the box changes its shape are there in the new one, and Send waits for them', async () => {
  opens();
  await types('Here it is');
  await fireEvent.drop(field(), { dataTransfer: { files: [new File(['abc'], 'leaflet.pdf')] } });
  await vi.waitFor(() => expect(copied).not.toBeNull());
  cleanup();
  opens();
  const send = screen.getByRole<HTMLButtonElement>('button', { name: words.m.send() });
  expect([field().value, send.disabled]).toEqual(['Here it is', true]);
  copied?.(LEAFLET);
  expect(await screen.findByRole('button', { name: words.m.fileRemove({ name: LEAFLET.name }) })).toBeTruthy();
  expect(send.disabled).toBe(false);
});
