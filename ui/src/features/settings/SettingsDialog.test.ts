import { fireEvent, render, screen } from '@testing-library/svelte';
import { expect, test, vi } from 'vitest';
import { words } from '../../i18n/index.svelte';
import type { Settings } from '../../platform';
import SettingsDialog from './SettingsDialog.svelte';
import { useHost } from './testHost';

const SETTINGS = { language: 'en', theme: 'system', keep_days: 30, keep_megabytes: 500, keep_messages_days: 0, keep_messages_megabytes: 0 } as Settings;

const kept = useHost('save_settings');

const choice = (label: string) => screen.getByLabelText<HTMLSelectElement>(label);
const offered = (label: string) => [...choice(label).options].map((option) => option.textContent);

test.each(['en', 'es', 'ru'] as const)('DC-02: how long and how much of the files stays here is said and chosen (%s)', async (language) => {
  words.use(language);
  render(SettingsDialog, { settings: SETTINGS, close: () => {} });
  expect(screen.getByText(words.m.keepText())).toBeTruthy();
  expect(offered(words.m.settingKeepDays())).toEqual([7, 30, 90, 365].map((days) => words.m.keepDays({ days })));
  expect(choice(words.m.settingKeepDays()).value).toBe('30');
  const sizes = [words.m.keepNone(), ...[100, 500].map((megabytes) => words.m.keepMegabytes({ megabytes })), words.m.keepGigabytes({ gigabytes: 2 })];
  expect(offered(words.m.settingKeepRoom())).toEqual(sizes);
  await fireEvent.change(choice(words.m.settingKeepRoom()), { target: { value: '100' } });
  await vi.waitFor(() => expect(kept).toEqual([{ ...SETTINGS, keep_megabytes: 100 }]));
});

test.each(['en', 'es', 'ru'] as const)('DC-02: how long and how much of the chats stays here is said and chosen (%s)', async (language) => {
  words.use(language);
  render(SettingsDialog, { settings: SETTINGS, close: () => {} });
  expect(screen.getByText(words.m.keepMessagesText())).toBeTruthy();
  const times = [words.m.keepMessagesAlways(), ...[90, 365, 1095].map((days) => words.m.keepDays({ days }))];
  expect(offered(words.m.settingKeepMessages()).map((label) => label?.trim())).toEqual(times);
  const sizes = [
    words.m.keepMessagesUnlimited(),
    words.m.keepMegabytes({ megabytes: 200 }),
    ...[1, 5].map((gigabytes) => words.m.keepGigabytes({ gigabytes })),
  ];
  expect(offered(words.m.settingKeepMessagesRoom()).map((label) => label?.trim())).toEqual(sizes);
  await fireEvent.change(choice(words.m.settingKeepMessages()), { target: { value: '365' } });
  await fireEvent.change(choice(words.m.settingKeepMessagesRoom()), { target: { value: '1000' } });
  await vi.waitFor(() =>
    expect(kept).toEqual([
      { ...SETTINGS, keep_messages_days: 365 },
      { ...SETTINGS, keep_messages_megabytes: 1000 },
    ]),
  );
});

test('what no choice offers is shown all the same, and without room there is no time to choose', () => {
  render(SettingsDialog, { settings: { ...SETTINGS, keep_days: 45, keep_megabytes: 0 }, close: () => {} });
  expect(choice(words.m.settingKeepDays()).selectedOptions[0]?.textContent).toBe(words.m.keepDays({ days: 45 }));
  expect(choice(words.m.settingKeepDays()).disabled).toBe(true);
});

test.each([
  ['en', ['1 day', '2 days', '21 days']],
  ['es', ['1 día', '2 días', '21 días']],
  ['ru', ['1 день', '2 дня', '21 день', '30 дней']],
] as const)('days are counted as people do (%s)', (language, texts) => {
  words.use(language);
  for (const text of texts) expect(words.m.keepDays({ days: Number.parseInt(text, 10) })).toContain(`${text} `);
  words.use('en');
});
