// The demo without a display: a short conversation, played by script through the real app, desk and browser.
// Usage: node tests/e2e/demo.mjs <directory for the pictures and the app's data>
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { tryItHere } from './support/here.mjs';
import { until } from './support/programs.mjs';
import { words } from './support/words.mjs';

const ui = words('ui');
const widget = words('widget');
/** Where `cargo xtask demo` puts the shop, so that its visitors are the same ones with and without a display. */
const SHOP_PORT = 4792;

const directory = resolve(process.argv[2] ?? 'target/demo');
mkdirSync(directory, { recursive: true });
// The app's window and the browser begin anew each time; the desk and its chats stay.
rmSync(join(directory, 'home'), { recursive: true, force: true });

const picture = (name) => join(directory, `${name}.png`);
const tell = (who, what) => console.log(`  ${who.padEnd(8)} ${what}`);
const aside = (what) => console.log(`           (${what})`);

const ends = [];
const stage = {
  directory,
  keep(thing) {
    ends.push(thing);
    return thing;
  },
};

try {
  const began = performance.now();
  const { desktop, app, shop, browser } = await tryItHere(stage, { data: join(directory, 'data'), port: SHOP_PORT });
  console.log(`\nThe app is open after ${((performance.now() - began) / 1000).toFixed(1)} s, signed in to the desk inside it.\n`);

  const vic = await browser.visitor('Vic');
  await vic.goTo(shop.address);
  tell('Vic', `opens the shop at ${shop.address}`);
  await app.press(ui.visitors);
  await app.find('main tbody tr');
  await vic.goTo(`${shop.address}/product.html`);
  const cells = await until('the second page in the list of visitors', async () => {
    const texts = await app.texts('main tbody tr td');
    return texts[3]?.includes('/product.html') && texts;
  });
  tell('Vic', `goes on to ${await vic.page.title()}`);
  aside(`the app's list of visitors: ${cells[1]}, ${cells[2]}, views ${cells[3]}, visits ${cells[4]}, chats ${cells[5]}`);
  await app.picture(picture('app-1-visitors'));

  await desktop.workOnSomethingElse();
  await vic.openChat();
  const question = 'Hello! Does the Moss teapot come with a strainer?';
  await vic.composer().fill(question);
  const from = desktop.record.length;
  const asked = Date.now();
  await vic.composer().press('Enter');
  tell('Vic', question);
  const toast = await desktop.recorded('toast', ({ body }) => body === question, { from });
  const window = await app.window();
  await until('the flashing window', () => desktop.isUrgent(window));
  aside(`a notification after ${toast.at - asked} ms: “${toast.summary}”; the app's window flashes`);

  await app.textOf(`section[aria-label="${ui.boxes}"] section`, (text) => text.includes(question));
  aside('a chat box opens at the bottom of the app');
  await app.picture(picture('app-2-box'));

  desktop.press(toast, 'default');
  const composer = 'main.chat .composer textarea';
  await app.text(question);
  const answer = 'Yes, of steel, and it lifts out in one piece.';
  await app.type(composer, answer);
  await vic.frame.locator('.typing').waitFor();
  aside(`Vic's page says: “${(await vic.frame.locator('.typing').innerText()).trim()}”`);
  await app.type(composer, app.keys.ENTER);
  await vic.reads(answer);
  tell('Ann', answer);
  await app.text(ui['delivery-seen']);
  aside(`Vic has read it; the app says “${ui['delivery-seen']}”`);

  const thanks = 'Wonderful, I take one. Thank you!';
  await vic.type(thanks);
  aside(`the app says: “${await app.textOf('main.chat .typing', Boolean)}”`);
  await vic.composer().press('Enter');
  await app.text(thanks);
  tell('Vic', thanks);
  await vic.frame.getByText(widget.sent).waitFor();
  await app.picture(picture('app-3-chat'));
  await desktop.picture(picture('desktop'));
  await vic.picture(picture('shop'));
  const stopped = [...vic.complaints, ...(await app.complaints())];
  if (stopped.length > 0) throw new Error(`the browser or the app complained: ${stopped.join('; ')}`);
} finally {
  for (const thing of ends.reverse()) await thing.stop();
}
