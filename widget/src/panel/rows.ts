// What stands in the log, from top to bottom.
import type { ArticleCard, Attachment, ErrorCode, Message } from '../protocol.generated';
import { sameDay } from './format';
import type { State } from './sync';

/** Messages of one author within this time stand together, in milliseconds. */
const GROUP_MS = 5 * 60_000;

/** Where one's own message stands. */
export type Delivery = 'sent' | 'sending' | 'waiting' | 'failed';

/** One line of the log. */
export type Row =
  | { type: 'day'; key: string; at: number }
  | { type: 'joined'; key: string; name: string }
  | { type: 'closed'; key: string }
  | Bubble;

/** A message of either side. */
export interface Bubble {
  type: 'bubble';
  /** The same before and after the server has taken the message, so that the row stays where it is. */
  key: string;
  own: boolean;
  /** Empty: the team as a whole. */
  author: string;
  text: string;
  attachments: readonly Attachment[];
  article: ArticleCard | null;
  at: number;
  /** Its text was changed. */
  edited: boolean;
  /** Nothing is left of it but its place. */
  deleted: boolean;
  /** Only of one's own. */
  delivery: Delivery | null;
  /** Why it was refused. */
  failed: ErrorCode | null;
  /** The author's name stands above. */
  first: boolean;
  /** The time stands below. */
  last: boolean;
}

const ASSIGNED = 'assigned:';

function systemRow(message: Message, newest: boolean): Row | null {
  const key = `system-${message.id}`;
  if (message.text.startsWith(ASSIGNED)) return { type: 'joined', key, name: message.text.slice(ASSIGNED.length) };
  // That it is closed is worth saying only as long as it is.
  if (message.text === 'closed' && newest) return { type: 'closed', key };
  return null;
}

/** The rows of a state. */
export function rows(state: State): Row[] {
  const found: Row[] = [];
  let day: number | null = null;
  const add = (row: Row, at: number) => {
    if (day === null || !sameDay(day, at)) {
      // Of a clock that is wrong a day may come twice.
      found.push({ type: 'day', key: `day-${row.key}`, at });
      day = at;
    }
    const above = found.at(-1);
    if (row.type === 'bubble' && above?.type === 'bubble') {
      const together = above.own === row.own && above.author === row.author && row.at - above.at < GROUP_MS;
      if (together) {
        row.first = false;
        above.last = false;
      }
    }
    found.push(row);
  };

  const bubble = (message: Message): Bubble => ({
    type: 'bubble',
    key: message.client_id ?? `message-${message.id}`,
    own: message.author.who === 'visitor',
    author: message.author.who === 'agent' ? message.author.name : '',
    text: message.text,
    attachments: message.attachments,
    article: message.article ?? null,
    at: message.created_at,
    edited: message.edited_at !== undefined && message.deleted_at === undefined,
    deleted: message.deleted_at !== undefined,
    delivery: message.author.who === 'visitor' ? 'sent' : null,
    failed: null,
    first: true,
    last: true,
  });

  const newest = state.messages.at(-1);
  for (const message of state.messages) {
    const row = message.kind === 'system' ? systemRow(message, message === newest) : bubble(message);
    if (row) add(row, message.created_at);
  }
  // What waits was written by somebody who was known; nobody knows who looks at it now.
  for (const item of state.unproven ? [] : state.outbox) {
    const sending = state.phase === 'live' ? 'sending' : 'waiting';
    const delivery = item.failed !== null ? 'failed' : state.done.has(item.client_id) ? 'sent' : sending;
    add(
      {
        type: 'bubble',
        key: item.client_id,
        own: true,
        author: '',
        text: item.text,
        attachments: item.attachments,
        article: null,
        at: item.client_time,
        edited: false,
        deleted: false,
        delivery,
        failed: item.failed,
        first: true,
        last: true,
      },
      item.client_time,
    );
  }
  return found;
}
