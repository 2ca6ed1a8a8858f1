// The app's page in Chromium, at a real server: by keyboard alone, in every language, in both themes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { journey } from '../support/journey.mjs';
import { root, until } from '../support/programs.mjs';
import { ANN, Devhost, Server } from '../support/server.mjs';
import { Browser } from '../support/visitor.mjs';
import { words } from '../support/words.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const ui = words('ui');
const widget = words('widget');

/** A desk with a shop, the app's page, and a browser for everybody. */
async function open(stage) {
  const server = stage.keep(await Server.start(stage.directory));
  const shop = stage.keep(await server.openShop());
  const host = stage.keep(await Devhost.start(stage.directory));
  const browser = stage.keep(await Browser.start());
  const arrive = async (name, text, at = shop) => {
    const visitor = stage.keep(await browser.visitor(name));
    await visitor.goTo(at.address);
    await visitor.openChat();
    if (text) await visitor.write(text);
    return visitor;
  };
  const agent = stage.keep(await browser.visitor('Ann', { viewport: { width: 1280, height: 800 } }));
  await agent.goTo(host.address);
  return { server, host, arrive, agent, page: agent.page };
}

/** Signs in with the keyboard alone. */
async function signIn(page, server) {
  await page.getByLabel(ui['connect-address']).focus();
  await page.keyboard.type(server.address);
  await page.keyboard.press('Tab');
  await page.keyboard.type(ANN.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(ANN.password);
  await page.keyboard.press('Enter');
  await page.getByText(ui['empty-open']).or(page.getByRole('list', { name: ui.conversations }).getByRole('button')).first().waitFor();
}

/** Every rule of WCAG 2.2 AA that a machine can check. */
async function inspect(frame, where) {
  await frame.evaluate(axe);
  const found = await frame.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    const { violations } = await window.axe.run(document, { runOnly: tags });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
  });
  assert.deepEqual(found, [], where);
}

journey(
  'OD-06, OD-13, OD-15, OD-16, OD-23, DK-15, DK-16, DK-17, TV-05, TV-13, TV-14: a day at the desk by keyboard alone',
  async (stage) => {
    const { server, arrive, agent, page } = await open(stage);
    await signIn(page, server);
    const vic = await arrive('Vic', 'I look for a blue teapot.');
    const wen = await arrive('Wen', 'Do you ship to Chile?');
    const rows = page.getByRole('list', { name: ui.conversations }).getByRole('button');
    await until('two chats in the list', async () => (await rows.count()) === 2);
    const texts = await rows.allInnerTexts();
    assert.match(texts[0], /Chile/, 'the most recently active one comes first');

    // The one waiting longest, its unread mark, and a reply.
    await page.keyboard.press('Control+j');
    const composer = page.locator('main.chat textarea');
    await page.locator('main.chat').getByText('I look for a blue teapot.').waitFor();
    await until('the caret in the reply', () => composer.evaluate((area) => area === document.activeElement));
    await until('the end of the unread mark', async () => !/unread/.test((await rows.allInnerTexts())[1]));
    await page.keyboard.type('We have one.');
    await page.keyboard.press('Enter');
    await vic.reads('We have one.');

    // A note, which the visitor never sees.
    await page.keyboard.press('Control+Shift+n');
    await page.keyboard.type('Collects teapots.');
    await page.keyboard.press('Enter');
    await page.locator('.message.note').getByText('Collects teapots.').waitFor();
    await page.keyboard.press('Control+Shift+n');

    // A ready text.
    await page.keyboard.type('#');
    const options = page.getByRole('listbox', { name: ui['canned-texts'] }).getByRole('option');
    await options.first().waitFor();
    const before = await composer.inputValue();
    await page.keyboard.press('Enter');
    await until('the ready text', async () => (await composer.inputValue()).length > before.length);
    const ready = await composer.inputValue();
    assert.doesNotMatch(ready, /^#/);
    await composer.fill('A draft that stays');

    // Into the dock and back, with the draft; then one box beside the other.
    await page.keyboard.press('Control+Shift+m');
    const bar = page.getByRole('list', { name: ui.minimised }).getByRole('button').first();
    await bar.waitFor();
    await page.keyboard.press('Control+1');
    const boxes = page.getByRole('region', { name: ui.boxes });
    const small = boxes.locator('textarea');
    await until('the draft in the box', async () => (await small.inputValue()) === 'A draft that stays');
    await page.keyboard.press('Control+Shift+x');
    await until('the maximised box', async () => (await composer.inputValue()) === 'A draft that stays');

    // Done: the next one is there at once.
    await composer.fill('');
    await page.keyboard.press('Control+Shift+d');
    await page.locator('main.chat').getByText('Do you ship to Chile?').waitFor();
    await until('one chat in the list', async () => (await rows.count()) === 1);

    // Search over everything on this computer.
    await page.keyboard.press('Control+k');
    await page.keyboard.type('teapot');
    await page.getByRole('listbox', { name: ui['search-results'] }).locator('mark').first().waitFor();
    await page.keyboard.press('Enter');
    await page.locator('main.chat').getByText('I look for a blue teapot.').waitFor();

    await wen.write('Or to Peru?');
    assert.equal(await vic.count('Collects teapots.'), 0, 'a note is the team’s');
    for (const person of [vic, wen, agent]) assert.deepEqual(person.complaints, [], person.name);
  },
);

journey('DK-05, DK-06, DK-07, DK-10, DK-13: a visitor’s details are edited, and a chat begins with them', async (stage) => {
  const { server, arrive, agent, page } = await open(stage);
  await signIn(page, server);
  const vic = await arrive('Vic');
  await page.keyboard.press('Alt+5');
  await page.getByRole('table', { name: ui.visitors }).getByRole('button', { name: ui['start-chat'] }).waitFor();
  await page.locator('tbody .name').click();
  const details = page.getByRole('complementary', { name: ui.details });
  await details.getByLabel(ui['field-name']).fill('Vic Vega');
  await details.getByLabel(ui['field-email']).fill('vic@example.com');
  await details.getByLabel(ui['field-notes']).fill('Prefers green tea.');
  await page.locator('tbody').getByText('Vic Vega').waitFor();
  await details.getByRole('status').getByText(ui['saved-at']({ time: '' })).waitFor();
  await page.reload();
  await page.getByRole('navigation').waitFor();
  await page.keyboard.press('Alt+5');
  await page.locator('tbody .name').click();
  await until('the kept notes', async () => (await details.getByLabel(ui['field-notes']).inputValue()) === 'Prefers green tea.');
  assert.equal(await details.getByLabel(ui['field-email']).inputValue(), 'vic@example.com');

  await details.getByRole('button', { name: ui['start-chat'] }).click();
  const composer = page.getByLabel(ui['reply-to']({ name: 'Vic Vega' }));
  await composer.fill('May I help you?');
  await composer.press('Enter');
  await vic.reads('May I help you?');
  for (const person of [vic, agent]) assert.deepEqual(person.complaints, [], person.name);
});

journey('a reply that is undone in time never leaves, and its text is back where it was written', async (stage) => {
  const { server, arrive, agent, page } = await open(stage);
  await signIn(page, server);
  const vic = await arrive('Vic', 'Is the teapot blue?');
  await page.getByRole('list', { name: ui.conversations }).getByRole('button').click();
  await page.getByRole('log').getByText('Is the teapot blue?').waitFor();
  await page.getByRole('button', { name: ui.settings }).click();
  await page.getByLabel(ui['setting-undo-send']).check();
  await page.keyboard.press('Escape');
  const composer = page.locator('main.chat textarea');
  await composer.fill('It is read');
  await composer.press('Enter');
  await page.getByRole('button', { name: ui['action-of']({ action: ui.undo, text: 'It is read' }) }).waitFor();
  await until('an empty field', async () => (await composer.inputValue()) === '');
  await composer.press('ControlOrMeta+z');
  await until('the text in the field', async () => (await composer.inputValue()) === 'It is read');
  await composer.fill('It is red');
  await composer.press('Enter');
  await vic.reads('It is red');
  assert.equal(await vic.count('It is read'), 0, 'nobody saw the slip');

  await page.locator('.dock').getByRole('button', { name: /synced/u }).click();
  const health = page.getByRole('dialog', { name: ui['sync-title'] });
  await health.getByText(ui['sync-live']).waitFor();
  await health.getByText(ui['sync-holes']).waitFor();
  for (const person of [vic, agent]) assert.deepEqual(person.complaints, [], person.name);
});

journey('DK-15, DK-16, DK-18, DK-19: boxes stand side by side, and come back with their drafts after a restart', async (stage) => {
  const { server, host, arrive, agent, page } = await open(stage);
  await signIn(page, server);
  const visitors = [await arrive('Vic', 'I am Vic.'), await arrive('Wen', 'I am Wen.')];
  await page.keyboard.press('Alt+5');
  const resume = page.getByRole('button', { name: ui['resume-chat'] });
  await until('two visitors', async () => (await resume.count()) === 2);
  const boxes = page.getByRole('region', { name: ui.boxes });
  const box = (text) => boxes.locator('section').filter({ hasText: text });
  await resume.nth(0).click();
  await resume.nth(1).click();
  await box('I am Vic.').locator('textarea').fill('A draft for Vic');
  await box('I am Wen.').locator('textarea').fill('A draft for Wen');
  const [left, right] = await Promise.all(['I am Vic.', 'I am Wen.'].map((text) => box(text).boundingBox()));
  assert.ok(left.x + left.width <= right.x || right.x + right.width <= left.x, 'neither covers the other');
  const title = await box('I am Vic.').getByRole('heading').innerText();
  await box('I am Vic.').getByRole('button', { name: ui.minimise }).click();
  await page.getByRole('list', { name: ui.minimised }).getByRole('button', { name: title }).first().waitFor();

  await host.stop();
  const again = stage.keep(await Devhost.start(stage.directory));
  await agent.goTo(again.address);
  const bar = page.getByRole('list', { name: ui.minimised }).getByRole('button', { name: title }).first();
  await bar.click();
  await until('the draft for Vic', async () => (await box('I am Vic.').locator('textarea').inputValue()) === 'A draft for Vic');
  for (const visitor of visitors) assert.deepEqual(visitor.complaints, [], visitor.name);
});

journey('DK-15, TV-01: new chats open by themselves where there is room, once the agent wants that', async (stage) => {
  const { server, arrive, agent, page } = await open(stage);
  await signIn(page, server);
  const vic = await arrive('Vic', 'I am Vic.');
  const rows = page.getByRole('list', { name: ui.conversations }).getByRole('button');
  await until('the first chat in the list', async () => (await rows.count()) === 1);
  const boxes = page.getByRole('region', { name: ui.boxes }).locator('section');
  const bars = page.getByRole('list', { name: ui.minimised }).getByRole('listitem');
  assert.equal(await boxes.count(), 0, 'nothing opens by itself unless asked to');

  await page.getByRole('button', { name: ui.settings }).click();
  await page.getByLabel(ui['setting-open-boxes']).check();
  await page.keyboard.press('Escape');
  const search = page.getByPlaceholder(ui['search-placeholder']);
  await search.focus();
  const wen = await arrive('Wen', 'I am Wen.');
  await boxes.filter({ hasText: 'I am Wen.' }).waitFor();
  assert.ok(await search.evaluate((button) => button === document.activeElement), 'the focus stays where it is');

  // A chat that fills the pane is never covered.
  await rows.filter({ hasText: 'I am Vic.' }).click();
  await page.locator('main.chat').getByText('I am Vic.').waitFor();
  const zoe = await arrive('Zoe', 'I am Zoe.');
  await until('the third chat in the dock', async () => (await bars.count()) === 2);
  assert.equal(await boxes.count(), 0);
  for (const person of [vic, wen, zoe, agent]) assert.deepEqual(person.complaints, [], person.name);
});

journey('OD-35, TV-06: a picture and a file go both ways, and come out as they went in', async (stage) => {
  const { server, arrive, agent, page } = await open(stage);
  await signIn(page, server);
  const vic = await arrive('Vic');
  const picture = join(root, 'icons/128x128.png');
  await vic.frame.locator('input[type="file"]').setInputFiles(picture);
  await vic.frame.getByRole('status').getByText(widget.ready({ name: '128x128.png' })).waitFor({ state: 'attached' });
  await vic.composer().fill('It looks like this.');
  await vic.composer().press('Enter');

  await page.getByRole('list', { name: ui.conversations }).getByRole('button').click();
  const shown = page.getByRole('button', { name: ui['picture-open']({ name: '128x128.png' }) }).locator('img');
  await until('the picture in the app', () => shown.evaluate((image) => image.complete && image.naturalWidth === 128));

  const list = { name: 'price list.csv', mimeType: 'text/csv', buffer: Buffer.from('teapot,68\ncup,19\n') };
  await page.locator('main.chat input[type="file"]').setInputFiles(list);
  await page.getByRole('button', { name: ui['file-remove']({ name: list.name }) }).waitFor();
  await page.locator('main.chat textarea').press('Enter');
  const save = vic.frame.getByRole('button', { name: /^Save price list\.csv/ });
  const [download] = await Promise.all([vic.page.waitForEvent('download'), save.click()]);
  assert.equal(download.suggestedFilename(), list.name);
  assert.deepEqual(readFileSync(await download.path()), list.buffer);
  for (const person of [vic, agent]) assert.deepEqual(person.complaints, [], person.name);
});

journey('two desks are one inbox: each row says which it is of, one may be down, and leaving one leaves the other', async (stage) => {
  const { server, arrive, agent, page } = await open(stage);
  await signIn(page, server);
  const books = stage.keep(await Server.start(stage.directory, 'Book Shop'));
  const bookShop = stage.keep(await books.openShop());
  const desks = page.getByRole('navigation').getByRole('list', { name: ui.desks });
  assert.equal(await desks.count(), 0, 'one desk needs no name');

  // The second desk, by keyboard.
  await page.keyboard.press('Control+,');
  await page.getByRole('button', { name: ui['add-desk'] }).press('Enter');
  const dialog = page.getByRole('dialog', { name: ui['add-desk'] });
  await inspect(page, 'one more desk');
  await dialog.getByLabel(ui['connect-address']).fill(server.address);
  await dialog.getByLabel(ui['connect-email']).fill(ANN.email);
  await dialog.getByLabel(ui['connect-password']).fill(ANN.password);
  await page.keyboard.press('Enter');
  await dialog.getByText(ui['error-signed-in-already']).waitFor();
  await dialog.getByLabel(ui['connect-address']).fill(books.address);
  await dialog.getByLabel(ui['connect-password']).press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await desks.getByText('Book Shop').waitFor();

  const vic = await arrive('Vic', 'I look for a blue teapot.');
  const wen = await arrive('Wen', 'I look for a book on tea.', bookShop);
  const rows = page.getByRole('list', { name: ui.conversations }).getByRole('button');
  await until('both chats in one list', async () => (await rows.count()) === 2);
  const [newest, older] = await rows.allInnerTexts();
  assert.ok(newest.includes('Book Shop') && older.includes('Test Desk'), `${newest} / ${older}`);
  await inspect(page, 'two desks');

  // One of them alone, and both again.
  await desks.getByRole('button', { name: /Book Shop/u }).press('Enter');
  await until('the chats of one desk', async () => (await rows.count()) === 1);
  await desks.getByRole('button', { name: ui['all-desks'] }).press('Enter');
  await until('both chats', async () => (await rows.count()) === 2);

  // An answer goes to whoever asked, and unsent text stays with its chat.
  const chat = page.locator('main.chat');
  const composer = chat.locator('textarea');
  await rows.filter({ hasText: 'blue teapot' }).click();
  await chat.getByText('I look for a blue teapot.').waitFor();
  await composer.fill('A draft for Vic');
  await rows.filter({ hasText: 'a book on tea' }).click();
  await chat.getByText('I look for a book on tea.').waitFor();
  await chat.locator('header').getByText('Book Shop').waitFor();
  await composer.fill('We have two.');
  await composer.press('Enter');
  await wen.reads('We have two.');
  assert.equal(await vic.count('We have two.'), 0);

  // The search finds both, and says where.
  await page.keyboard.press('Control+k');
  await page.keyboard.type('look for');
  const hits = page.getByRole('listbox', { name: ui['search-results'] }).getByRole('option');
  await until('a hit at each desk', async () => {
    const texts = await hits.allInnerTexts();
    return ['Test Desk', 'Book Shop'].every((desk) => texts.some((text) => text.includes(desk)));
  });
  await page.keyboard.press('Escape');

  // One desk down: its chats can be read, and say so; the other one goes on.
  await books.kill();
  await page.getByRole('status').getByText('Book Shop').waitFor();
  await chat.getByText('I look for a book on tea.').waitFor();
  await until('the mark', async () => (await rows.filter({ hasText: 'Book Shop' }).innerText()).includes(ui['offline-short']));
  await vic.write('Or a green one?');
  await rows.filter({ hasText: 'Or a green one?' }).or(rows.filter({ hasText: 'Test Desk' })).first().click();
  await chat.getByText('Or a green one?').waitFor();
  await until('the draft', async () => (await composer.inputValue()) === 'A draft for Vic');
  await composer.press('Enter');
  await vic.reads('A draft for Vic');
  await inspect(page, 'one desk down');
  await books.startAgain();
  await page.getByRole('status').getByText('Book Shop').waitFor({ state: 'detached' });

  // Leaving one leaves the other as it was.
  await page.keyboard.press('Control+,');
  await inspect(page, 'the desks in the settings');
  await page.getByRole('button', { name: ui['action-of']({ action: ui['sign-out'], text: 'Book Shop' }) }).click();
  await desks.waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await until('one chat', async () => (await rows.count()) === 1);
  await chat.getByText('Or a green one?').waitFor();
  // What was refused and who was not there, the browsers tell of themselves.
  const expected = /WebSocket connection|ERR_CONNECTION|call\/connect_desk/u;
  for (const person of [vic, wen, agent]) {
    assert.deepEqual(person.complaints.filter((complaint) => !expected.test(complaint)), [], person.name);
  }
});

journey('every screen keeps the accessibility rules in three languages and both themes', async (stage) => {
  const { server, host, arrive, agent, page } = await open(stage);
  await inspect(page, 'first run');
  await signIn(page, server);
  const vic = await arrive('Vic', 'Is anybody there?');
  await arrive('Wen', 'Я хочу зелёный чайник.');
  await inspect(vic.frame, 'the messenger');
  await page.getByRole('list', { name: ui.conversations }).getByRole('button').first().waitFor();

  const call = async (name, request) => {
    const answer = await page.request.post(`${host.address}/call/${name}`, { data: request });
    assert.ok(answer.ok(), `${name}: ${await answer.text()}`);
    return answer.json();
  };
  const { settings } = await call('start', {});
  for (const language of ['en', 'es', 'ru']) {
    const say = words('ui', language);
    for (const theme of ['light', 'dark']) {
      const where = `${language}, ${theme}`;
      await call('save_settings', { ...settings, language, theme });
      await page.reload();
      const rows = page.getByRole('list', { name: say.conversations }).getByRole('button');
      await rows.first().click();
      await page.getByRole('complementary', { name: say.details }).waitFor();
      await inspect(page, `inbox: ${where}`);
      await page.keyboard.press('Control+Shift+x');
      await page.getByRole('region', { name: say.boxes }).waitFor();
      await inspect(page, `box: ${where}`);
      await page.keyboard.press('Control+Shift+m');
      await page.keyboard.press('Alt+5');
      await page.locator('tbody .name').first().click();
      await inspect(page, `visitors: ${where}`);
      for (const [key, title] of [['Control+,', say.settings], ['Control+/', say.shortcuts]]) {
        await page.keyboard.press(key);
        await page.getByRole('dialog', { name: title }).waitFor();
        await inspect(page, `${title}: ${where}`);
        await page.keyboard.press('Escape');
        await page.getByRole('dialog', { name: title }).waitFor({ state: 'detached' });
      }
    }
  }
  assert.deepEqual(agent.complaints, []);
});
