import AlarmClock from '@lucide/svelte/icons/alarm-clock';
import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, expect, test } from 'vitest';
import Menu from './Menu.svelte';

afterEach(cleanup);

const names = () => screen.queryAllByRole('menuitem').map((item) => item.textContent);

function menu() {
  const done: string[] = [];
  const item = (label: string) => ({ label, run: () => void done.push(label) });
  render(Menu, { label: 'Snooze', items: [item('In 1 hour'), item('Tomorrow'), item('Next Monday')], icon: AlarmClock });
  return { done, button: screen.getByRole('button', { name: 'Snooze' }) };
}

test('a menu is walked with the arrows, and a choice closes it and gives the focus back', async () => {
  const { done, button } = menu();
  button.focus();
  await fireEvent.click(button);
  expect(names()).toEqual(['In 1 hour', 'Tomorrow', 'Next Monday']);
  expect(document.activeElement?.textContent).toBe('In 1 hour');
  await fireEvent.keyDown(document.activeElement!, { key: 'ArrowDown' });
  expect(document.activeElement?.textContent).toBe('Tomorrow');
  await fireEvent.keyDown(document.activeElement!, { key: 'End' });
  await fireEvent.keyDown(document.activeElement!, { key: 'ArrowDown' });
  expect(document.activeElement?.textContent).toBe('Next Monday');
  await fireEvent.click(document.activeElement!);
  expect(done).toEqual(['Next Monday']);
  expect(names()).toEqual([]);
  expect(document.activeElement).toBe(button);
});

test('Escape closes a menu, and nothing is chosen', async () => {
  const { done, button } = menu();
  button.focus();
  await fireEvent.click(button);
  await fireEvent.keyDown(document.activeElement!, { key: 'Escape' });
  expect(names()).toEqual([]);
  expect(document.activeElement).toBe(button);
  expect(done).toEqual([]);
});

test('a second press on the button closes the menu', async () => {
  const { button } = menu();
  // As a browser does it: the press takes the focus unless it is told not to.
  const press = async () => {
    if (await fireEvent.mouseDown(button)) button.focus();
    await fireEvent.click(button);
  };
  await press();
  expect(names()).toHaveLength(3);
  await press();
  expect(names()).toEqual([]);
});
