// Files between the visitor and the desk. Every request carries the visitor's secret in a header, so a file has no
// address that works without it.
import { randomName } from '../shared/random';
import type { Attachment, AttachmentId, ErrorCode, Upload } from '../protocol.generated';

/** Largest file, in bytes. */
export const FILE_BYTES_MAX = 20 * 1024 * 1024;

/** Why a file did not go up or come down: the server's code, or `offline` when it could not be asked. */
export class FileError extends Error {
  constructor(readonly code: ErrorCode | 'offline') {
    super(code);
  }
}

async function ask(path: string, token: string, init: RequestInit): Promise<Response> {
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
  const refusal: unknown = await answer.json().catch(() => null);
  const code = (refusal as { code?: unknown } | null)?.code;
  if (typeof code === 'string') throw new FileError(code as ErrorCode);
  throw new FileError(answer.status === 413 ? 'too_large' : 'internal');
}

/** Uploads a file. Throws a `FileError`. */
export async function upload(file: File, token: string, signal: AbortSignal): Promise<Attachment> {
  const query = new URLSearchParams({ client_id: randomName(), name: file.name, size: String(file.size) });
  const answer = await ask(`/v1/uploads?${query.toString()}`, token, {
    method: 'POST',
    headers: { 'Content-Type': 'application/octet-stream' },
    body: file,
    signal,
  });
  const { attachment } = (await answer.json()) as Upload;
  if (!attachment) throw new FileError('offline');
  return attachment;
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
