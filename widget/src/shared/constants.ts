/** The protocol's version; a server of another version ends the connection. */
export const PROTOCOL = 1;
/** The name under which the WebSocket subprotocol is negotiated. */
export const SUBPROTOCOL = 'chat.v1';
/** What both halves of the widget call themselves. */
export const APP = 'deskbell-widget 0.1.0';
/** Signs of life go out this often, in milliseconds. */
export const HEARTBEAT_MS = 15_000;
/** A connection without any frame for this long is dead, in milliseconds. */
export const DEAD_MS = 35_000;
/** A connection that is not up within this time is given up, in milliseconds. */
export const CONNECT_MS = 15_000;
/** A connection that lived this long counts as stable, and the next pause is short again, in milliseconds. */
export const STABLE_MS = 10_000;
