import { describe, expect, test } from 'vitest';
import * as machine from './machine';
import type { ConversationRef } from '../../platform';
import type { Boxes, Facts } from './machine';

const VIC: ConversationRef = 'c1.1';
const WEN: ConversationRef = 'c1.2';
const ZOE: ConversationRef = 'c1.3';
const quiet: Facts = { mine: () => false, waiting: () => false, draft: () => false, focused: null };
const states = (boxes: Boxes) => Object.fromEntries(boxes.map((box) => [box.conversation, box.state]));

describe('chat boxes', () => {
  test('DK-15: every visitor has a box of their own', () => {
    let boxes = machine.restore([], VIC, 1800, quiet);
    boxes = machine.restore(boxes, WEN, 1800, quiet);
    boxes = machine.restore(boxes, VIC, 1800, quiet);
    expect(states(boxes)).toEqual({ [VIC]: 'restored', [WEN]: 'restored' });
  });

  test('DK-16: a minimised box waits in the dock and is resumed where it was', () => {
    let boxes = machine.choose(machine.restore([], VIC, 1280, quiet), VIC, 'note');
    boxes = machine.minimise(boxes, VIC);
    expect(states(boxes)).toEqual({ [VIC]: 'minimised' });
    boxes = machine.restore(boxes, VIC, 1280, quiet);
    expect(machine.find(boxes, VIC)).toMatchObject({ state: 'restored', tab: 'note' });
  });

  test('DK-17: one control turns a box into the whole pane and back', () => {
    let boxes = machine.restore([], VIC, 1280, quiet);
    boxes = machine.toggle(boxes, VIC, 1280, quiet);
    expect(states(boxes)).toEqual({ [VIC]: 'maximised' });
    boxes = machine.toggle(boxes, VIC, 1280, quiet);
    expect(states(boxes)).toEqual({ [VIC]: 'restored' });
  });

  test('DK-17: at most one box is maximised; mine and unsent ones stay in the dock', () => {
    const facts = { ...quiet, mine: (id: ConversationRef) => id === VIC, draft: (id: ConversationRef) => id === WEN };
    let boxes = machine.maximise([], VIC, facts);
    boxes = machine.maximise(boxes, WEN, facts);
    boxes = machine.maximise(boxes, ZOE, facts);
    expect(states(boxes)).toEqual({ [VIC]: 'minimised', [WEN]: 'minimised', [ZOE]: 'maximised' });
    boxes = machine.maximise(boxes, VIC, facts);
    expect(states(boxes)).toEqual({ [VIC]: 'maximised', [WEN]: 'minimised' });
  });

  test('DK-18: a maximised chat has the window to itself', () => {
    let boxes = machine.restore(machine.restore([], VIC, 1800, quiet), WEN, 1800, quiet);
    boxes = machine.maximise(boxes, ZOE, quiet);
    expect(states(boxes)).toEqual({ [VIC]: 'minimised', [WEN]: 'minimised', [ZOE]: 'maximised' });
  });

  test('DK-18: as many small boxes as fit stand side by side', () => {
    expect([500, 640, 1180, 1440, 1800].map(machine.capacity)).toEqual([0, 1, 2, 3, 4]);
    let boxes: Boxes = [];
    for (const id of [VIC, WEN, ZOE]) boxes = machine.restore(boxes, id, 1280, quiet);
    expect(states(boxes)).toEqual({ [VIC]: 'minimised', [WEN]: 'restored', [ZOE]: 'restored' });
  });

  test('DK-18: a box with unsent text or the focus never makes way', () => {
    const facts = { ...quiet, draft: (id: ConversationRef) => id === VIC, focused: WEN };
    let boxes: Boxes = [];
    for (const id of [VIC, WEN, ZOE]) boxes = machine.restore(boxes, id, 1280, facts);
    expect(states(boxes)).toEqual({ [VIC]: 'restored', [WEN]: 'restored', [ZOE]: 'minimised' });
  });

  test('DK-15: a new chat opens where there is room, and never in the way of another', () => {
    let boxes = machine.restore([], VIC, 1280, quiet);
    boxes = machine.ring(boxes, WEN, 1280);
    expect(states(boxes)).toEqual({ [VIC]: 'restored', [WEN]: 'restored' });
    boxes = machine.ring(boxes, ZOE, 1280);
    expect(states(boxes)).toEqual({ [VIC]: 'restored', [WEN]: 'restored', [ZOE]: 'minimised' });
    // The one that nobody asked for makes way first.
    boxes = machine.restore(boxes, ZOE, 1280, quiet);
    expect(states(boxes)).toEqual({ [VIC]: 'restored', [WEN]: 'minimised', [ZOE]: 'restored' });
    expect(states(machine.ring(machine.maximise([], VIC, quiet), WEN, 1800))).toEqual({ [VIC]: 'maximised', [WEN]: 'minimised' });
    expect(states(machine.ring([], VIC, 500))).toEqual({ [VIC]: 'minimised' });
  });

  test('DK-18: without room for boxes a chat opens in the pane', () => {
    expect(states(machine.restore([], VIC, 500, quiet))).toEqual({ [VIC]: 'maximised' });
  });

  test('DK-16: closing a box of mine whose visitor waits keeps it in the dock', () => {
    const facts = { ...quiet, mine: () => true, waiting: (id: ConversationRef) => id === VIC };
    let boxes = machine.restore(machine.restore([], VIC, 1800, facts), WEN, 1800, facts);
    boxes = machine.close(machine.close(boxes, VIC, facts), WEN, facts);
    expect(states(boxes)).toEqual({ [VIC]: 'minimised' });
    expect(machine.done(boxes, VIC)).toEqual([]);
  });

  test('DK-18: a narrower window makes bars of the boxes used longest ago; a wider one opens none', () => {
    let boxes: Boxes = [];
    for (const id of [VIC, WEN, ZOE]) boxes = machine.restore(boxes, id, 1800, quiet);
    boxes = machine.resize(machine.focus(boxes, VIC), 1000);
    expect(states(boxes)).toEqual({ [VIC]: 'restored', [WEN]: 'minimised', [ZOE]: 'minimised' });
    expect(states(machine.resize(boxes, 1800))).toEqual(states(boxes));
  });

  test('DK-16: after a restart boxes are bars, except the maximised one', () => {
    let boxes = machine.restore(machine.restore([], VIC, 1800, quiet), WEN, 1800, quiet);
    boxes = machine.maximise(boxes, ZOE, quiet);
    expect(states(machine.revive(boxes))).toEqual({ [VIC]: 'minimised', [WEN]: 'minimised', [ZOE]: 'maximised' });
  });

  test('DK-16: bars are moved by keyboard and stay within the dock', () => {
    let boxes: Boxes = [];
    for (const id of [VIC, WEN, ZOE]) boxes = machine.restore(boxes, id, 1800, quiet);
    const order = (moved: Boxes) => moved.map((box) => box.conversation);
    expect(order(machine.move(boxes, VIC, 1))).toEqual([WEN, VIC, ZOE]);
    expect(order(machine.move(boxes, VIC, -1))).toEqual([VIC, WEN, ZOE]);
    expect(order(machine.move(boxes, ZOE, 5))).toEqual([VIC, WEN, ZOE]);
  });
});
