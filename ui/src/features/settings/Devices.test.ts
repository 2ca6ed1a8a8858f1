import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { words } from '../../i18n/index.svelte';
import { usePlatform, type Device } from '../../platform';
import Devices from './Devices.svelte';

const device = (id: number, name: string, of: Partial<Device> = {}): Device => ({
  id,
  name,
  system: 'Linux',
  region: { country: 'ES', city: null, local: false },
  signed_in_at: 1,
  last_seen_at: 2,
  online: false,
  current: false,
  ...of,
});

let there: Device[];
let asked: unknown[];
let offline: boolean;

beforeEach(() => {
  there = [device(1, 'Desk', { current: true, online: true }), device(2, 'Laptop', { online: true }), device(3, 'Old laptop')];
  asked = [];
  offline = false;
  usePlatform({
    call: ((name: string, request: { device: number | null }) => {
      if (offline) return Promise.reject(Object.assign(new Error(), { code: 'offline' }));
      if (name === 'devices') return Promise.resolve(there);
      asked.push(request);
      there = there.filter((device) => device.current || (request.device !== null && device.id !== request.device));
      return Promise.resolve({});
    }) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
});

afterEach(cleanup);

async function open() {
  const { container } = render(Devices, { account: 1, desk: 'Tea desk' });
  const details = container.querySelector('details')!;
  details.open = true;
  await fireEvent(details, new Event('toggle'));
}

const names = () => screen.getAllByRole('listitem').map((item) => item.querySelector('bdi')?.textContent);
const signOut = (name: string) => screen.queryByRole('button', { name: words.m.actionOf({ action: words.m.signOut(), text: `${name} · Linux` }) });

test('DK-01: a lost laptop is signed out from the list, and this computer is not offered', async () => {
  await open();
  await waitFor(() => expect(names()).toEqual(['Desk · Linux', 'Laptop · Linux', 'Old laptop · Linux']));
  expect(signOut('Desk')).toBeNull();
  await fireEvent.click(signOut('Laptop')!);
  await waitFor(() => expect(names()).toEqual(['Desk · Linux', 'Old laptop · Linux']));
  expect(asked).toEqual([{ account: 1, device: 2 }]);
});

test('DK-01: all others are signed out at once', async () => {
  await open();
  await fireEvent.click(await screen.findByRole('button', { name: words.m.devicesSignOutOthers() }));
  await waitFor(() => expect(names()).toEqual(['Desk · Linux']));
  expect(asked).toEqual([{ account: 1, device: null }]);
});

test('without a connection the list says that the desk has to be asked', async () => {
  offline = true;
  await open();
  await waitFor(() => expect(screen.getByRole('alert').textContent).not.toBe(''));
});
