#!/usr/bin/env node
// Opens the built widget in Chromium on a shop of another origin, tries what visitors do, checks accessibility, and
// leaves pictures in widget/look/. Usage: npm run build && npm run look
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { deflateSync, crc32 } from 'node:zlib';
import { chromium } from 'playwright-core';
import { StandIn, startShop } from './standin.mjs';

const pictures = fileURLToPath(new URL('../look/', import.meta.url));
mkdirSync(pictures, { recursive: true });
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** A picture to send: a soft gradient, as PNG. */
function png(width, height) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const at = y * (width * 3 + 1) + 1 + x * 3;
      rows.set([90 + (x * 120) / width, 120 + (y * 90) / height, 100], at);
    }
  const sign = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([sign, chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}
async function until(what, check, ms = 8_000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${ms} ms for: ${what}`);
    await new Promise((done) => setTimeout(done, 30));
  }
}

let violations = 0;
async function axe(frame, where) {
  await frame.evaluate(axeSource);
  const found = await frame.evaluate(
    (tags) => window.axe.run(document, { runOnly: tags, resultTypes: ['violations'] }).then((result) => result.violations),
    AXE_TAGS,
  );
  for (const { id, help, nodes } of found) {
    violations += 1;
    console.error(`axe, ${where}: ${id}: ${help}\n  ${nodes.map(({ html }) => html.slice(0, 160)).join('\n  ')}`);
  }
}

// An assertion that fails must not leave a browser behind.
process.on('uncaughtException', (error) => {
  console.error(error);
  void browser?.close().finally(() => process.exit(1));
});
const browser = await chromium.launch({ executablePath: process.env.DESKBELL_BROWSER ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const faults = [];

/** A visitor on the shop. Everything their browser complains of is a fault, except what `expected` names. */
async function visit(desk, { html, expected = /^$/, path = '/', ...context } = {}) {
  const shop = await startShop(desk.origin, { html });
  desk.origins = [shop.origin];
  const browserContext = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...context });
  const page = await browserContext.newPage();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !expected.test(message.text())) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(shop.origin + path);
  const panel = () => page.frames().find((frame) => frame.url().startsWith(desk.origin));
  return { shop, page, panel, context: browserContext };
}
const end = async ({ context, shop }) => {
  await context.close();
  await shop.close();
};

/** The launcher's shadow root is closed, so it is found by its place. */
async function openChat({ page, panel }) {
  const { width, height } = page.viewportSize();
  await page.mouse.click(width - 48, height - 48);
  await until('the panel', async () => panel() && (await panel().locator('textarea').count()) > 0);
  await panel().locator('.dot').waitFor();
  return panel();
}
const write = async (panel, text) => {
  await panel.locator('textarea').fill(text);
  await panel.locator('textarea').press('Enter');
};

/** What a screen reader is told of the launcher. The shadow root is closed to scripts, not to assistive technology. */
async function launcherSays({ page, context }) {
  const devtools = await context.newCDPSession(page);
  const { nodes } = await devtools.send('Accessibility.getFullAXTree');
  const node = nodes.find(({ role, name }) => role?.value === 'button' && /chat/i.test(name?.value ?? ''));
  const property = (wanted) => node?.properties?.find(({ name }) => name === wanted)?.value.value;
  return { name: node?.name.value, hasPopup: property('hasPopup'), expanded: property('expanded'), focused: property('focused') ?? false };
}

// 1. A conversation, in light.
{
  const desk = await new StandIn().start();
  const vic = await visit(desk, { expected: /404|415/ });
  await until('presence', () => desk.heard.some(({ part, frame }) => part === 'page' && frame.type === 'hello'));
  const hello = desk.heard[0].frame.visitor;
  assert.match(hello.presence, /^[0-9a-f]{32}$/);
  assert.equal(hello.token, null, 'the loader has no token');
  assert.equal(await vic.page.evaluate(() => localStorage.getItem('deskbell.presence')), hello.presence, 'consent was given');
  await vic.page.screenshot({ path: `${pictures}shop.png` });
  const panel = await openChat(vic);
  await vic.page.waitForTimeout(300);
  await vic.page.screenshot({ path: `${pictures}empty-light.png` });
  assert.equal(await panel.evaluate(() => document.activeElement?.tagName), 'TEXTAREA', 'the text has the focus');
  await axe(panel, 'empty panel');
  await axe(vic.page, 'shop with open chat');

  await write(panel, 'Hello! Does the Moss teapot pour for four?');
  await until('the message', () => desk.messages.length === 1);
  await panel.getByText('Sent', { exact: true }).waitFor();
  desk.system('assigned:Ann');
  desk.type(true);
  await panel.getByText('Ann is typing').waitFor();
  await vic.page.screenshot({ path: `${pictures}typing-light.png` });
  desk.say('Hi! Four small cups, yes.');
  desk.say('The measurements are here: https://shop.example/moss?size=0.7 — and here is a photo.');
  desk.say('', [desk.addFile('moss-teapot.png', png(640, 440)), desk.addFile('care-instructions-for-stoneware.pdf', Buffer.alloc(240_000))]);
  await until('the picture', () => panel.locator('.place img').count());
  assert.equal(await panel.locator('li a').getAttribute('rel'), 'noopener noreferrer nofollow ugc');

  // Files of their own: one accepted, one refused.
  await panel.locator('input[type=file]').setInputFiles([
    { name: 'my shelf.png', mimeType: 'image/png', buffer: png(400, 300) },
    { name: 'setup.exe', mimeType: 'application/octet-stream', buffer: Buffer.alloc(10) },
  ]);
  await panel.locator('#problem').waitFor();
  await panel.locator('textarea').fill('It would stand here.');
  await vic.page.screenshot({ path: `${pictures}files-light.png` });
  await axe(panel, 'files in the composer');
  await panel.getByRole('button', { name: /setup\.exe/ }).click();
  await panel.locator('textarea').press('Enter');
  await until('the picture sent', () => desk.messages.at(-1).attachments.length === 1);
  await until('both pictures', async () => (await panel.locator('.place img').count()) === 2);
  desk.refuseNext = true;
  await write(panel, 'This one is refused.');
  await panel.getByText('Not sent.').waitFor();
  await vic.page.waitForTimeout(200);
  await vic.page.screenshot({ path: `${pictures}conversation-light.png` });
  await axe(panel, 'conversation');
  await panel.getByRole('button', { name: 'Retry' }).click();
  await until('the retried message', () => desk.messages.at(-1).text === 'This one is refused.');

  // Larger; the menu; the picture.
  await panel.getByRole('button', { name: 'Make larger' }).click();
  await vic.page.waitForTimeout(300);
  await vic.page.screenshot({ path: `${pictures}larger-light.png` });
  await panel.locator('.place button').first().click();
  await vic.page.waitForTimeout(150);
  await vic.page.screenshot({ path: `${pictures}picture-light.png` });
  await axe(panel, 'large picture');
  await vic.page.keyboard.press('Escape');
  await panel.getByRole('button', { name: 'More' }).click();
  await axe(panel, 'menu');
  await vic.page.screenshot({ path: `${pictures}menu-light.png` });
  await panel.getByRole('menuitem').click();
  await axe(panel, 'forget');
  await vic.page.screenshot({ path: `${pictures}forget-light.png` });
  await vic.page.keyboard.press('Escape');

  // An article is read over the conversation, and leaves the keyboard where it was.
  desk.bring({ id: 7, language: 'en', title: 'Returns', body: 'Within 30 days.\n\nPrint the label: https://shop.example/label', changed_at: 1 });
  const read = panel.getByRole('button', { name: 'Read: Returns' });
  await read.focus();
  await vic.page.keyboard.press('Enter');
  await panel.getByText('Print the label').waitFor();
  await vic.page.screenshot({ path: `${pictures}article-light.png` });
  await axe(panel, 'article');
  assert.equal(await panel.evaluate(() => document.activeElement?.textContent), 'Back', 'the keyboard is in the article');
  await vic.page.keyboard.press('Escape');
  await until('the conversation again', async () => (await panel.locator('dialog').count()) === 0);
  assert.equal(await panel.evaluate(() => document.activeElement?.ariaLabel), 'Read: Returns', 'the keyboard is back at the card');
  await axe(panel, 'card of an article');
  desk.articles.clear();
  await read.click();
  await panel.getByText('no longer available').waitFor();
  await panel.getByRole('button', { name: 'Back' }).click();
  await until('the conversation again', async () => (await panel.locator('dialog').count()) === 0);
  await panel.locator('textarea').focus();

  // What was on screen for a second has been seen.
  await until('the read mark', () => desk.conversation.visitor_read === desk.messages.length);
  await vic.page.keyboard.press('Escape');
  const back = await vic.page.evaluate(() => document.activeElement === document.body.lastElementChild);
  assert.equal(back, true, 'the focus is back on the launcher');
  desk.say('Anything else I can do for you?');
  await until('unread in the panel', () => desk.pages.size === 1);
  await vic.page.waitForTimeout(300);
  await vic.page.screenshot({ path: `${pictures}badge-light.png` });
  const said = await launcherSays(vic);
  assert.deepEqual(said, { name: 'Chat with us, 1 unread message', hasPopup: 'dialog', expanded: false, focused: true });
  await vic.page.keyboard.press('Enter');
  await until('seen', () => desk.conversation.visitor_read === desk.messages.length);

  // The conversation goes on over a page load, with the same token.
  const { token } = desk;
  await vic.page.goto(`${vic.shop.origin}/product.html?utm_source=mail&session=eyJhbGciOi`);
  await until('the panel again', async () => vic.panel() && (await vic.panel().getByText('Anything else').count()) === 1);
  assert.equal(desk.token, token);
  const seen = await until('the page', () => desk.heard.findLast(({ part, frame }) => part === 'page' && frame.type === 'hello'));
  assert.equal(seen.frame.visitor.page.url, `${vic.shop.origin}/product.html?utm_source=mail`);
  await vic.page.screenshot({ path: `${pictures}product.png` });
  // A page that only changes its address.
  await vic.page.evaluate(() => {
    history.pushState({}, '', '/product.html?card=4111111111111111#size');
    history.pushState({}, '', '/product/glaze');
    setTimeout(() => (document.title = 'Ash glaze'), 100);
  });
  const moved = await until('the new page', () => desk.heard.find(({ frame }) => frame.kind === 'page')?.frame.page);
  assert.deepEqual([moved.url, moved.title], [`${vic.shop.origin}/product/glaze`, 'Ash glaze']);

  // No frame of the loader, no storage of the shop and no message to the shop's window holds the token.
  const told = JSON.stringify(desk.heard.filter(({ part }) => part === 'page'));
  assert.equal(told.includes(token), false);
  const kept = await vic.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  assert.equal(kept.includes(token), false);
  await end(vic);
  await desk.stop();
  console.log('a conversation: done');
}

// 2. Without a connection: what is written is kept over a reload and sent once.
{
  const desk = await new StandIn().start();
  const port = Number(new URL(desk.origin).port);
  // A refused connection is written to the console by the browser itself.
  const vic = await visit(desk, { expected: /WebSocket connection|ERR_CONNECTION_REFUSED/ });
  let panel = await openChat(vic);
  await write(panel, 'First, while all is well.');
  await until('the message', () => desk.messages.length === 1);
  const { messages, conversation, token, epoch, head, commands, log, origins } = desk;
  desk.mute = true;
  await write(panel, 'Second: stored before it is sent.');
  await until('the command', () => desk.heard.filter(({ frame }) => frame.op === 'send').length === 2);
  await desk.stop();
  await write(panel, 'Third, without a server.');
  await panel.getByText('Waiting for a connection').first().waitFor();
  await panel.getByText('No connection.').waitFor({ timeout: 14_000 });
  await vic.page.screenshot({ path: `${pictures}offline-light.png` });
  await axe(panel, 'no connection');
  const again = Object.assign(new StandIn(), { messages, conversation, token, epoch, head, commands, log, origins });
  await again.start(port);
  await vic.page.reload();
  await until('all three', () => again.messages.length === 3);
  await vic.page.waitForTimeout(500);
  assert.deepEqual(
    again.messages.map(({ text }) => text),
    ['First, while all is well.', 'Second: stored before it is sent.', 'Third, without a server.'],
  );
  panel = await until('the panel', () => vic.panel());
  await until('an empty outbox', () => panel.evaluate(() => Object.keys(localStorage).every((key) => !key.includes('.out.'))));
  // Two tabs: what one writes the other shows, and it is stored once.
  const other = await vic.context.newPage();
  await other.goto(vic.shop.origin);
  await until('the second panel', () => again.panels.size === 2);
  await write(panel, 'From the first tab.');
  await until('the fourth message', () => again.messages.length === 4);
  const otherPanel = other.frames().find((frame) => frame.url().startsWith(again.origin));
  await until('the same text in the second tab', () => otherPanel.getByText('From the first tab.').count());
  again.cut();
  await until('both back', () => again.panels.size === 2, 15_000);
  await write(panel, 'After the break.');
  await until('the fifth message', () => again.messages.length === 5);
  await vic.page.waitForTimeout(300);
  assert.equal(again.messages.length, 5);
  // Forgotten here, forgotten in the other tab.
  await panel.getByRole('button', { name: 'More' }).click();
  await panel.getByRole('menuitem').click();
  await panel.getByRole('button', { name: 'Forget', exact: true }).click();
  await panel.getByText('Ask us anything').waitFor();
  await otherPanel.getByText('Ask us anything').waitFor();
  assert.equal(await panel.evaluate(() => Object.keys(localStorage).length), 0);
  const names = () => new Set(again.heard.filter(({ part }) => part === 'page').map(({ frame }) => frame.visitor?.presence));
  await until('another name on the page', () => names().size > 1);
  await end(vic);
  await again.stop();
  console.log('without a connection: done');
}

// 3. Many earlier messages, nobody there, in the dark and in two other languages.
for (const [language, text, reply] of [
  ['es', '¿La tetera Musgo sirve para cuatro tazas?', '¡Hola! Sí, cuatro tazas pequeñas.'],
  ['ru', 'Чайника «Мох» хватит на четыре чашки?', 'Здравствуйте! Да, на четыре небольшие чашки.'],
]) {
  const desk = await new StandIn().start();
  desk.online = false;
  const html = (page) => page.replace('lang="en"', `lang="${language}"`);
  const wen = await visit(desk, { html, locale: language, colorScheme: 'dark' });
  const panel = await openChat(wen);
  for (let number = 1; number <= 64; number += 1) desk.say(`№ ${number}`);
  await write(panel, text);
  await until('the message', () => desk.messages.length === 65);
  desk.say(reply);
  await panel.getByText(reply).first().waitFor();
  await wen.page.waitForTimeout(200);
  await wen.page.screenshot({ path: `${pictures}dark-${language}.png` });
  await axe(panel, `dark, ${language}`);
  assert.equal(await panel.evaluate(() => document.documentElement.lang), language);
  await wen.page.reload();
  await until('the panel', async () => wen.panel() && (await wen.panel().locator('.earlier').count()) === 1);
  const fresh = wen.panel();
  assert.equal(await fresh.locator('li .text').count(), 50);
  await fresh.locator('.log').evaluate((log) => (log.scrollTop = 0));
  const before = await fresh.locator('.log').evaluate((log) => log.scrollHeight - log.scrollTop);
  await fresh.locator('.earlier').click();
  await until('older messages', async () => (await fresh.locator('li .text').count()) === 66);
  await wen.page.waitForTimeout(100);
  const after = await fresh.locator('.log').evaluate((log) => log.scrollHeight - log.scrollTop);
  assert.ok(Math.abs(after - before) < 60, `the view jumped by ${after - before} pixels`);
  assert.equal(await fresh.locator('.earlier').count(), 0, 'nothing older');
  await end(wen);
  await desk.stop();
}
console.log('languages: done');

// 4. A phone.
for (const colorScheme of ['light', 'dark']) {
  const desk = await new StandIn().start();
  const vic = await visit(desk, { viewport: { width: 360, height: 700 }, hasTouch: true, isMobile: true, colorScheme });
  await vic.page.screenshot({ path: `${pictures}phone-closed-${colorScheme}.png` });
  const panel = await openChat(vic);
  await write(panel, 'Do you ship to Spain?');
  await until('the message', () => desk.messages.length === 1);
  desk.say('We do, in about four days. Is it for somebody’s birthday?');
  await panel.getByText('four days').first().waitFor();
  await vic.page.waitForTimeout(300);
  await vic.page.screenshot({ path: `${pictures}phone-${colorScheme}.png` });
  await axe(panel, `phone, ${colorScheme}`);
  const size = await panel.evaluate(() => [innerWidth, innerHeight]);
  assert.deepEqual(size, [360, 700], 'the panel fills the screen');
  // The keyboard stays in it.
  await panel.locator('textarea').focus();
  for (let press = 0; press < 12; press += 1) {
    await vic.page.keyboard.press('Tab');
    assert.notEqual(await panel.evaluate(() => document.activeElement), null);
    assert.equal(await panel.evaluate(() => document.hasFocus()), true, 'the focus left the panel');
  }
  // A question with answers, of which one is chosen.
  desk.ask('What is it about?', ['An order', 'A present that has to arrive before Saturday, wrapped and without the price']);
  const answers = panel.getByRole('group', { name: 'Answers to choose from' });
  await answers.waitFor();
  await vic.page.waitForTimeout(300);
  await vic.page.screenshot({ path: `${pictures}phone-answers-${colorScheme}.png` });
  await axe(panel, `answers, ${colorScheme}`);
  assert.equal(await panel.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, 'nothing is cut off');
  const small = await panel.evaluate(() =>
    [...document.querySelectorAll('button')]
      .map((button) => [button.getAttribute('aria-label') ?? button.textContent, button.getBoundingClientRect()])
      .filter(([, { width, height }]) => width < 44 || height < 44)
      .map(([name]) => name),
  );
  assert.deepEqual(small, [], 'targets of at least 44 pixels');
  await answers.getByRole('button', { name: 'An order' }).press('Enter');
  await until('the answer', () => desk.messages.at(-1).text === 'An order');
  const chosen = desk.heard.findLast(({ frame }) => frame.op === 'send').frame.args.choice;
  assert.deepEqual([chosen, await answers.count()], ['3.0', 0]);
  await end(vic);
  await desk.stop();
}
console.log('a phone: done');

// 5. Zoomed to 400 %: 320 pixels are left.
{
  const desk = await new StandIn().start();
  const vic = await visit(desk, { viewport: { width: 320, height: 256 }, forcedColors: 'active' });
  const panel = await openChat(vic);
  await write(panel, 'averyveryverylongwordwithoutanyspaceinitatallthatmustbreaksomewhere');
  await until('the message', () => desk.messages.length === 1);
  await vic.page.waitForTimeout(200);
  await vic.page.screenshot({ path: `${pictures}zoomed.png` });
  const wide = await panel.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(wide, false, 'nothing scrolls sideways');
  await axe(panel, 'zoomed');
  await end(vic);
  await desk.stop();
}

// 6. Privacy: nothing is sent before the chat is opened, and nothing is left behind.
{
  const desk = await new StandIn().start();
  const html = (page) => page.replace('data-tracking="full"', 'data-tracking="off"');
  const wen = await visit(desk, { html });
  await wen.page.waitForTimeout(600);
  await wen.page.mouse.move(1280 - 48, 800 - 48);
  await wen.page.waitForTimeout(600);
  assert.deepEqual(desk.heard, [], 'nothing was sent');
  assert.equal(wen.panel(), undefined, 'nor was anything fetched');
  const panel = await openChat(wen);
  await write(panel, 'A question.');
  await until('the message', () => desk.messages.length === 1);
  assert.equal(desk.pages.size, 0, 'the page is not told');
  assert.equal(desk.heard[0].frame.visitor.presence, null);
  assert.equal(await panel.evaluate(() => localStorage.length), 0);
  assert.equal(await wen.page.evaluate(() => localStorage.length), 0);
  await wen.page.reload();
  await until('the conversation', async () => wen.panel() && (await wen.panel().getByText('A question.').count()) === 1);
  await end(wen);
  await desk.stop();
}
{
  const desk = await new StandIn().start();
  const vic = await visit(desk);
  await write(await openChat(vic), 'A question.');
  await until('the message', () => desk.messages.length === 1);
  await vic.page.reload();
  await until('the conversation', async () => vic.panel() && (await vic.panel().getByText('A question.').count()) === 1);
  const names = desk.heard.filter(({ frame }) => frame.type === 'hello').map(({ frame }) => frame.visitor.presence);
  assert.equal(new Set(names).size, 1, 'whoever may be recognised and talks with the desk is the same on the next page');
  await end(vic);
  await desk.stop();
}
{
  const desk = await new StandIn().start();
  const html = (page) => page.replace('data-tracking="full"', '').replace('/shop.js', '/missing.js');
  const wen = await visit(desk, { html, expected: /404/ });
  await until('presence', () => desk.heard.length === 1);
  await wen.page.reload();
  await until('presence', () => desk.heard.length === 2);
  const [one, two] = desk.heard.map(({ frame }) => frame.visitor.presence);
  assert.notEqual(one, two, 'an anonymous visitor has a new name on every page');
  assert.equal(await wen.page.evaluate(() => localStorage.length), 0);
  const panel = await openChat(wen);
  assert.equal(await panel.evaluate(() => localStorage.length), 0, 'nothing is kept before something is written');
  await end(wen);
  await desk.stop();
}

// A shop that puts another page into the same window.
{
  const desk = await new StandIn().start();
  const vic = await visit(desk);
  await write(await openChat(vic), 'A question.');
  await until('the message', () => desk.messages.length === 1);
  const another = () => vic.page.evaluate(() => document.body.replaceWith(document.createElement('body')));
  await another();
  await until('the conversation', async () => vic.panel() && (await vic.panel().getByText('A question.').count()) === 1);
  await vic.panel().locator('textarea').fill('Another one.');
  await another();
  assert.equal(await vic.panel().locator('textarea').inputValue(), 'Another one.', 'the frame is not loaded anew');
  await vic.panel().locator('textarea').press('Enter');
  await until('the message', () => desk.messages.length === 2);
  await end(vic);
  await desk.stop();
}

// Whoever signs in at the shop, and whoever comes after them in the same browser.
{
  const desk = await new StandIn().start();
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = (sub) => `${part({ alg: 'HS256' })}.${part({ sub })}.${'x'.repeat(43)}`;
  const html = (page) => page.replace('data-site', `data-identity="${signed('vic')}" data-site`);
  const vic = await visit(desk, { html });
  const greeted = (identity) =>
    until('a greeting', () => desk.heard.findLast(({ part, frame }) => part === 'panel' && frame.type === 'hello' && frame.visitor.identity === identity));
  const kept = () => vic.panel().evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  await write(await openChat(vic), 'Of Vic alone');
  await until('the message', () => desk.messages.length === 1);
  await vic.panel().getByText('Of Vic alone').waitFor();
  await vic.panel().locator('textarea').fill('Begun by Vic');
  const { presence } = (await greeted(signed('vic'))).frame.visitor;
  await vic.page.evaluate((identity) => window.Deskbell('identify', identity), signed('wen'));
  await until('an empty panel', async () => (await vic.panel().getByText('Of Vic alone').count()) === 0);
  await vic.panel().locator('.dot').waitFor();
  assert.equal((await greeted(signed('wen'))).frame.visitor.token, null, 'nothing of the one before is brought along');
  assert.doesNotMatch(await kept(), /Of Vic alone|Begun by Vic|[.]vic[.]/);
  assert.equal(await vic.panel().locator('textarea').inputValue(), '', 'what was begun is not there either');
  await write(vic.panel(), 'Of Wen alone');
  await until('the message', () => desk.messages.at(-1)?.text === 'Of Wen alone');
  await vic.page.screenshot({ path: `${pictures}another-person.png` });

  await vic.page.evaluate(() => window.Deskbell('identify', null));
  await until('an empty panel', async () => (await vic.panel().getByText('Of Wen alone').count()) === 0);
  await vic.panel().locator('.dot').waitFor();
  const { frame } = await greeted(undefined);
  assert.equal(frame.visitor.token, null);
  assert.notEqual(frame.visitor.presence, presence, 'the page is somebody else, too');
  assert.doesNotMatch(await kept(), /Of Wen alone|[.]wen[.]/);
  await end(vic);
  await desk.stop();
}
console.log('privacy: done');

// 7. A page that is not the site's may not embed the panel; the launcher says so in the end.
{
  const desk = await new StandIn().start();
  const thief = await visit(desk, { expected: /frame-ancestors|ancestor|ERR_BLOCKED_BY_RESPONSE|Framing/ });
  desk.origins = ['https://shop.example'];
  await thief.page.mouse.click(1280 - 48, 800 - 48);
  await thief.page.waitForTimeout(10_500);
  assert.equal(desk.panels.size, 0);
  await thief.page.screenshot({ path: `${pictures}unreachable.png` });
  await end(thief);
  await desk.stop();
}

await browser.close();
for (const fault of faults) console.error(`browser: ${fault}`);
console.log(`axe violations: ${violations}; complaints of the browser: ${faults.length}`);
process.exitCode = violations + faults.length > 0 ? 1 : 0;
