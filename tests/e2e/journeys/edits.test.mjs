// What was said is said differently, or taken back: in the app, in a colleague's app, and in the visitor's messenger.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { App } from '../support/app.mjs';
import { Desktop } from '../support/desktop.mjs';
import { vicWrites } from '../support/here.mjs';
import { journey } from '../support/journey.mjs';
import { until } from '../support/programs.mjs';
import { ANN, BEN, Devhost, repliesAtOnce } from '../support/server.mjs';
import { words } from '../support/words.mjs';

const ui = words('ui');
const widget = words('widget');

/** What the button with a message's menu is called. */
const menuOf = (text) => ui['action-of']({ action: ui['message-menu'], text });

/** Ben's app, in a browser. */
async function ben(stage, server, browser) {
  await server.hire(BEN);
  const host = stage.keep(await Devhost.start(stage.directory));
  const { page } = stage.keep(await browser.visitor('Ben', { viewport: { width: 1280, height: 800 } }));
  await page.goto(host.address);
  await page.getByLabel(ui['connect-address']).fill(server.address);
  await page.getByLabel(ui['connect-email']).fill(BEN.email);
  await page.getByLabel(ui['connect-password']).fill(BEN.password);
  await page.keyboard.press('Enter');
  await page.getByRole('list', { name: ui.conversations }).getByRole('button').first().click();
  return page;
}

journey('OD-24: the visitor sees an edit and a deletion, and nobody writes over what they have not seen', async (stage) => {
  const { server, browser, vic } = await vicWrites(stage, 'How many Moss teapots are there?');

  const desktop = stage.keep(await Desktop.start(join(stage.directory, 'home')));
  const data = join(stage.directory, "Ann's app");
  repliesAtOnce(data);
  const app = stage.keep(await App.start(desktop, { data }));
  await app.signIn(server.address, ANN);
  await app.click(`ul[aria-label="${ui.conversations}"] button`);
  const composer = 'main.chat .composer textarea';
  await app.type(composer, 'Three are left.', app.keys.ENTER);
  await vic.reads('Three are left.');

  // Ann has counted again.
  await app.press(menuOf('Three are left.'));
  await app.press(ui['edit-message']);
  const field = `textarea[aria-label="${ui['editing-message']}"]`;
  await app.find(field);
  assert.deepEqual(await app.values(field), ['Three are left.']);
  await app.write(field, 'Four are left.');
  await app.type(field, app.keys.ENTER);
  await vic.reads('Four are left.');
  await vic.reads(widget.edited);
  assert.equal(await vic.count('Three are left.'), 0, 'what it said before is gone');

  // Ben writes, and begins to write it anew; meanwhile Ann, who may, deletes it.
  const page = await ben(stage, server, browser);
  const answer = page.locator('main.chat .composer textarea');
  await answer.fill('I put one aside.');
  await answer.press('Enter');
  await vic.reads('I put one aside.');
  await page.getByRole('button', { name: menuOf('I put one aside.') }).click();
  await page.getByRole('menuitem', { name: ui['edit-message'] }).click();
  const anew = page.getByLabel(ui['editing-message']);
  await anew.fill('I put two aside for you.');
  await app.press(menuOf('I put one aside.'));
  await app.press(ui['delete-message']);
  await app.text(ui['delete-title']);
  await app.press(ui['delete-message']);
  await vic.reads(widget.deleted);
  assert.equal(await vic.count('I put one aside.'), 0);
  await page.locator('main.chat').getByText(ui['message-deleted']).waitFor();

  // His words came too late: he is told why, has them still, and sends them as a new message.
  await anew.press('Enter');
  const why = ui['refused-deed']({ deed: ui['deed-edit-message'], why: ui['refused-deed-conflict'] });
  await page.locator('main.chat').getByText(why).waitFor();
  await page.locator('main.chat').getByText('I put two aside for you.').waitFor();
  assert.equal(await vic.count('I put two aside for you.'), 0);
  await page.getByRole('button', { name: ui['edit-again'] }).click();
  await until('his words in the reply', async () => (await answer.inputValue()) === 'I put two aside for you.');
  await page.locator('main.chat').getByText(why).waitFor({ state: 'detached' });
  await answer.press('Enter');
  await vic.reads('I put two aside for you.');
  await app.text('I put two aside for you.');
  assert.equal(await vic.count(widget.deleted), 1, 'its place stays');
  assert.deepEqual(vic.complaints, []);
  assert.deepEqual(await app.complaints(), []);
});
