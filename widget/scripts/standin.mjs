// A small desk for looking at the widget without the real server: it speaks the visitor's part of chat.v1 from memory,
// and serves the built widget with the headers that the real server sends. The conversation's other side is a script.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';

const root = fileURLToPath(new URL('../../', import.meta.url));
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const name = () => randomBytes(16).toString('hex');

export const SITE = 'demo';
export const ANN = { who: 'agent', id: 1, name: 'Ann' };

async function serveFile(response, directory, path, headers, fill = (text) => text) {
  try {
    const file = join(directory, normalize(`/${path}`));
    const type = TYPES[extname(file)] ?? 'application/octet-stream';
    const bytes = await readFile(file);
    response.writeHead(200, { 'Content-Type': `${type}; charset=utf-8`, ...headers });
    response.end(type === 'text/html' ? fill(bytes.toString()) : bytes);
  } catch {
    response.writeHead(404).end();
  }
}

function listen(server, port) {
  return new Promise((done) => server.listen(port, '127.0.0.1', () => done(server.address().port)));
}

/** The demo shop with a host's strict policy. */
export async function startShop(desk, { html = (text) => text, port = 0 } = {}) {
  const socket = desk.replace(/^http/, 'ws');
  const policy = [
    "default-src 'self'",
    `script-src 'self' ${desk}`,
    `frame-src ${desk}`,
    `connect-src ${desk} ${socket}`,
    "style-src 'self'",
    "img-src 'self' data:",
  ].join('; ');
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://shop');
    const path = pathname === '/' ? 'index.html' : pathname;
    const fill = (text) => html(text.replaceAll('{{desk}}', desk).replaceAll('{{site}}', SITE));
    void serveFile(response, join(root, 'shop'), path, { 'Content-Security-Policy': policy }, fill);
  });
  const used = await listen(server, port);
  return { origin: `http://127.0.0.1:${used}`, close: () => new Promise((done) => server.close(done)) };
}

/** The desk. `origins` are the pages that may embed the panel. */
export class StandIn {
  online = true;
  desk = 'Kiln & Leaf';
  head = 10;
  epoch = name();
  log = [];
  messages = [];
  conversation = null;
  panels = new Set();
  pages = new Set();
  /** Every frame that came in, with the part that sent it. */
  heard = [];
  files = new Map();
  /** What can be read, by its id. */
  articles = new Map();
  uploads = new Map();
  commands = new Map();
  token = null;
  origins = [];
  /** Set to refuse the next message for good. */
  refuseNext = false;
  /** Set to leave commands unanswered. */
  mute = false;

  async start(port = 0) {
    this.server = createServer((request, response) => void this.#http(request, response));
    this.sockets = new WebSocketServer({ server: this.server, path: '/v1/socket', handleProtocols: () => 'chat.v1' });
    this.sockets.on('connection', (socket, request) => this.#connect(socket, request));
    const used = await listen(this.server, port);
    this.origin = `http://127.0.0.1:${used}`;
    return this;
  }

  async stop() {
    for (const socket of this.sockets.clients) socket.terminate();
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  #policy() {
    return [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' blob:",
      "connect-src 'self' ws: wss:",
      "font-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      `frame-ancestors ${this.origins.join(' ') || "'none'"}`,
      "require-trusted-types-for 'script'",
      'trusted-types svelte-trusted-html',
    ].join('; ');
  }

  async #http(request, response) {
    const { pathname, searchParams } = new URL(request.url, 'http://desk');
    const dist = join(root, 'widget/dist');
    if (pathname === '/w/panel') return serveFile(response, dist, 'panel.html', { 'Content-Security-Policy': this.#policy() });
    if (pathname.startsWith('/w/')) return serveFile(response, dist, pathname.slice('/w/'.length), {});
    if (request.headers.authorization !== `Visitor ${this.token}`) {
      response.writeHead(401, { 'Content-Type': 'application/json' });
      return response.end(JSON.stringify({ code: 'expired', message: 'Unknown token.' }));
    }
    if (pathname.startsWith('/v1/uploads')) return this.#upload(request, response, pathname.split('/')[3] ?? null, searchParams);
    if (pathname.startsWith('/v1/articles')) {
      const article = this.articles.get(Number(pathname.split('/')[3]));
      response.writeHead(article ? 200 : 404, { 'Content-Type': 'application/json' });
      return response.end(JSON.stringify(article ?? { code: 'not_found', message: 'There is no such article.' }));
    }
    const file = this.files.get(Number(pathname.split('/').at(-1)));
    if (!file) return response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': file.mime });
    response.end(file.bytes);
  }

  /** Takes a file in pieces, as the desk does. `id`: the name of one that has begun. */
  async #upload(request, response, id, query) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const answer = (status, body) => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (request.method === 'POST') {
      if (query.get('name').endsWith('.exe')) return answer(415, { code: 'unsupported_type', message: 'Programs are not accepted.' });
      id = query.get('client_id');
      if (!this.uploads.has(id)) this.uploads.set(id, { name: query.get('name'), size: Number(query.get('size')), bytes: Buffer.alloc(0) });
    }
    const upload = this.uploads.get(id);
    if (!upload) return answer(404, { code: 'not_found', message: 'There is no such upload.' });
    if (request.method === 'PATCH' && Number(request.headers['upload-offset']) !== upload.bytes.length)
      return answer(409, { code: 'conflict', message: 'The desk has another number of bytes.' });
    upload.bytes = Buffer.concat([upload.bytes, ...parts]);
    if (upload.bytes.length === upload.size) upload.attachment ??= this.addFile(upload.name, upload.bytes);
    return answer(200, { offset: upload.bytes.length, size: upload.size, attachment: upload.attachment });
  }

  addFile(fileName, bytes) {
    const png = bytes.subarray(1, 4).toString() === 'PNG';
    const id = this.files.size + 1;
    const mime = png ? 'image/png' : 'application/octet-stream';
    const picture = png ? { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) } : null;
    this.files.set(id, { bytes, mime });
    return (this.files.get(id).attachment = { id, name: fileName, mime, size: bytes.length, picture });
  }

  #connect(socket, request) {
    let session = null;
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data));
      this.heard.push({ part: session?.part ?? frame.visitor?.part, origin: request.headers.origin, frame });
      if (frame.type === 'hello') session = this.#hello(socket, frame);
      else if (frame.type === 'cmd') this.#command(socket, frame);
      else if (frame.type === 'hist') this.#history(socket, frame);
    });
    socket.on('close', () => {
      this.panels.delete(socket);
      this.pages.delete(socket);
    });
  }

  #send(socket, frame) {
    socket.send(JSON.stringify(frame));
  }

  #unread() {
    const read = this.conversation?.visitor_read ?? 0;
    return this.messages.filter(({ author, number }) => author.who === 'agent' && number > read).length;
  }

  #hello(socket, { visitor, cursor }) {
    const { part } = visitor;
    const known = part === 'panel' && this.token !== null && visitor.token === this.token;
    if (part === 'panel' && !known) {
      // Another visitor: nothing of the one before is theirs.
      this.token = name();
      this.conversation = null;
      this.messages = [];
      this.log = [];
    }
    const delta = known && cursor?.epoch === this.epoch;
    this.#send(socket, {
      type: 'welcome',
      session: name(),
      epoch: this.epoch,
      head: this.head,
      server_time: Date.now(),
      heartbeat_ms: 15_000,
      mode: part === 'page' || delta ? 'delta' : 'snapshot',
      visitor: {
        token: part === 'panel' && !known ? this.token : null,
        conversation: this.conversation?.id ?? null,
        desk: part === 'panel' ? this.desk : '',
        online: this.online,
        unread: this.#unread(),
      },
    });
    (part === 'panel' ? this.panels : this.pages).add(socket);
    if (part === 'panel' && delta) {
      const changes = this.log.filter(({ seq }) => seq > cursor.seq);
      this.#send(socket, { type: 'delta', from: cursor.seq, to: this.head, changes, more: false });
    } else if (part === 'panel') {
      const generation = name();
      const put = (entity, data) => ({ seq: this.head, kind: 'put', entity, id: data.id, data });
      const rows = this.conversation
        ? [put('conversation', this.conversation), ...this.messages.slice(-50).map((message) => put('message', message))]
        : [];
      this.#send(socket, { type: 'snap', generation, base: this.head, rows, next: null });
      this.#send(socket, { type: 'snap_end', generation, base: this.head });
    }
    return { part };
  }

  #publish(changes) {
    const from = this.head;
    for (const change of changes) {
      this.head += 1;
      change.seq = this.head;
      this.log.push(change);
    }
    for (const panel of this.panels) this.#send(panel, { type: 'delta', from, to: this.head, changes, more: false });
    for (const page of this.pages) this.#send(page, { type: 'eph', kind: 'unread', count: this.#unread() });
  }

  #append(author, kind, text, attachments, client_id, more = {}) {
    this.conversation ??= { id: 7, kind: 'customer', state: 'open', visitor_read: 0, last_number: 0 };
    const number = this.messages.length + 1;
    const message = {
      id: 100 + number,
      conversation: 7,
      number,
      author,
      kind,
      text,
      attachments,
      client_id,
      created_at: Date.now(),
      ...more,
    };
    this.messages.push(message);
    this.conversation = { ...this.conversation, last_number: number };
    this.#publish([
      { kind: 'put', entity: 'conversation', id: 7, data: this.conversation },
      { kind: 'put', entity: 'message', id: message.id, data: message, ...(client_id ? { client_id } : {}) },
    ]);
    return message;
  }

  #command(socket, { client_id, op, args }) {
    if (this.mute) return;
    if (op === 'mark_read') {
      this.conversation = { ...this.conversation, visitor_read: Math.max(this.conversation.visitor_read, args.number) };
      this.#publish([{ kind: 'put', entity: 'conversation', id: 7, data: this.conversation }]);
    } else if (this.refuseNext) {
      this.refuseNext = false;
      return this.#send(socket, { type: 'nack', client_id, code: 'invalid', message: 'text: too long.', retry_after_ms: null, current: null });
    }
    const before = this.commands.get(client_id);
    if (before) return this.#send(socket, { ...before, duplicate: true });
    let made = null;
    if (op === 'send') {
      const attachments = args.attachments.map((id) => this.files.get(id).attachment);
      made = this.#append({ who: 'visitor' }, 'reply', args.text, attachments, client_id);
    }
    const ack = { type: 'ack', client_id, seq: this.head, id: made?.id ?? null, number: made?.number ?? null, duplicate: false };
    this.commands.set(client_id, ack);
    this.#send(socket, ack);
  }

  #history(socket, { request, before, limit }) {
    const found = this.messages.filter(({ number }) => number < before).slice(-limit);
    this.#send(socket, {
      type: 'hist_page',
      request,
      conversation: 7,
      from: found[0]?.number ?? 1,
      to: before - 1,
      messages: found.map((data) => ({ seq: 1, kind: 'put', entity: 'message', id: data.id, data })),
    });
  }

  /** Ann writes. */
  say(text, attachments = []) {
    return this.#append(ANN, 'reply', text, attachments, null);
  }

  /** A flow of the desk asks, and offers answers. */
  ask(text, labels) {
    const number = this.messages.length + 1;
    const choices = labels.map((label, at) => ({ key: `${number}.${at}`, label }));
    return this.#append({ who: 'desk' }, 'reply', text, [], null, { choices });
  }

  /** Ann sends an article, which can be read. */
  bring(article) {
    const { id, title, body, language } = article;
    this.articles.set(id, article);
    return this.#append(ANN, 'reply', '', [], null, { article: { id, title, summary: body.split('\n')[0], language } });
  }

  /** The desk itself says something by its code. */
  system(code) {
    return this.#append({ who: 'desk' }, 'system', code, [], null);
  }

  /** Ann begins to type, or stops. */
  type(typing) {
    const frame = { type: 'eph', kind: 'typing', conversation: 7, author: ANN, typing, ttl_ms: 6_000 };
    for (const panel of this.panels) this.#send(panel, frame);
  }

  /** The last agent leaves, or the first one comes. */
  setOnline(online) {
    this.online = online;
    for (const socket of [...this.panels, ...this.pages]) this.#send(socket, { type: 'eph', kind: 'agents', agents: [], online });
  }

  /** All connections break, without a word. */
  cut() {
    for (const socket of this.sockets.clients) socket.terminate();
  }
}
