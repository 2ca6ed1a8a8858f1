// Visitors: people with a browser, on the pages of the demo shop.
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { chromium } from 'playwright-core';
import { browserPath, until } from './programs.mjs';
import { words } from './words.mjs';

const say = words('widget');

/** A real browser without a window. */
export class Browser {
  static async start() {
    const browser = new Browser();
    browser.chromium = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
    return browser;
  }

  /** Somebody with a browser profile of their own. */
  async visitor(name, { viewport = { width: 1100, height: 800 } } = {}) {
    const context = await this.chromium.newContext({ viewport, locale: 'en-GB' });
    const visitor = new Visitor(name, await context.newPage());
    await visitor.watch();
    return visitor;
  }

  async stop() {
    await this.chromium?.close();
  }
}

/** A person on a page of the shop. */
export class Visitor {
  /** What the browser complained of: scripts that failed, and everything the pages' own policies stopped. */
  complaints = [];

  constructor(name, page) {
    Object.assign(this, { name, page });
  }

  async watch() {
    this.page.on('pageerror', (error) => this.complaints.push(error.stack ?? String(error)));
    this.page.on('console', (message) => {
      const { url } = message.location();
      // Browsers ask for this by themselves, and a page need not have one.
      if (message.type() === 'error' && !url.endsWith('/favicon.ico')) this.complaints.push(`${message.text()} (${url})`);
    });
    this.cdp = await this.page.context().newCDPSession(this.page);
  }

  /** Opens a page of the shop. */
  async goTo(address) {
    await this.page.goto(address);
  }

  /** Presses the chat's button, which lives where no script of the page, and no selector, can reach it. */
  async openChat() {
    const button = await this.#launcher();
    const { model } = await this.cdp.send('DOM.getBoxModel', { backendNodeId: button.backendDOMNodeId });
    const [left, top, , , right, bottom] = model.content;
    await this.page.mouse.click((left + right) / 2, (top + bottom) / 2);
    this.frame = await until('the messenger', () => this.page.frames().find((frame) => frame.url().includes('/w/panel')));
    await this.composer().waitFor();
  }

  /** What the chat's button is called now, as a screen reader says it. */
  async launcherName() {
    return (await this.#launcher()).name.value;
  }

  #launcher() {
    return until('the button of the chat', async () => {
      const { nodes } = await this.cdp.send('Accessibility.getFullAXTree');
      return nodes.find(({ role, name, ignored }) => {
        const called = name?.value ?? '';
        const ours = called.startsWith(say['launcher-open']) || called === say['launcher-close'];
        return !ignored && role?.value === 'button' && ours;
      });
    });
  }

  composer() {
    return this.frame.getByRole('textbox', { name: say.write });
  }

  /** Writes a message, and waits until the desk has it. */
  async write(text) {
    await this.composer().fill(text);
    await this.composer().press('Enter');
    await this.reads(text);
  }

  /** Types without sending. */
  async type(text) {
    await this.composer().pressSequentially(text, { delay: 30 });
  }

  /** Chooses a file for the next message. */
  async choose(name, text) {
    await this.frame.locator('input[type="file"]').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
  }

  /** Waits until something is said of the chosen files. */
  async tray(words) {
    await this.frame.locator('form ul').getByText(words).first().waitFor({ timeout: 60_000 });
  }

  /** Waits until these words stand in the conversation. */
  async reads(text, options) {
    await this.frame.getByRole('log').getByText(text, { exact: true }).first().waitFor(options);
  }

  /** Saves a file of the conversation, and returns what is in it. */
  async save(name) {
    const saved = this.page.waitForEvent('download');
    await this.frame.getByRole('log').getByText(name, { exact: true }).first().click();
    return readFileSync(await (await saved).path(), 'utf8');
  }

  /** How often these words stand in the conversation. */
  count(text) {
    return this.frame.getByRole('log').getByText(text, { exact: true }).count();
  }

  async picture(path) {
    mkdirSync(dirname(path), { recursive: true });
    await this.page.screenshot({ path });
  }

  async stop() {
    await this.page.context().close();
  }
}
