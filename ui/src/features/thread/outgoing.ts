/** What a message of mine that is not sent yet says of itself, and what can be done about it. */
import { words } from '../../i18n/index.svelte';
import type { ConversationRow, FileView, MessageView, RefusedDeed, Thread } from '../../platform';
import { holderText } from '../boxes/assign';

/** No longer than this is ever shown, whatever the clocks say. */
const SECONDS_MAX = 10;
const NAME_MAX = 40;

export type Deed = 'undo' | 'send' | 'retry' | 'edit' | 'discard';

/** Seconds until a message goes by itself; never none while it has not gone. */
export function secondsLeft(message: MessageView, now: number): number {
  const left = Math.ceil(((message.sends_at ?? now) - now) / 1000);
  return Math.max(1, Math.min(SECONDS_MAX, left));
}

/** How much of a message's files the desk has, in whole percent; all of it only when it has all of it. */
export function uploadedPercent(message: MessageView): number {
  const of = (pick: (file: FileView) => number) => message.files.reduce((sum, file) => sum + pick(file), 0);
  const size = of((file) => file.size);
  return size === 0 ? 0 : Math.floor((of((file) => file.uploaded) / size) * 100);
}

/** What can be done, the likeliest first. */
export function deeds(message: MessageView): Deed[] {
  if (message.client_id === null) return [];
  switch (message.delivery) {
    case 'delayed':
      return ['undo'];
    case 'queued':
    case 'uploading':
      return ['edit', 'discard'];
    case 'held':
      return ['send', 'edit', 'discard'];
    case 'refused':
      return ['retry', 'edit', 'discard'];
    default:
      return [];
  }
}

/** The newest message that can be undone, by its name. */
export function undoable(thread: Thread | undefined): string | null {
  return thread?.messages.findLast((message) => message.delivery === 'delayed')?.client_id ?? null;
}

/** The newest number on screen. */
export function newestSeen(thread: Thread | undefined): number {
  return Math.max(0, ...(thread?.messages ?? []).map((message) => message.number));
}

/** The first message that came after a held reply was written. */
export function cameMeanwhile(thread: Thread | undefined): string | undefined {
  const seen = thread?.messages.find((message) => message.delivery === 'held')?.seen ?? null;
  return seen === null ? undefined : thread?.messages.find((message) => message.number > seen)?.key;
}

/** Why the desk refused, and what to do now. */
export function refusalText(message: MessageView): string {
  switch (message.refusal) {
    case 'not_found':
      return words.m.refusedNotFound();
    case 'invalid': {
      const names = message.text.filter((part) => part.part === 'mention').map((part) => part.text.slice(1));
      return names.length > 0 ? words.m.refusedMention({ names: [...new Set(names)].join(', ') }) : words.m.refusedInvalid();
    }
    case 'too_large':
      return words.m.refusedTooLarge();
    case 'unsupported_type':
      return words.m.refusedUnsupported();
    case 'conflict':
      return words.m.refusedConflict();
    default:
      return words.m.refusedOther();
  }
}

/** What was refused, and why. Whoever was too slow to take a chat is told who has it now. */
export function refusedDeedText(refused: RefusedDeed, head?: ConversationRow): string {
  if (refused.deed === 'assign' && refused.refusal === 'conflict' && head) {
    return words.m.refusedAssign({ now: holderText(head) });
  }
  const deeds: Record<RefusedDeed['deed'], () => string> = {
    set_state: words.m.deedSetState,
    snooze: words.m.deedSnooze,
    assign: words.m.deedAssign,
    set_priority: words.m.deedSetPriority,
    change_labels: words.m.deedChangeLabels,
    change_participants: words.m.deedChangeParticipants,
    follow: words.m.deedFollow,
    edit_message: words.m.deedEditMessage,
    delete_message: words.m.deedDeleteMessage,
    other: words.m.deedOther,
  };
  const reasons: Partial<Record<RefusedDeed['refusal'], () => string>> = {
    conflict: words.m.refusedDeedConflict,
    invalid: words.m.refusedDeedInvalid,
    not_found: words.m.refusedDeedNotFound,
  };
  return words.m.refusedDeed({ deed: deeds[refused.deed](), why: (reasons[refused.refusal] ?? words.m.refusedDeedOther)() });
}

/** The beginning of a message, to tell its buttons from another's. */
export function shortened(message: MessageView): string {
  const text = message.text.map((part) => part.text).join('') || (message.article?.title ?? message.attachments[0]?.name ?? message.files[0]?.name ?? '');
  return text.length > NAME_MAX ? `${text.slice(0, NAME_MAX)}…` : text;
}

/** The change after which a message is on screen. Empty while one of mine is on its way: the next one builds on it. */
export function seenOf(message: MessageView): number | null {
  return message.changing ? null : message.rev;
}
