// What journeys begin with: the app with a desk inside it, or a server of its own; the shop, and a browser for its visitors.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from './app.mjs';
import { Desktop } from './desktop.mjs';
import { freePort, json, until } from './programs.mjs';
import { Server, Shop } from './server.mjs';
import { Browser } from './visitor.mjs';

/**
 * Starts everything.
 * @param {{ directory: string, keep: (thing: { stop(): Promise<void> }) => any }} stage ends it all.
 */
export async function tryItHere(stage, { data = join(stage.directory, 'data'), port } = {}) {
  const desktop = stage.keep(await Desktop.start(join(stage.directory, 'home')));
  const listen = `127.0.0.1:${port ?? (await freePort())}`;
  const args = ['--try-here', `--allow-origin=http://${listen}`];
  const app = stage.keep(await App.start(desktop, { data, args }));
  const announced = () => json(readFileSync(join(data, 'local-desk.json'), 'utf8'));
  const desk = await until('the start of the desk inside the app', announced, { limit: 30_000 });
  const shop = stage.keep(await Shop.open({ desk: desk.address, site: desk.site, listen }));
  const browser = stage.keep(await Browser.start());
  return { desktop, app, shop, browser };
}

/** Vic, in the shop with the messenger open. */
export async function vicComes(stage, { browser, shop }) {
  const vic = stage.keep(await browser.visitor('Vic'));
  await vic.goTo(shop.address);
  await vic.openChat();
  return vic;
}

/** A server of its own, and Vic, who writes to it from the shop. */
export async function vicWrites(stage, ...texts) {
  const server = stage.keep(await Server.start(stage.directory));
  const shop = stage.keep(await server.openShop());
  const browser = stage.keep(await Browser.start());
  const vic = await vicComes(stage, { browser, shop });
  for (const text of texts) await vic.write(text);
  return { server, browser, vic };
}
