import { beforeEach, expect, test, vi } from 'vitest';
import { usePlatform, type Commands, type Platform, type VisitorDetails } from '../../platform';
import { app } from '../../store/app.svelte';
import { Edits, emailFits } from './edits.svelte';

const VIC = 'v1.7';

/** A disk with one visitor on it, that answers when it is told to. */
class Disk {
  details = { visitor: VIC, contact: 'p1.70', name: 'Vic', email: '', phone: '', notes: '' } as Partial<VisitorDetails> as VisitorDetails;
  kept: Commands['edit_contact'][0][] = [];
  /** Questions that wait for an answer. */
  waiting: { name: keyof Commands; answer: () => void }[] = [];

  platform: Platform = {
    call: (name, request) =>
      new Promise<never>((resolve) => {
        const answer = () => {
          if (name === 'edit_contact') {
            const edit = request as Commands['edit_contact'][0];
            this.kept.push(edit);
            this.details = { ...this.details, ...edit };
          }
          resolve({ ...this.details } as never);
        };
        this.waiting.push({ name, answer });
      }),
    subscribe: () => () => {},
    pictureUrl: () => '',
  };

  /** Waits for a question and answers it. */
  async answer(name: keyof Commands): Promise<void> {
    await vi.waitUntil(() => this.waiting.some((question) => question.name === name), { interval: 1 });
    const at = this.waiting.findIndex((question) => question.name === name);
    this.waiting.splice(at, 1)[0]?.answer();
  }

  /** Answers everything until the job is done. */
  async answerAll(job: Promise<void>): Promise<void> {
    let done = false;
    void job.then(() => (done = true));
    await vi.waitUntil(() => {
      for (const { answer } of this.waiting.splice(0)) answer();
      return done;
    }, { interval: 1 });
  }
}

let disk: Disk;

beforeEach(async () => {
  disk = new Disk();
  usePlatform(disk.platform);
  app.forget(1);
  app.watchDetails(VIC);
  await disk.answer('visitor_details');
  await vi.waitUntil(() => app.details.has(VIC));
});

test('DK-06: of two quick edits in one field the second stays, and only then it says saved', async () => {
  const edits = new Edits(VIC);
  edits.edit('name', 'Vic V');
  const first = edits.save();
  await disk.answer('visitor_details');
  edits.edit('name', 'Vic Vega');
  await disk.answerAll(first);
  expect(disk.kept.map(({ name }) => name)).toEqual(['Vic V']);
  expect(edits.text('name')).toBe('Vic Vega');
  expect(edits.savedAt, 'what is on screen is not kept').toBeNull();

  await disk.answerAll(edits.save());
  expect(disk.kept.at(-1)?.name).toBe('Vic Vega');
  expect(edits.text('name')).toBe('Vic Vega');
  expect(edits.savedAt).not.toBeNull();
});

test('DK-06: a text changed back while another is on its way is what is kept in the end', async () => {
  const edits = new Edits(VIC);
  edits.edit('notes', 'tea');
  const first = edits.save();
  await disk.answer('visitor_details');
  edits.edit('notes', 'tea, green');
  const second = edits.save();
  edits.edit('notes', 'tea');
  await disk.answerAll(first);
  await disk.answerAll(second);
  await disk.answerAll(edits.save());
  expect(disk.kept.at(-1)?.notes).toBe('tea');
  expect(edits.text('notes')).toBe('tea');
  expect(edits.savedAt).not.toBeNull();
});

test('DK-06: an edit after a save takes the word saved away at once', async () => {
  const edits = new Edits(VIC);
  edits.edit('phone', '1');
  await disk.answerAll(edits.save());
  expect(edits.savedAt).not.toBeNull();
  edits.edit('phone', '12');
  expect(edits.savedAt).toBeNull();
});

test('DK-06: a kept text does not give way to the one before, though somebody asks for the details meanwhile', async () => {
  const edits = new Edits(VIC);
  edits.edit('name', 'Vic Vega');
  const save = edits.save();
  await disk.answer('visitor_details');
  await disk.answer('edit_contact');
  await vi.waitUntil(() => disk.waiting.length === 1);
  // A change of something else arrives and its question stays without an answer.
  void app.loadDetails(VIC);
  await disk.answer('visitor_details');
  await save;
  expect(edits.text('name')).toBe('Vic Vega');
  expect(edits.savedAt).not.toBeNull();
});

test('DK-06: only what the desk keeps as an address is sent to it', () => {
  for (const good of ['', ' ', ' vic@home.example ']) expect(emailFits(good), good).toBe(true);
  const long = `${'v'.repeat(320)}@home.example`;
  for (const bad of ['vic', '@home', 'vic@', 'a b@c', 'a@b@c', long]) expect(emailFits(bad), bad).toBe(false);
});

test('DK-06: an address without an @ waits, and holds up nothing else', async () => {
  const edits = new Edits(VIC);
  edits.edit('email', 'vic');
  edits.edit('phone', '555');
  await disk.answerAll(edits.save());
  expect(disk.kept).toMatchObject([{ email: '', phone: '555' }]);
  expect(edits.text('email')).toBe('vic');
  expect(edits.savedAt).toBeNull();
  edits.edit('email', 'vic@example.com');
  await disk.answerAll(edits.save());
  expect(disk.details).toMatchObject({ email: 'vic@example.com', phone: '555' });
  expect(edits.savedAt).not.toBeNull();
});

test('DK-06: what the last pane was about to keep is kept before the next pane reads', async () => {
  const left = new Edits(VIC);
  left.edit('name', 'Vic Vega');
  const first = left.save();
  const next = new Edits(VIC);
  next.edit('phone', '555');
  const second = next.save();
  await disk.answerAll(first);
  await disk.answerAll(second);
  expect(disk.details).toMatchObject({ name: 'Vic Vega', phone: '555' });
});
