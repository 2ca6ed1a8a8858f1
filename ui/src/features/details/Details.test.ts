import { cleanup, render, screen } from '@testing-library/svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { words } from '../../i18n/index.svelte';
import { usePlatform } from '../../platform';
import { app, DRAWER_BELOW_PX } from '../../store/app.svelte';
import Details from './Details.svelte';

afterEach(cleanup);

test('DK-06: details that are yet to come say so, and can be closed', () => {
  usePlatform({ call: () => new Promise(() => {}), subscribe: () => () => {}, pictureUrl: () => '' });
  const close = vi.fn();
  render(Details, { visitor: 'v1.7', close });
  expect(screen.getByText(words.m.loading())).toBeTruthy();
  screen.getByRole('button', { name: words.m.close() }).click();
  expect(close).toHaveBeenCalledOnce();
});

test('DK-05: the key for details opens a drawer only where it can be seen', () => {
  app.view = 'inbox';
  app.boxes = [{ conversation: 'c1.1', state: 'maximised', last_focus: 1, tab: 'reply' }];
  app.width = DRAWER_BELOW_PX;
  app.toggleDetails();
  expect(app.detailsOpen).toBe(false);
  app.width = DRAWER_BELOW_PX - 1;
  app.toggleDetails();
  expect(app.detailsOpen).toBe(true);
  app.toggleDetails();
  expect(app.detailsOpen).toBe(false);
});

test('DK-05: among the visitors the key for details closes them and opens nothing unseen', () => {
  app.view = 'visitors';
  app.showDetailsOf('v1.7');
  app.toggleDetails();
  expect(app.visitorShown).toBeNull();
  app.toggleDetails();
  app.view = 'inbox';
  expect(app.detailsOpen).toBe(false);
});
