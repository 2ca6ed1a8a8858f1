// What the loader in the shop's page and the panel in its frame may tell each other, and who is believed.
//
// The shop's page is not trusted with the conversation, and the panel is not trusted with the page. Window messages
// serve only to hand over one port; everything after that goes through the port, which no other script can hear.
// The visitor's token is in none of these messages.
import { LANGUAGES, type Language } from './language';

/** What the panel has to know before it connects. */
export interface PanelSettings {
  /** The loader's random name for this browser or page; empty: the visitor is not tracked. */
  presence: string | null;
  /** Whether the conversation may outlive the tab. */
  keep: boolean;
  /** The language to speak. */
  language: Language;
  /** Whether the panel fills the screen. */
  full: boolean;
  /** Who the shop's server has signed that the visitor is; `null`: they are signed out; left out: the page does not say. */
  identity?: string | null | undefined;
}

/** From the loader to the panel, through the port. */
export type ToPanel =
  | { type: 'open'; focus: boolean }
  | { type: 'close' }
  | { type: 'settings'; settings: PanelSettings };

/** From the panel to the loader, through the port. */
export type ToLoader =
  | { type: 'close' }
  | { type: 'unread'; count: number }
  | { type: 'resize'; larger: boolean }
  | { type: 'conversation'; exists: boolean }
  | { type: 'identity' };

/** Longest identity that the desk reads, in characters. */
const IDENTITY_MAX = 4096;

/** The panel's only window message: its script runs and waits for a port. It carries nothing else. */
export const READY = 'deskbell:ready';
/** The loader's only window message: the port and the settings. */
export const PORT = 'deskbell:port';

/** A window message as far as the guards look at it. */
export interface WindowMessage {
  source: unknown;
  origin: string;
  data: unknown;
  ports?: readonly MessagePort[];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether these are settings with every field as it must be. */
export function readSettings(value: unknown): PanelSettings | null {
  if (!isRecord(value)) return null;
  const { presence, keep, language, full, identity } = value;
  const named = presence === null || (typeof presence === 'string' && /^[0-9a-f]{32}$/.test(presence));
  const spoken = LANGUAGES.find((known) => known === language);
  if (!named || !spoken || typeof keep !== 'boolean' || typeof full !== 'boolean') return null;
  const read = typeof identity === 'string' && identity.length <= IDENTITY_MAX ? identity : undefined;
  // A template leaves it empty where nobody is signed in.
  const signed = identity === null || identity === '' ? null : read;
  return { presence: presence as string | null, keep, language: spoken, full, identity: signed };
}

/**
 * Whether a window message is the panel's call for its port: from the frame's own window, from the desk's origin,
 * and exactly the word.
 */
export function isReady(message: WindowMessage, frame: unknown, desk: string): boolean {
  return Boolean(frame) && message.source === frame && message.origin === desk && message.data === READY;
}

/** The settings and the port of a window message of the embedding page; `null` for everything else. */
export function acceptPort(
  message: WindowMessage,
  parent: unknown,
  host: string,
): { port: MessagePort; settings: PanelSettings } | null {
  if (!parent || message.source !== parent || message.origin !== host) return null;
  if (!isRecord(message.data) || message.data.type !== PORT) return null;
  const settings = readSettings(message.data.settings);
  const [port, ...more] = message.ports ?? [];
  if (!settings || !port || more.length > 0) return null;
  return { port, settings };
}

/** A message of the loader, or `null` when it is not one. */
export function readToPanel(value: unknown): ToPanel | null {
  if (!isRecord(value)) return null;
  switch (value.type) {
    case 'open':
      return typeof value.focus === 'boolean' ? { type: 'open', focus: value.focus } : null;
    case 'close':
      return { type: 'close' };
    case 'settings': {
      const settings = readSettings(value.settings);
      return settings && { type: 'settings', settings };
    }
    default:
      return null;
  }
}

/** A message of the panel, or `null` when it is not one. */
export function readToLoader(value: unknown): ToLoader | null {
  if (!isRecord(value)) return null;
  switch (value.type) {
    case 'close':
    case 'identity':
      return { type: value.type };
    case 'unread':
      return typeof value.count === 'number' && Number.isInteger(value.count) && value.count >= 0
        ? { type: 'unread', count: value.count }
        : null;
    case 'resize':
      return typeof value.larger === 'boolean' ? { type: 'resize', larger: value.larger } : null;
    case 'conversation':
      return typeof value.exists === 'boolean' ? { type: 'conversation', exists: value.exists } : null;
    default:
      return null;
  }
}
