// A desk server of its own, as an administrator sets one up, and the app's page served to a browser.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Program, built, freePort, json, output } from './programs.mjs';

export const ANN = { name: 'Ann', email: 'ann@desk.test', password: 'correct horse battery staple' };
export const BEN = { name: 'Ben', email: 'ben@desk.test', password: 'twelve angry teapots sing' };

/** Settings with which replies go at once, in the app's directory: a journey has nothing to undo. */
export function repliesAtOnce(data) {
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, 'settings.json'), JSON.stringify({ undo_send: false }));
}

/** A server with one agent, and one site for a shop that is yet to open. */
export class Server {
  #program;

  /** Makes a desk of this name in a directory and starts its server. */
  static async start(directory, name = 'Test Desk') {
    const server = new Server();
    server.data = join(directory, `server ${name}`);
    await server.#run(['init', '--name', name]);
    await server.hire(ANN, ['--admin']);
    server.shop = `127.0.0.1:${await freePort()}`;
    const snippet = await server.#run(['site', 'add', '--name', 'Shop', '--origin', `http://${server.shop}`]);
    server.site = /data-site="([^"]+)"/.exec(snippet)[1];
    await server.#serve('127.0.0.1:0');
    return server;
  }

  #run(args, input) {
    return output(built('deskbell-server'), [...args, '--data', this.data], { input });
  }

  /** Adds an agent. */
  async hire({ name, email, password }, rights = []) {
    await this.#run(['agent', 'add', '--name', name, '--email', email, ...rights], `${password}\n`);
  }

  /** Opens the shop that carries this desk's messenger. */
  openShop() {
    return Shop.open({ desk: this.address, site: this.site, listen: this.shop });
  }

  async #serve(listen) {
    this.#program = new Program('server', built('deskbell-server'), ['serve', '--data', this.data, '--listen', listen]);
    this.address = await this.#program.line((line) => /^Listening on (\S+)/.exec(line)?.[1]);
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

  /** @param {{ desk: string, site: string, listen: string }} options */
  static async open({ desk, site, listen }) {
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
    const data = join(directory, 'app');
    repliesAtOnce(data);
    const args = ['--listen', '127.0.0.1:0', '--data', data, '--ui', 'ui/dist'];
    host.#program = new Program('devhost', built('deskbell-devhost'), args);
    host.address = await host.#program.line((line) => json(line)?.listening);
    return host;
  }

  async stop() {
    await this.#program.stop();
  }
}
