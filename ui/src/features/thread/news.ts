/** Which messages are news to me. */
import type { MessageView } from '../../platform';

/** Somebody wrote to me: the visitor, or among the team everybody else. */
export function isNews(message: MessageView, internal: boolean): boolean {
  return internal ? message.kind === 'note' && !message.mine : message.author.who === 'visitor';
}

/** A colleague named me, wherever that is. */
export function mentionsMe(message: MessageView): boolean {
  return !message.mine && message.text.some((part) => part.part === 'mention' && part.me);
}
