// The desk's end of /v1/uploads, as docs/PROTOCOL.md has it, over a connection that breaks when it is told to.
import type { Attachment } from '../src/protocol.generated';

interface Waiting {
  name: string;
  size: number;
  bytes: Uint8Array;
}

export class Desk {
  /** Each request: its method, and where its bytes begin. */
  asked: string[] = [];
  tokens: string[] = [];
  /** Bytes after which the connection breaks; those before it count. */
  cutAfter: number | null = null;
  /** Requests stay without an answer. */
  hangs = false;
  /** Bytes are taken and not counted. */
  deaf = false;
  /** Uploads are forgotten so often before their second piece. */
  forgets = 0;
  refuses: { status: number; code: string; retry_after_ms?: number } | null = null;
  /** Happens just before bytes come. */
  before: (() => void) | null = null;

  private readonly waiting = new Map<string, Waiting>();

  /** Whether an upload has these bytes and no others. */
  has(client_id: string, bytes: Uint8Array): boolean {
    const here = this.waiting.get(client_id)?.bytes;
    return here?.length === bytes.length && here.every((byte, at) => byte === bytes[at]);
  }

  takes(client_id: string, bytes: Uint8Array): void {
    const upload = this.waiting.get(client_id);
    if (!upload) return;
    const all = new Uint8Array(upload.bytes.length + bytes.length);
    all.set(upload.bytes);
    all.set(bytes, upload.bytes.length);
    upload.bytes = all;
  }

  fetch = async (address: string, init: RequestInit = {}): Promise<Response> => {
    const { method = 'GET' } = init;
    const headers = new Headers(init.headers);
    const url = new URL(address, 'https://desk.test');
    const offset = Number(headers.get('Upload-Offset'));
    this.asked.push(method === 'PATCH' ? `PATCH ${offset}` : method);
    this.tokens.push(headers.get('Authorization') ?? 'Visitor secret');
    if (init.signal?.aborted) throw new DOMException('', 'AbortError');
    if (this.hangs) {
      await new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError'))));
    }
    if (this.refuses) return json(this.refuses.status, this.refuses);
    const client_id = url.searchParams.get('client_id') ?? url.pathname.split('/').at(-1) ?? '';
    if (method === 'POST' && !this.waiting.has(client_id)) {
      const [name, size] = [url.searchParams.get('name') ?? '', Number(url.searchParams.get('size'))];
      this.waiting.set(client_id, { name, size, bytes: new Uint8Array() });
    }
    if (method === 'PATCH') this.before?.();
    const upload = this.waiting.get(client_id);
    if (!upload) return json(404, { code: 'not_found', message: '' });
    if (method === 'DELETE') {
      this.waiting.delete(client_id);
      return new Response(null, { status: 204 });
    }
    if (method === 'PATCH') {
      if (offset > 0 && this.forgets > 0) {
        this.forgets -= 1;
        this.waiting.delete(client_id);
        return json(404, { code: 'not_found', message: '' });
      }
      if (offset !== upload.bytes.length) return json(409, { code: 'conflict', message: '' });
      const body = new Uint8Array(init.body as ArrayBuffer);
      const room = this.cutAfter === null ? body.length : Math.max(0, this.cutAfter - upload.bytes.length);
      if (!this.deaf) this.takes(client_id, body.slice(0, room));
      if (room < body.length) throw new TypeError('the connection broke');
    }
    const { name, size, bytes } = upload;
    const attachment: Attachment | null =
      bytes.length === size ? { id: this.waiting.size, name, mime: 'application/pdf', size, picture: null } : null;
    return json(200, { offset: bytes.length, size, attachment });
  };
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status });
}
