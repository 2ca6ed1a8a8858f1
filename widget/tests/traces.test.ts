// The recorded traces of `tests/traces`, replayed by the visitor's half. The agent's half replays the same files in
// `crates/client/tests/it/traces.rs`; `crates/testkit/src/traces` says what a step is.
import { describe, expect, test } from 'vitest';
import type { ClientFrame, ClientId, Cursor, ServerFrame } from '../src/protocol.generated';
import { type Event, type State, initial, readFrame, step } from '../src/panel/sync';

interface Shown {
  cursor: Cursor | null;
  /** By number; without a text: it was deleted. */
  messages: [number, string | null][];
  waiting: ClientId[];
  refused: ClientId[];
}

type Step =
  | 'begins'
  | 'opened'
  | 'closed'
  | 'older'
  | 'connects'
  | 'closes'
  | { hears: ServerFrame }
  | { passes: number }
  | { writes: { client_id: ClientId; text: string } }
  | { sends: ClientFrame }
  | { shows: Shown }
  | { only: { who: 'visitor' | 'agent'; because: string; steps: Step[] } };

interface Trace {
  title: string;
  steps: Step[];
}

type Deed = 'connects' | 'closes' | { sends: Record<string, unknown> };

/** What counts of a frame. */
function essence(frame: ClientFrame): Deed {
  switch (frame.type) {
    case 'hello':
      return { sends: { type: 'hello', cursor: frame.cursor } };
    case 'hb':
      return { sends: { type: 'hb' } };
    case 'cmd': {
      const { client_time: _, ...rest } = frame;
      return { sends: rest };
    }
    case 'hist': {
      const { limit: _, ...rest } = frame;
      return { sends: rest };
    }
    default:
      return { sends: { ...frame } };
  }
}

const isBeat = (deed: Deed | undefined) => typeof deed === 'object' && deed.sends.type === 'hb';

/** Vic's panel without a network. */
class Panel {
  private state: State = step(
    initial({ site: 'the-shop', language: 'en', screen: '1920×1080', presence: null, token: null, outbox: [], sent: [] }),
    { type: 'sender', sender: true },
    { now: 1_000_000, random: 0, name: '' },
  )[0];
  private now = 1_000_000;
  private names = 0;
  private deeds: Deed[] = [];

  does(event: Event): void {
    this.names += 1;
    const name = String(this.names).padStart(32, 'f');
    const [state, effects] = step(this.state, event, { now: this.now, random: 0, name });
    this.state = state;
    for (const effect of effects) {
      if (effect.type === 'connect') this.deeds.push('connects');
      if (effect.type === 'disconnect') this.deeds.push('closes');
      if (effect.type === 'frame') this.deeds.push(essence(effect.frame));
    }
  }

  passes(ms: number): void {
    this.now += ms;
    this.does({ type: 'tick' });
  }

  writes(client_id: ClientId, text: string): void {
    this.does({ type: 'send', item: { client_id, text, attachments: [], client_time: this.now, failed: null } });
  }

  get shown(): Shown {
    const { cursor, messages, outbox } = this.state;
    const names = (refused: boolean) =>
      outbox.filter(({ failed }) => (failed !== null) === refused).map(({ client_id }) => client_id);
    return {
      cursor,
      messages: messages.map(({ number, text, deleted_at }) => [number, deleted_at === undefined ? text : null]),
      waiting: names(false),
      refused: names(true),
    };
  }

  /** The next deed, over signs of life that the trace does not name. */
  must(wanted: Deed, place: string): void {
    while (!isBeat(wanted) && isBeat(this.deeds[0])) this.deeds.shift();
    expect(this.deeds.shift(), place).toEqual(wanted);
  }

  hasDoneNoMore(place: string): void {
    this.deeds = this.deeds.filter((deed) => !isBeat(deed));
    expect(this.deeds, `${place}: this was not asked for`).toEqual([]);
  }
}

function replay(panel: Panel, name: string, steps: Step[]): void {
  for (const [index, step] of steps.entries()) {
    const place = `${name}, step ${String(index + 1)}: ${JSON.stringify(step)}`;
    if (step === 'connects' || step === 'closes') {
      panel.must(step, place);
      continue;
    }
    if (typeof step === 'object' && 'sends' in step) {
      panel.must(essence(step.sends), place);
      continue;
    }
    if (typeof step === 'object' && 'only' in step) {
      if (step.only.who === 'visitor') replay(panel, `${name} (${step.only.because})`, step.only.steps);
      continue;
    }
    panel.hasDoneNoMore(place);
    if (step === 'begins') panel.does({ type: 'start' });
    else if (step === 'opened' || step === 'closed' || step === 'older') panel.does({ type: step });
    else if ('hears' in step) {
      const frame = readFrame(JSON.stringify(step.hears));
      if (frame === null) throw new Error(place);
      panel.does({ type: 'frame', frame });
    } else if ('passes' in step) panel.passes(step.passes);
    else if ('writes' in step) panel.writes(step.writes.client_id, step.writes.text);
    else expect(panel.shown, place).toEqual(step.shows);
  }
  panel.hasDoneNoMore(name);
}

describe('the messenger does what every recorded trace asks', () => {
  const traces = Object.entries(import.meta.glob<Trace>('../../tests/traces/*.json', { eager: true, import: 'default' }));
  test('there are traces', () => {
    expect(traces).not.toEqual([]);
  });
  for (const [path, trace] of traces) {
    const file = path.replace(/^.*\//, '');
    test(`${file}: ${trace.title}`, () => {
      replay(new Panel(), file, trace.steps);
    });
  }
});
