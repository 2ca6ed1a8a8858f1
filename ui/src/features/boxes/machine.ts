/**
 * The chat boxes as one state machine: a chat is closed, minimised (a bar in the dock), restored (a small box) or
 * maximised (the thread pane). Nothing here draws; every function takes the boxes as they are and returns new ones.
 */
import type { BoxRecord, BoxState, ConversationRef, MessageKind } from '../../platform';

export type { BoxRecord, BoxState };

/** What the machine must know of a chat to decide. */
export interface Facts {
  /** Assigned to me. */
  mine(conversation: ConversationRef): boolean;
  /** The visitor waits for an answer. */
  waiting(conversation: ConversationRef): boolean;
  /** Unsent text is kept. */
  draft(conversation: ConversationRef): boolean;
  /** The box that has the focus. */
  focused: ConversationRef | null;
}

export type Boxes = readonly BoxRecord[];

/** How many restored boxes fit beside each other at a width in CSS pixels. */
export function capacity(width: number): number {
  if (width < 640) return 0;
  if (width < 1180) return 1;
  if (width < 1440) return 2;
  if (width < 1800) return 3;
  return 4;
}

export function find(boxes: Boxes, conversation: ConversationRef): BoxRecord | undefined {
  return boxes.find((box) => box.conversation === conversation);
}

export function maximised(boxes: Boxes): BoxRecord | undefined {
  return boxes.find((box) => box.state === 'maximised');
}

function latest(boxes: Boxes): number {
  return boxes.reduce((most, box) => Math.max(most, box.last_focus), 0);
}

function set(boxes: Boxes, conversation: ConversationRef, state: BoxState): BoxRecord[] {
  return boxes.map((box) => (box.conversation === conversation ? { ...box, state } : box));
}

function remove(boxes: Boxes, conversation: ConversationRef): BoxRecord[] {
  return boxes.filter((box) => box.conversation !== conversation);
}

/** Adds a box at the dock's end, or finds it; it becomes the one focused last. */
function touch(boxes: Boxes, conversation: ConversationRef, state: BoxState): BoxRecord[] {
  const last_focus = latest(boxes) + 1;
  if (!find(boxes, conversation)) return [...boxes, { conversation, state, last_focus, tab: 'reply' }];
  return boxes.map((box) => (box.conversation === conversation ? { ...box, state, last_focus } : box));
}

/**
 * Fills the thread pane with a chat, which then has the window to itself: small boxes become bars. The one that was
 * maximised before becomes a bar if it is mine or holds unsent text, otherwise its box closes.
 */
export function maximise(boxes: Boxes, conversation: ConversationRef, facts: Facts): BoxRecord[] {
  const before = maximised(boxes);
  let rest: Boxes = boxes.map((box) => (box.state === 'restored' ? { ...box, state: 'minimised' } : box));
  if (before && before.conversation !== conversation) {
    const keep = facts.mine(before.conversation) || facts.draft(before.conversation);
    rest = keep ? set(rest, before.conversation, 'minimised') : remove(rest, before.conversation);
  }
  return touch(rest, conversation, 'maximised');
}

/**
 * Opens a chat as a small box. Beyond the room there is, the box focused longest ago makes way unless it has the
 * focus or unsent text; if all have, the new one becomes a bar. Without any room it opens maximised.
 */
export function restore(boxes: Boxes, conversation: ConversationRef, width: number, facts: Facts): BoxRecord[] {
  const room = capacity(width);
  if (room === 0) return maximise(boxes, conversation, facts);
  const others = boxes.filter((box) => box.state === 'restored' && box.conversation !== conversation);
  if (others.length < room) return touch(boxes, conversation, 'restored');
  const idle = others
    .filter((box) => box.conversation !== facts.focused && !facts.draft(box.conversation))
    .sort((a, b) => a.last_focus - b.last_focus)[0];
  if (!idle) return touch(boxes, conversation, 'minimised');
  return touch(set(boxes, idle.conversation, 'minimised'), conversation, 'restored');
}

/**
 * A new chat rings: it becomes a small box where one is free, otherwise a bar. What is open stays as it is, and the
 * newcomer is the first to make way.
 */
export function ring(boxes: Boxes, conversation: ConversationRef, width: number): BoxRecord[] {
  const there = find(boxes, conversation);
  if (there && there.state !== 'minimised') return [...boxes];
  const free = !maximised(boxes) && boxes.filter((box) => box.state === 'restored').length < capacity(width);
  const state = free ? 'restored' : 'minimised';
  return there ? set(boxes, conversation, state) : [...boxes, { conversation, state, last_focus: 0, tab: 'reply' }];
}

/** Makes a bar of a box. Unsent text stays with its chat. */
export function minimise(boxes: Boxes, conversation: ConversationRef): BoxRecord[] {
  return set(boxes, conversation, 'minimised');
}

/** Maximised becomes a small box, and the other way round. */
export function toggle(boxes: Boxes, conversation: ConversationRef, width: number, facts: Facts): BoxRecord[] {
  const box = find(boxes, conversation);
  return box?.state === 'maximised' && capacity(width) > 0
    ? restore(set(boxes, conversation, 'minimised'), conversation, width, facts)
    : maximise(boxes, conversation, facts);
}

/** Closes a box, not the chat. A chat of mine whose visitor waits becomes a bar instead, so that it is not lost. */
export function close(boxes: Boxes, conversation: ConversationRef, facts: Facts): BoxRecord[] {
  return facts.mine(conversation) && facts.waiting(conversation) ? minimise(boxes, conversation) : remove(boxes, conversation);
}

/** The chat is done: its box goes, whatever it holds. */
export function done(boxes: Boxes, conversation: ConversationRef): BoxRecord[] {
  return remove(boxes, conversation);
}

/** The window became narrower or wider: what has no room any more becomes a bar; nothing opens by itself. */
export function resize(boxes: Boxes, width: number): BoxRecord[] {
  const restored = boxes.filter((box) => box.state === 'restored').sort((a, b) => b.last_focus - a.last_focus);
  const over = new Set(restored.slice(capacity(width)).map((box) => box.conversation));
  return boxes.map((box) => (over.has(box.conversation) ? { ...box, state: 'minimised' } : box));
}

/** A box got the focus. */
export function focus(boxes: Boxes, conversation: ConversationRef): BoxRecord[] {
  const last_focus = latest(boxes) + 1;
  return boxes.map((box) => (box.conversation === conversation ? { ...box, last_focus } : box));
}

/** The composer's tab of a box. */
export function choose(boxes: Boxes, conversation: ConversationRef, tab: MessageKind): BoxRecord[] {
  return boxes.map((box) => (box.conversation === conversation ? { ...box, tab } : box));
}

/** Moves a bar by so many places; negative is towards the start. */
export function move(boxes: Boxes, conversation: ConversationRef, by: number): BoxRecord[] {
  const from = boxes.findIndex((box) => box.conversation === conversation);
  if (from < 0) return [...boxes];
  const rest = boxes.filter((_, index) => index !== from);
  const to = Math.max(0, Math.min(rest.length, from + by));
  return [...rest.slice(0, to), boxes[from] as BoxRecord, ...rest.slice(to)];
}

/** The boxes after a restart: bars, except the maximised one. */
export function revive(boxes: Boxes): BoxRecord[] {
  let one = false;
  return boxes.map((box) => {
    if (box.state === 'maximised' && !one) {
      one = true;
      return box;
    }
    return { ...box, state: 'minimised' };
  });
}

/** An account opened, now or at the start: its boxes stand behind those that are there, and take nobody's place. */
export function join(boxes: Boxes, others: Boxes): BoxRecord[] {
  const revived = revive(others).filter((box) => !find(boxes, box.conversation));
  const taken = maximised(boxes) !== undefined;
  return [...boxes, ...revived.map((box): BoxRecord => (taken ? { ...box, state: 'minimised' } : box))];
}
