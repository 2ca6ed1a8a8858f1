/** The native program. The only file that knows it is Tauri. */
import { Channel, convertFileSrc, invoke } from '@tauri-apps/api/core';
import type { AppEvent } from './generated';
import { CommandError, type Platform } from './types';

export function tauri(): Platform {
  return {
    async call(name, request) {
      try {
        return await invoke(name, { request });
      } catch (cause) {
        throw CommandError.from(cause);
      }
    },
    subscribe(listener) {
      let listening = true;
      const channel = new Channel<AppEvent>();
      channel.onmessage = (event) => {
        if (listening) listener(event);
      };
      invoke('subscribe', { channel }).catch((cause: unknown) => console.error(CommandError.from(cause).message));
      return () => {
        listening = false;
      };
    },
    pictureUrl: (conversation, attachment) => `${convertFileSrc(conversation, 'media')}/${attachment}`,
  };
}
