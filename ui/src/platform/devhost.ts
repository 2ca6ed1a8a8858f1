/** A host that speaks HTTP and WebSocket: the real page in a browser, for tests and quick work. */
import type { AppEvent } from './generated';
import { CommandError, type Platform } from './types';

const AGAIN_MS = 1000;

export function devhost(): Platform {
  return {
    async call(name, request) {
      try {
        const answer = await fetch(`/call/${name}`, { method: 'POST', body: JSON.stringify(request) });
        const body = await answer.json();
        if (!answer.ok) throw CommandError.from(body);
        return body;
      } catch (cause) {
        throw CommandError.from(cause);
      }
    },
    subscribe(listener) {
      let socket: WebSocket | undefined;
      let listening = true;
      const connect = () => {
        if (!listening) return;
        socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/events`);
        socket.onmessage = (message) => listener(JSON.parse(String(message.data)) as AppEvent);
        socket.onclose = () => setTimeout(connect, AGAIN_MS);
      };
      connect();
      return () => {
        listening = false;
        socket?.close();
      };
    },
    pictureUrl: (conversation, attachment) => `/media/${conversation}/${attachment}`,
  };
}
