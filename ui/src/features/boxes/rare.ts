/** What is rarely done with a chat, as lines of a menu. */
import type { MenuItem } from '../../components/menu';
import { until, words } from '../../i18n/index.svelte';
import type { ConversationRef, ConversationRow } from '../../platform';
import { announcer } from '../../store/announcer.svelte';
import { app } from '../../store/app.svelte';
import { PRIORITIES, priorityText } from './priority';
import { times } from './snooze';

/** For how long a chat is put off. */
export function snoozeItems(conversation: ConversationRef): MenuItem[] {
  const { hour, tomorrow, monday } = times(app.now);
  const at = (label: string, time: number) => ({
    label,
    detail: until(time, app.now),
    run: () => void app.snooze(conversation, time),
  });
  return [
    at(words.m.snoozeHour(), hour),
    at(words.m.snoozeTomorrow(), tomorrow),
    at(words.m.snoozeMonday(), monday),
    { label: words.m.snoozeReply(), run: () => void app.snooze(conversation, null) },
  ];
}

/** How pressing a chat is from now on. */
export function priorityItems(head: Pick<ConversationRow, 'id' | 'priority'>): MenuItem[] {
  return PRIORITIES.filter((priority) => priority !== head.priority).map((priority) => ({
    label: priorityText(priority),
    run: () =>
      void app.run('set_priority', { conversation: head.id, priority }).then((done) => {
        if (done) announcer.say(words.m.priorityIs({ name: priorityText(priority) }));
      }),
  }));
}

/** The same lines with a heading above them. */
export function under(heading: string, items: MenuItem[]): MenuItem[] {
  return items.map((item, at) => (at === 0 ? { ...item, heading } : item));
}
