import { words } from '../../i18n/index.svelte';
import type { AssignTo, Assignees, ConversationRow } from '../../platform';

/** One line of the list of those who can be given a chat. */
export interface Choice {
  /** Unlike any other line's. */
  key: string;
  label: string;
  /** Whether they are there, or that it is a team. */
  detail: string;
  to: AssignTo;
  /** What is said when it is done. */
  done: string;
}

/** Everybody who can be given a chat, but for whoever has it. */
export function choices(people: Assignees, head: Pick<ConversationRow, 'assignee' | 'mine' | 'team'>): Choice[] {
  const me: Choice[] = head.mine
    ? []
    : [{ key: 'me', label: words.m.assignToMe(), detail: '', to: { to: 'me' }, done: words.m.assignedToMe() }];
  const agents = people.agents
    .filter(({ agent }) => agent !== head.assignee)
    .map(
      ({ agent, name, online }): Choice => ({
        key: `agent-${agent}`,
        label: name,
        detail: online ? words.m.assignOnline() : words.m.assignOffline(),
        to: { to: 'agent', agent },
        done: words.m.assignedTo({ name }),
      }),
    );
  const teams = people.teams
    .filter(({ team }) => head.assignee !== null || team !== head.team)
    .map(
      ({ team, name }): Choice => ({
        key: `team-${team}`,
        label: name,
        detail: words.m.assignTeam(),
        to: { to: 'team', team },
        done: words.m.systemTeam({ name }),
      }),
    );
  const nobody: Choice[] =
    head.assignee === null && head.team === null
      ? []
      : [{ key: 'nobody', label: words.m.assignNobody(), detail: '', to: { to: 'nobody' }, done: words.m.systemUnassigned() }];
  return [...me, ...agents, ...teams, ...nobody];
}

/** Lower case without the marks of letters. */
function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

/** The lines of which each typed word begins a word. */
export function fitting<Line extends { label: string }>(all: readonly Line[], typed: string): Line[] {
  const wanted = plain(typed).split(/\s+/u).filter(Boolean);
  return all.filter(({ label }) => {
    const there = plain(label).split(/[^\p{L}\p{N}]+/u);
    return wanted.every((word) => there.some((other) => other.startsWith(word)));
  });
}

/** Who has a chat now, for whoever was refused it. */
export function holderText(head: Pick<ConversationRow, 'assignee' | 'assignee_name' | 'mine' | 'team' | 'team_name'>): string {
  if (head.mine) return words.m.assignedToMe();
  if (head.assignee !== null) return words.m.assignedTo({ name: head.assignee_name });
  if (head.team !== null) return words.m.systemTeam({ name: head.team_name });
  return words.m.systemUnassigned();
}
