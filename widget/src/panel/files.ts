// Files between the visitor and the desk. Every request carries the visitor's secret in a header, so a file has no
// address that works without it.
import type { Attachment, AttachmentId, ClientId, ErrorCode, Upload } from '../protocol.generated';

/** Largest file, in bytes. */
export const FILE_BYTES_MAX = 20 * 1024 * 1024;

/** Bytes of one request: what a connection that breaks may have sent in vain. */
export const PIECE_BYTES = 256 * 1024;
/** How long a request may take, in milliseconds. What has come by then counts all the same. */
const PIECE_MS = 30_000;
/** A file that the desk forgets so often in a row, and bytes that it counts no further so often, are left for later. */
const STARTS_MAX = 3;
const STALLS_MAX = 3;

/**
 * Why a file did not go up or come down: the server's code, `offline` when it could not be asked, `unreadable` when the
 * browser cannot read the file any more, or `empty` when nothing is in it.
 */
export class FileError extends Error {
  constructor(
    readonly code: ErrorCode | 'offline' | 'unreadable' | 'empty',
    /** Milliseconds that the server wants to be left alone. */
    readonly retryAfterMs = 0,
  ) {
    super(code);
  }
}

/** Asks the desk for something over HTTP, as the visitor. Throws a `FileError`. */
export async function ask(path: string, token: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      ...init,
      headers: { ...init.headers, Authorization: `Visitor ${token}` },
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new FileError('offline');
  }
  if (answer.ok) return answer;
  const refusal = (await answer.json().catch(() => null)) as { code?: unknown; retry_after_ms?: unknown } | null;
  const wait = typeof refusal?.retry_after_ms === 'number' ? refusal.retry_after_ms : 0;
  if (typeof refusal?.code === 'string') throw new FileError(refusal.code as ErrorCode, wait);
  throw new FileError(answer.status === 413 ? 'too_large' : 'internal');
}

/** Asks about an upload, for so long at the most: a connection that only looks alive would keep it for minutes. */
async function askUpload(path: string, token: string, signal: AbortSignal, init: RequestInit = {}): Promise<Upload> {
  const ending = new AbortController();
  const end = () => ending.abort();
  const late = setTimeout(end, PIECE_MS);
  signal.addEventListener('abort', end);
  try {
    const answer = await ask(path, token, { ...init, signal: ending.signal });
    return (await answer.json()) as Upload;
  } catch (failure) {
    throw failure instanceof FileError ? failure : new FileError('offline');
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', end);
  }
}

/**
 * Brings a file to the desk, piece by piece, from wherever it has it under this name. Throws a `FileError`; the same
 * call again goes on from there.
 *
 * @param tell hears how many bytes the desk has
 */
export async function upload(
  file: File,
  client_id: ClientId,
  token: string,
  signal: AbortSignal,
  tell: (offset: number) => void,
): Promise<Attachment> {
  for (let starts = 0; starts < STARTS_MAX; starts += 1) {
    const query = new URLSearchParams({ client_id, name: file.name, size: String(file.size) });
    let at = await askUpload(`/v1/uploads?${query.toString()}`, token, signal, { method: 'POST' });
    for (let stalls = 0; stalls <= STALLS_MAX; ) {
      tell(at.offset);
      if (at.attachment) return at.attachment;
      const next = await append(file, at.offset, client_id, token, signal);
      if (!next) break;
      stalls = next.offset > at.offset ? 0 : stalls + 1;
      at = next;
    }
  }
  throw new FileError('busy');
}

/** Sends the next bytes. `null`: the desk knows of no such upload any more. */
async function append(file: File, offset: number, client_id: ClientId, token: string, signal: AbortSignal): Promise<Upload | null> {
  const body = await file
    .slice(offset, offset + PIECE_BYTES)
    .arrayBuffer()
    .catch(() => {
      throw new FileError('unreadable');
    });
  const headers = { 'Content-Type': 'application/octet-stream', 'Upload-Offset': String(offset) };
  try {
    return await askUpload(`/v1/uploads/${client_id}`, token, signal, { method: 'PATCH', headers, body });
  } catch (failure) {
    const { code } = failure as FileError;
    if (code === 'not_found') return null;
    if (code === 'conflict') return find(client_id, token, signal);
    throw failure;
  }
}

/** What the desk has of an upload; `null`: nothing. Throws a `FileError`. */
export async function find(client_id: ClientId, token: string, signal: AbortSignal): Promise<Upload | null> {
  try {
    return await askUpload(`/v1/uploads/${client_id}`, token, signal);
  } catch (failure) {
    if ((failure as FileError).code === 'not_found') return null;
    throw failure;
  }
}

/** Tells the desk that nobody needs an upload any more. One that does not hear it clears it away by itself. */
export async function cancel(client_id: ClientId, token: string): Promise<void> {
  await ask(`/v1/uploads/${client_id}`, token, { method: 'DELETE', keepalive: true }).catch(() => undefined);
}

/** Fetches a file. Throws a `FileError`. */
export async function download(id: AttachmentId, token: string, signal?: AbortSignal): Promise<Blob> {
  const answer = await ask(`/v1/files/${id}`, token, signal ? { signal } : {});
  try {
    return await answer.blob();
  } catch {
    throw new FileError('offline');
  }
}

/** Hands bytes to the browser as a download. They are saved, never shown or run. */
export function saveAs(blob: Blob, name: string): void {
  // A neutral type: whatever the file is, the browser has no viewer for it.
  const address = URL.createObjectURL(new Blob([blob], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
