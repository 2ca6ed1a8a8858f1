/** Everything a key does, once: the handler, the sheet of shortcuts and the tests read the same list. */
import { words } from '../i18n/index.svelte';
import type { ConversationRef } from '../platform';
import { app } from '../store/app.svelte';
import * as machine from '../features/boxes/machine';

export interface Action {
  id: string;
  label: () => string;
  /** `Mod` is Ctrl, or Cmd on macOS. Letters are matched by what the key types, or by its place on other layouts. */
  keys: string;
  /** Works outside text fields only, and can be switched off. */
  single?: string;
  run: () => void;
}

/** The chat a shortcut is about: the one with the focus, otherwise the one that fills the pane. */
function current(): ConversationRef | null {
  return app.focused ?? (app.view === 'inbox' ? app.maximised : null);
}

function withCurrent(job: (conversation: ConversationRef) => void): () => void {
  return () => {
    const conversation = current();
    if (conversation !== null) job(conversation);
  };
}

/** What is done with a chat of a visitor, and not with one among the team. */
function withCustomer(job: (conversation: ConversationRef) => void): () => void {
  return withCurrent((id) => {
    if (app.heads.get(id)?.internal !== true) job(id);
  });
}

/** Moves the focus to the next region of the window. */
function region(by: number): void {
  const regions = [...document.querySelectorAll<HTMLElement>('[data-region]')].filter((found) => found.offsetParent !== null);
  if (regions.length === 0) return;
  const at = regions.findIndex((found) => found.contains(document.activeElement));
  const next = regions[(at + by + regions.length) % regions.length];
  next?.querySelector<HTMLElement>('button:not([tabindex="-1"]), input, textarea, [tabindex="0"]')?.focus();
}

function cycle(by: number): void {
  const open = app.boxes.filter((box) => box.state !== 'minimised');
  const at = open.findIndex((box) => box.conversation === current());
  const next = open[(at + by + open.length) % Math.max(1, open.length)];
  if (next) app.wantsCaret = next.conversation;
}

export function actions(focusSearch: () => void): Action[] {
  const m = () => words.m;
  return [
    { id: 'search', label: () => m().search(), keys: 'Mod+K', single: '/', run: focusSearch },
    { id: 'next-waiting', label: () => m().keyNextWaiting(), keys: 'Mod+J', run: () => void app.answer(null) },
    { id: 'next', label: () => m().keyNext(), keys: 'Alt+ArrowDown', single: 'j', run: () => app.step(1) },
    { id: 'previous', label: () => m().keyPrevious(), keys: 'Alt+ArrowUp', single: 'k', run: () => app.step(-1) },
    { id: 'assign', label: () => m().assignToMe(), keys: 'Mod+Shift+A', single: 'i', run: withCustomer((id) => app.assignToMe(id)) },
    { id: 'done', label: () => m().done(), keys: 'Mod+Shift+D', single: 'e', run: withCustomer((id) => void app.done(id)) },
    { id: 'snooze', label: () => m().snooze(), keys: 'Alt+M', run: withCustomer((id) => void app.chooseTime(id)) },
    { id: 'follow', label: () => m().keyFollow(), keys: 'Mod+Shift+F', single: 'f', run: withCustomer((id) => void app.follow(id)) },
    {
      id: 'note',
      label: () => m().keyNote(),
      keys: 'Mod+Shift+N',
      single: 'n',
      run: withCustomer((id) => {
        const tab = machine.find(app.boxes, id)?.tab === 'note' ? 'reply' : 'note';
        app.keepBoxes(machine.choose(app.boxes, id, tab));
        app.wantsCaret = id;
      }),
    },
    { id: 'reply', label: () => m().keyReply(), keys: 'Mod+Shift+R', single: 'r', run: withCurrent((id) => (app.wantsCaret = id)) },
    { id: 'toggle', label: () => m().keyToggle(), keys: 'Mod+Shift+X', run: withCurrent((id) => app.toggle(id)) },
    { id: 'minimise', label: () => m().minimise(), keys: 'Mod+Shift+M', run: withCurrent((id) => app.minimise(id)) },
    { id: 'close', label: () => m().closeBox(), keys: 'Mod+W', run: withCurrent((id) => app.close(id)) },
    { id: 'cycle', label: () => m().keyCycle(), keys: 'Ctrl+Tab', run: () => cycle(1) },
    { id: 'cycle-back', label: () => m().keyCycleBack(), keys: 'Ctrl+Shift+Tab', run: () => cycle(-1) },
    ...Array.from({ length: 9 }, (_, at) => ({
      id: `bar-${at + 1}`,
      label: () => m().keyBar({ number: at + 1 }),
      keys: `Mod+${at + 1}`,
      run: () => {
        const bar = app.minimised[at];
        if (bar) app.takeUp(bar.conversation);
      },
    })),
    { id: 'open', label: () => m().folderOpen(), keys: 'Alt+1', run: () => app.showFolder('open') },
    { id: 'waiting', label: () => m().folderWaiting(), keys: 'Alt+2', run: () => app.showFolder('waiting') },
    { id: 'mine', label: () => m().folderMine(), keys: 'Alt+3', run: () => app.showFolder('mine') },
    { id: 'closed', label: () => m().folderClosed(), keys: 'Alt+4', run: () => app.showFolder('closed') },
    { id: 'snoozed', label: () => m().folderSnoozed(), keys: 'Alt+6', run: () => app.showFolder('snoozed') },
    { id: 'team', label: () => m().folderTeam(), keys: 'Alt+7', run: () => app.showFolder('team') },
    { id: 'letter', label: () => m().newInternal(), keys: 'Mod+Shift+G', single: 'g', run: () => app.writeToColleagues() },
    { id: 'visitors', label: () => m().visitors(), keys: 'Alt+5', run: () => app.showVisitors() },
    { id: 'details', label: () => m().details(), keys: 'Mod+Shift+I', run: () => app.toggleDetails() },
    { id: 'region', label: () => m().keyRegion(), keys: 'F6', run: () => region(1) },
    { id: 'region-back', label: () => m().keyRegionBack(), keys: 'Shift+F6', run: () => region(-1) },
    { id: 'settings', label: () => m().settings(), keys: 'Mod+,', run: () => (app.dialog = 'settings') },
    { id: 'shortcuts', label: () => m().shortcuts(), keys: 'Mod+/', single: '?', run: () => (app.dialog = 'shortcuts') },
  ];
}
