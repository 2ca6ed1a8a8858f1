// A desk server of its own, as an administrator sets one up, and the app's page served to a browser.
import { join } from 'node:path';
import { Program, built, json, output } from './programs.mjs';

export const ANN = { name: 'Ann', email: 'ann@desk.test', password: 'correct horse battery staple' };

/** A server with one agent and one shop. */
export class Server {
  #program;

  /** Makes a desk in a directory, starts its server, and opens a shop that carries its messenger. */
  static async start(directory) {
    const server = new Server();
    server.data = join(directory, 'server');
    const run = (args, input) => output(built('deskbell-server'), [...args, '--data', server.data], { input });
    await run(['init', '--name', 'Test Desk']);
    await run(['agent', 'add', '--name', ANN.name, '--email', ANN.email, '--admin'], `${ANN.password}\n`);
    await server.#serve('127.0.0.1:0');
    return server;
  }

  /** The lines for a shop's pages, made for pages of this origin; returns the site's key. */
  async addSite(origin) {
    const args = ['site', 'add', '--data', this.data, '--name', 'Shop', '--origin', origin];
    const lines = await output(built('deskbell-server'), args);
    return /data-site="([^"]+)"/.exec(lines)[1];
  }

  async #serve(listen) {
    this.#program = new Program('server', built('deskbell-server'), ['serve', '--data', this.data, '--listen', listen]);
    this.address = await this.#program.line((line) => json(line)?.listening);
  }

  /** Ends the server as a power cut would. */
  async kill() {
    await this.#program.stop('SIGKILL');
  }

  /** Starts it again with the same data at the same address. */
  async startAgain() {
    await this.#serve(new URL(this.address).host);
  }

  async stop() {
    await this.#program?.stop();
  }
}

/** The demo shop, whose pages carry the messenger of a desk. */
export class Shop {
  #program;

  /** @param {{ desk: string, site: string, listen?: string }} options */
  static async open({ desk, site, listen = '127.0.0.1:0' }) {
    const shop = new Shop();
    shop.#program = new Program('shop', built('demo-shop'), ['--listen', listen, '--desk', desk, '--site', site]);
    shop.address = await shop.#program.line((line) => json(line)?.listening);
    return shop;
  }

  async stop() {
    await this.#program.stop();
  }
}

/** The app without its window: its page is served to a browser. */
export class Devhost {
  #program;

  static async start(directory) {
    const host = new Devhost();
    const args = ['--listen', '127.0.0.1:0', '--data', join(directory, 'app'), '--ui', 'ui/dist'];
    host.#program = new Program('devhost', built('deskbell-devhost'), args);
    host.address = await host.#program.line((line) => json(line)?.listening);
    return host;
  }

  async stop() {
    await this.#program.stop();
  }
}
