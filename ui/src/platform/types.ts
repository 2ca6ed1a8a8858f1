/** The door to the program around the page. Nothing else in the page knows what that program is. */
import type { ApiError, AppEvent, AttachmentId, Commands, ConversationRef } from './generated';

export interface Platform {
  /** Runs a command. Rejects with a `CommandError`. */
  call<Name extends keyof Commands>(name: Name, request: Commands[Name][0]): Promise<Commands[Name][1]>;
  /** Listens to events until the returned function is called. */
  subscribe(listener: (event: AppEvent) => void): () => void;
  /** Address of a picture of a chat that may be shown. */
  pictureUrl(conversation: ConversationRef, attachment: AttachmentId): string;
}

/** A command that failed, with a code that the page has a sentence for. */
export class CommandError extends Error {
  readonly error: ApiError;

  constructor(error: ApiError) {
    super(error.detail);
    this.error = error;
  }

  /** Makes one of whatever a host rejects with: its own errors, or the plain strings of a denied permission. */
  static from(cause: unknown): CommandError {
    if (cause instanceof CommandError) return cause;
    if (typeof cause === 'object' && cause !== null && 'code' in cause && 'detail' in cause) {
      return new CommandError(cause as ApiError);
    }
    return new CommandError({ code: 'internal', detail: String(cause), field: null });
  }
}
