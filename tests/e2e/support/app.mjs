// The real app, driven through tauri-driver and WebKitWebDriver.
import { mkdirSync, readFileSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { connect } from 'node:net';
import { Builder, By, Capabilities, Key } from 'selenium-webdriver';
import { Hung, Program, built, freePort, until, within } from './programs.mjs';
import { words } from './words.mjs';

const say = words('ui');

/** A session that has not begun by then never will: it takes half a second on an idle machine. */
const SESSION_LIMIT = 20_000;
/** A command that has not answered by then never will. */
const COMMAND_LIMIT = 15_000;

/** Collects everything the page's own policy stops from here on. */
const WATCH_POLICY = `window.stopped = [];
  addEventListener('securitypolicyviolation', (event) => window.stopped.push(event.violatedDirective + ' ' + event.blockedURI));`;

export class App {
  /** Keys that type nothing. */
  keys = Key;
  #driver;
  #session;

  /**
   * Starts the app on a desktop. A session that hangs is given up and begun once more.
   * @param {{ args?: string[], data: string, name?: string }} options
   */
  static async start(desktop, options) {
    for (let attempt = 1; ; attempt += 1) {
      const app = new App(desktop, options);
      try {
        await app.#start();
        return app;
      } catch (error) {
        await app.kill();
        if (attempt === 2 || !(error instanceof Hung)) throw error;
      }
    }
  }

  constructor(desktop, { args = [], data, name = 'app' }) {
    Object.assign(this, { desktop, data, args, name });
  }

  async #start() {
    const [port, nativePort] = [await freePort(), await freePort()];
    mkdirSync(this.data, { recursive: true });
    this.#driver = new Program(this.name, 'tauri-driver', ['--port', `${port}`, '--native-port', `${nativePort}`], {
      env: { ...this.desktop.env, DESKBELL_DATA: this.data, DESKBELL_KEY_FILE: '1', RUST_LOG: process.env.RUST_LOG ?? 'info' },
    });
    // The one passes everything on to the other, and drops what comes before that is there.
    await until('the start of tauri-driver', () => listens(port));
    await until('the start of WebKitWebDriver', () => listens(nativePort));
    const capabilities = new Capabilities({ 'tauri:options': { application: built('deskbell'), args: this.args } });
    capabilities.setBrowserName('wry');
    const session = new Builder().usingServer(`http://127.0.0.1:${port}/`).withCapabilities(capabilities).build();
    // A session that fails later is reported by the first command.
    session.catch?.(() => {});
    await within(SESSION_LIMIT, session.getSession(), () => new Hung('the WebDriver session did not begin'));
    this.#session = session;
    await this.run(WATCH_POLICY);
  }

  /** What the page's own policy stopped. */
  complaints() {
    return this.run('return window.stopped');
  }

  /** Sends a command, and calls the session hung when it does not answer. */
  #do(what, command) {
    return within(COMMAND_LIMIT, command, () => new Hung(`${what} got no answer`));
  }

  /** Waits for an element by its CSS selector. */
  find(selector, options) {
    return this.#wait(`an element ${selector}`, By.css(selector), options);
  }

  /** Waits for a button, tab, menu entry or link by what it is called. */
  button(name, options) {
    const words = literal(name);
    const path = `//*[self::button or @role='button' or @role='tab' or @role='menuitem' or self::a][@aria-label=${words} or @title=${words} or normalize-space(.)=${words}]`;
    return this.#wait(`a button ${name}`, By.xpath(path), options);
  }

  /** Waits for an element whose own text holds these words. */
  text(words, options) {
    return this.#wait(`the words ${words}`, By.xpath(`//*[text()[contains(., ${literal(words)})]]`), options);
  }

  #wait(what, by, { limit = 10_000 } = {}) {
    return until(
      what,
      async () => {
        for (const element of await this.#do(what, this.#session.findElements(by))) {
          if (await this.#do(what, element.isDisplayed())) return element;
        }
        return undefined;
      },
      { limit },
    );
  }

  /** What all elements say that fit a selector, in the order of the page, hidden words for screen readers included. */
  texts(selector) {
    const read = 'return [...document.querySelectorAll(arguments[0])].map((found) => found.textContent.trim())';
    return this.run(read, selector);
  }

  /** Waits until the first element that fits a selector says something that fits, and returns that. */
  async textOf(selector, fits) {
    return until(`a fitting text in ${selector}`, async () => (await this.texts(selector)).slice(0, 1).find(fits));
  }

  async press(name, options) {
    await this.#hit(name, () => this.button(name, options));
  }

  /** Clicks the first element shown that fits a CSS selector. */
  async click(selector) {
    await this.#hit(selector, () => this.find(selector));
  }

  /**
   * Clicks an element. WebDriver aims at a place on the screen: where the page moved meanwhile, the click lands beside
   * it, and is aimed once more. One that landed is never repeated, whatever came of it.
   */
  async #hit(what, find) {
    for (let attempt = 1; ; attempt += 1) {
      await this.#fresh(find, async (element) => {
        await this.run('window.hit = false; arguments[0].addEventListener("click", () => (window.hit = true), { capture: true, once: true })', element);
        await this.#do(what, element.click());
      });
      const landed = await until('the click', () => this.run('return window.hit'), { limit: 1_000 }).catch((error) => {
        if (error instanceof Hung) throw error;
        return false;
      });
      if (landed) return;
      if (attempt === 3) throw new Error(`no click landed on ${what}`);
    }
  }

  /** What the page says, for whoever looks into a failure. */
  words() {
    return this.run('return document.body.innerText.replace(/\\s+/g, " ").slice(0, 1500)');
  }

  /** Types into the first field shown that fits a CSS selector. */
  async type(selector, ...keys) {
    await this.#fresh(() => this.find(selector), (field) => this.#do('typing', field.sendKeys(...keys)));
  }

  /** Replaces what stands in a field. */
  async write(selector, text) {
    await this.#fresh(() => this.find(selector), (field) => this.#do('clearing', field.clear()));
    await this.type(selector, text);
  }

  /**
   * Finds an element and does something with it. An element that the page replaced in between, as when a box makes
   * way for the whole chat, has got nothing of it: it is found again.
   */
  async #fresh(find, act) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await act(await find());
      } catch (error) {
        if (attempt === 3 || error.name !== 'StaleElementReferenceError') throw error;
      }
    }
  }

  /** An attribute of the element that an XPath leads to. */
  async attribute(path, name) {
    return this.#fresh(
      () => this.#wait(path, By.xpath(path)),
      (element) => this.#do(path, element.getAttribute(name)),
    );
  }

  /** What stands in all fields that fit a selector. */
  values(selector) {
    return this.run('return [...document.querySelectorAll(arguments[0])].map((field) => field.value)', selector);
  }

  /** Signs in as a person does for the first time. */
  async signIn(address, { email, password }) {
    const fields = { 'connect-address': address, 'connect-email': email, 'connect-password': password };
    for (const [label, text] of Object.entries(fields)) {
      const id = await this.attribute(`//label[normalize-space(.)="${say[label]}"]`, 'for');
      await this.write(`input[id="${id}"]`, text);
    }
    await this.press(say.connect);
  }

  /** Runs a function in the page. */
  run(script, ...args) {
    return this.#do('a script', this.#session.executeScript(script, ...args));
  }

  /** The app's window on the desktop; its title ends with the app's name and begins with what is unread. */
  window() {
    return this.desktop.window('Deskbell$');
  }

  /**
   * A picture of the window as it stands on the desktop. Two frames are waited for, so that it shows what the page
   * says now; WebDriver's own pictures may be older, and never come at all where the engine draws without a device.
   */
  async picture(path) {
    const frames = 'const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()));';
    await this.#do('two frames', this.#session.executeAsyncScript(frames));
    await this.desktop.picture(path, await this.window());
  }

  /** The app's own process. */
  pid() {
    const program = realpathSync(built('deskbell'));
    return readdirSync('/proc').map(Number).filter(Boolean).find((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
        return readlinkSync(`/proc/${pid}/exe`) === program && environment.includes(`DESKBELL_DATA=${this.data}`);
      } catch {
        return false; // It has ended meanwhile, or is somebody else's.
      }
    });
  }

  /** Ends the app as a crash would: without a word. */
  async kill() {
    const pid = this.pid();
    if (pid) process.kill(pid, 'SIGKILL');
    await this.#driver?.stop('SIGKILL');
    await until('the end of the app', () => !this.pid());
  }

  /** Ends the session and with it the app. */
  async stop() {
    try {
      if (this.#session) await this.#do('the end of the session', this.#session.quit());
    } catch {
      // What does not end by itself is ended below.
    }
    await this.kill();
  }
}

/** A text as an XPath expression, whatever quotes it holds. */
function literal(text) {
  if (!text.includes('"')) return `"${text}"`;
  return `concat(${text.split('"').map((part) => `"${part}"`).join(`, '"', `)})`;
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
