// The whole road: a visitor on a shop's page, the desk inside the app, the app on a desktop.
import assert from 'node:assert/strict';
import { tryItHere, vicComes } from '../support/here.mjs';
import { journey } from '../support/journey.mjs';
import { until } from '../support/programs.mjs';
import { words } from '../support/words.mjs';

const ui = words('ui');
const native = words('native');
const widget = words('widget');

/** The name in a toast about a new chat. */
const newcomer = (toast) => toast.summary.slice(native['toast-new-chat']({ name: '' }).length);

journey('OD-33, OD-23, TV-01, TV-02, OD-42, DC-03: a visitor writes, the app rings, the agent answers', async (stage) => {
  const { desktop, app, shop, browser } = await tryItHere(stage);
  const vic = await vicComes(stage, { browser, shop });

  await desktop.workOnSomethingElse();
  const window = await app.window();
  assert.equal(await desktop.isUrgent(window), false, 'nothing has happened yet');

  const question = 'Is the Moss teapot <b>still</b> there?';
  await vic.composer().fill(question);
  const before = Date.now();
  await vic.composer().press('Enter');
  const toast = await desktop.recorded('toast');
  assert.ok(toast.at - before <= 1000, `the toast came after ${toast.at - before} ms`);
  assert.equal(toast.body, 'Is the Moss teapot &lt;b&gt;still&lt;/b&gt; there?', 'markup arrives as text');
  assert.ok(toast.summary.startsWith(native['toast-new-chat']({ name: '' })), toast.summary);
  assert.deepEqual(
    toast.actions.filter(({ id }) => id !== 'default').map(({ label }) => label),
    [native['action-open'], native['action-assign']],
  );
  await until('the flashing of the window', () => desktop.isUrgent(window), { limit: 1000 });
  await desktop.recorded('badge', ({ count, visible }) => visible && count === 1);

  const name = newcomer(toast);
  const box = `section[aria-label="${ui.boxes}"] section`;
  const opened = await app.textOf(box, (text) => text.includes(question));
  assert.ok(opened.includes(name), 'the new chat opened at the bottom by itself');
  desktop.press(toast, 'default');
  const composer = `main.chat textarea[aria-label="${ui['reply-to']({ name })}"]`;
  await app.find(composer);
  await until('the end of the flashing', async () => !(await desktop.isUrgent(window)));
  await vic.type('Or is it gone');
  await app.text(ui['is-typing']({ name }));

  await app.type(composer, 'One is left.');
  await vic.frame.getByText(widget.typing({ name: 'Ann' })).waitFor();
  await app.type(composer, app.keys.ENTER);
  await vic.reads('One is left.');
  await app.text(ui['delivery-seen']);

  assert.deepEqual(vic.complaints, []);
  assert.deepEqual(await app.complaints(), []);
});

journey('DK-02, DK-03, DK-04, DK-05, DK-08, DK-09, DK-14, DK-25: the visitor list follows who is on the site', async (stage) => {
  const { app, shop, browser } = await tryItHere(stage);
  await app.press(ui.visitors);
  await app.text(ui['empty-visitors']);
  const vic = stage.keep(await browser.visitor('Vic'));
  await vic.goTo(shop.address);
  const row = 'main tbody tr';
  await app.find(row);
  const cells = () => app.texts(`${row} td`);
  const first = await cells();
  assert.equal(first[0], ui.browsing);
  assert.equal(first[2], ui['region-local']);
  assert.deepEqual(first.slice(4, 6), ['1', '0'], 'visits and chats');
  await vic.goTo(`${shop.address}/product.html`);
  await until('the second page in the list', async () => (await cells())[3].includes('/product.html'));
  await vic.openChat();
  await vic.write('Hello?');
  await until('the speech bubble', async () => (await cells())[0] === ui.chatting);
  assert.deepEqual((await cells()).slice(4, 6), ['1', '1'], 'visits and chats');

  await app.click(`${row} td:nth-child(2) button`);
  const facts = await app.textOf(`aside[aria-label="${ui.details}"]`, (text) => text.includes(ui['visited-pages']));
  assert.match(facts, /Chrome \d+/);
  assert.match(facts, /Linux · desktop/);
  assert.match(facts, /1100×800/);
  assert.match(facts, /127\.0\.0\.1/);
  assert.deepEqual(vic.complaints, []);
});

journey('TV-03, TV-14, OD-08, OD-12, OD-14: assigned from the toast, closed, and opened again by the visitor', async (stage) => {
  const { desktop, app, shop, browser } = await tryItHere(stage);
  const vic = await vicComes(stage, { browser, shop });
  await desktop.workOnSomethingElse();
  await vic.write('Do you ship to Spain?');
  const toast = await desktop.recorded('toast');
  desktop.press(toast, 'assign-to-me');
  // Where there is little room, a short word stands beside what a screen reader says.
  await app.textOf('main.chat .assignee', (text) => text.startsWith(ui['assigned-to-me']));
  await app.press(ui.done);
  await app.text(ui['empty-open']);
  await vic.frame.getByText(widget.closed).waitFor();
  await app.press(ui['folder-closed']);
  await app.click(`ul[aria-label="${ui.conversations}"] button`);
  await app.text('Do you ship to Spain?');
  await app.button(ui.reopen);

  await desktop.workOnSomethingElse();
  const from = desktop.record.length;
  await vic.write('And to Portugal?');
  await desktop.recorded('toast', ({ body }) => body === 'And to Portugal?', { from });
  await app.press(ui['folder-open']);
  await app.text('And to Portugal?');
  await app.button(ui.done);
  assert.deepEqual(vic.complaints, []);
});

journey('TV-01, OD-42: a toast goes when its chat is read, and the next message rings again', async (stage) => {
  const { desktop, app, shop, browser } = await tryItHere(stage);
  const vic = await vicComes(stage, { browser, shop });
  for (const text of ['Is it dishwasher safe?', 'And the lid?', 'And the handle?']) {
    await desktop.workOnSomethingElse();
    const from = desktop.record.length;
    await vic.write(text);
    await desktop.recorded('toast', ({ body }) => body === text, { from });
    // Nobody touches the toast: the chat is read and answered in the app.
    await desktop.focus(await app.window());
    await app.click(`ul[aria-label="${ui.conversations}"] button`);
    await app.type('main.chat .composer textarea', `Yes, about “${text}”`, app.keys.ENTER);
    await vic.reads(`Yes, about “${text}”`);
  }
  assert.deepEqual(vic.complaints, []);
});

journey('TV-01: a notification service that hangs holds up neither the screen nor the flashing of the window', async (stage) => {
  const { desktop, app, shop, browser } = await tryItHere(stage);
  const vic = await vicComes(stage, { browser, shop });
  await desktop.workOnSomethingElse();
  const window = await app.window();
  desktop.hang();
  for (const text of ['Is it dishwasher safe?', 'And the lid?', 'And the handle?']) {
    await vic.write(text);
    await app.text(text);
  }
  await until('the flashing of the window', () => desktop.isUrgent(window));
  desktop.goOn();
  await desktop.recorded('toast', ({ body }) => body === 'And the handle?');
  assert.deepEqual(await app.complaints(), []);
});

journey('DC-03: the closed window stays in the tray, rings, and comes back', async (stage) => {
  const { desktop, app, shop, browser } = await tryItHere(stage);
  const vic = await vicComes(stage, { browser, shop });
  await desktop.recorded('tray');
  await desktop.close(await app.window());
  assert.ok(app.pid(), 'the app still runs');
  await vic.write('Anybody there?');
  await desktop.recorded('toast', ({ body }) => body === 'Anybody there?');
  const entry = (label) => desktop.trayMenu().then((entries) => entries.find((found) => found.label === label));
  await until('the next waiting chat in the tray', async () => (await entry(native['tray-next-waiting']))?.enabled);
  desktop.chooseFromTray(native['tray-next-waiting']);
  await app.window();
  await app.text('Anybody there?');
  desktop.chooseFromTray(native['tray-quit']);
  await until('the end of the app', () => !app.pid());
});
