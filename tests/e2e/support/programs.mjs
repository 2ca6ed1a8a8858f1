// Programs of the product and of the system, started for one journey and ended with it.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Where pictures and logs of the journeys go. */
export const results = process.env.DESKBELL_RESULTS ?? join(root, 'target/e2e');

/** The visitor's browser. */
export const browserPath = process.env.DESKBELL_BROWSER ?? '/usr/bin/chromium';

// `cargo xtask setup` keeps tools there.
process.env.PATH = [join(homedir(), '.cache/deskbell/tools/bin'), process.env.PATH].join(delimiter);

/** A program that cargo built. */
export function built(name) {
  return join(process.env.DESKBELL_BIN ?? join(root, 'target/debug'), name);
}

/**
 * Looks again and again until `look` gives something true, and returns that.
 * @param {string} what completes the sentence "… did not happen".
 */
export async function until(what, look, { limit = 10_000, every = 25 } = {}) {
  const end = performance.now() + limit;
  let last;
  for (;;) {
    try {
      const found = await look();
      if (found) return found;
      last = undefined;
    } catch (error) {
      if (error instanceof Hung) throw error;
      last = error;
    }
    if (performance.now() > end) throw new Error(`${what} did not happen within ${limit} ms`, { cause: last });
    await sleep(every);
  }
}

/** A WebDriver session that answers no more. Journeys are tried once more after it, and after nothing else. */
export class Hung extends Error {}

/** Gives up on a promise. */
export async function within(limit, promise, describe) {
  const clock = new AbortController();
  const late = sleep(limit, undefined, { signal: clock.signal }).then(() => {
    throw describe();
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clock.abort();
    late.catch(() => {});
  }
}

/** Programs that run now; none of them outlives this one. */
const running = new Set();
process.on('exit', () => running.forEach((program) => program.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

/** One running program with what it starts in turn. What it says goes to a file among the results. */
export class Program {
  #child;
  #lines = [];
  #listeners = new Set();
  #ended;

  constructor(name, path, args, { env = process.env, cwd = root, input = 'ignore' } = {}) {
    this.name = name;
    mkdirSync(results, { recursive: true });
    this.log = join(results, `${name}.log`);
    const log = createWriteStream(this.log, { flags: 'a' });
    log.write(`\n$ ${path} ${args.join(' ')}\n`);
    // A group of its own, so that what it starts ends with it.
    this.#child = spawn(path, args, { env, cwd, stdio: [input, 'pipe', 'pipe'], detached: true });
    running.add(this);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        log.write(`${line}\n`);
        if (stream !== this.#child.stdout) return;
        this.#lines.push(line);
        for (const listen of this.#listeners) listen(line);
      });
    }
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error));
      this.#child.once('exit', (code, signal) => resolve(new Error(`${name} ended (${signal ?? code}), see ${this.log}`)));
    });
    void this.#ended.then(() => {
      running.delete(this);
      log.end();
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** The first line of standard output for which `read` gives something true; that is returned. */
  async line(read, limit = 20_000) {
    let listen;
    const found = new Promise((resolve) => {
      listen = (line) => {
        const value = read(line);
        if (value) resolve(value);
      };
      this.onLine(listen);
      this.#lines.forEach(listen);
    });
    const ended = this.#ended.then((error) => {
      throw error;
    });
    ended.catch(() => {});
    try {
      return await within(limit, Promise.race([found, ended]), () => new Error(`${this.name} is silent, see ${this.log}`));
    } finally {
      this.#listeners.delete(listen);
    }
  }

  /** Says a line to its standard input. */
  say(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Hears every line from now on. */
  onLine(listen) {
    this.#listeners.add(listen);
  }

  /** Sends a signal to it and to all it has started. */
  kill(signal) {
    try {
      process.kill(-this.#child.pid, signal);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error; // It has ended by itself.
    }
  }

  get running() {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.pid !== undefined;
  }

  /** Ends it, and waits for the end. */
  async stop(signal = 'SIGTERM') {
    if (!this.running) return;
    this.kill(signal);
    await within(5_000, this.#ended, () => new Error(`${this.name} does not end`)).catch(() => this.kill('SIGKILL'));
    await this.#ended;
  }
}

/** Reads a line of JSON; `undefined` for any other line. */
export function json(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Runs a program to its end and returns what it printed. */
export async function output(path, args, { env = process.env, input } = {}) {
  const child = spawn(path, args, { env, cwd: root, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
  let said = '';
  let complaint = '';
  child.stdout.on('data', (data) => (said += data));
  child.stderr.on('data', (data) => (complaint += data));
  child.stdin?.end(input);
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`${path} ${args.join(' ')} failed (${code}): ${complaint}`);
  return said;
}

/** A port of this computer on which nobody listens. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
