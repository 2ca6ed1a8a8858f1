// The panel's end of the port to the loader.
import { type PanelSettings, READY, type ToLoader, type ToPanel, acceptPort, readToPanel } from '../shared/port';

/** The loader, as the panel sees it. */
export interface Link {
  settings: PanelSettings;
  tell(message: ToLoader): void;
  /** Called for each message of the loader. */
  listen(listener: (message: ToPanel) => void): void;
}

/**
 * Asks the page around the frame for a port, and takes the first proper one.
 *
 * @param host the page's origin, as the loader wrote it into the frame's address. The server lets only the site's
 *   own origins embed the panel, so a page that lies about it gains nothing.
 */
export function connectToLoader(here: Window, host: string): Promise<Link> {
  return new Promise((resolve) => {
    const hear = (event: MessageEvent) => {
      const accepted = acceptPort(event, here.parent, host);
      if (!accepted) return;
      here.removeEventListener('message', hear);
      const { port, settings } = accepted;
      resolve({
        settings,
        tell: (message) => port.postMessage(message),
        listen(listener) {
          port.onmessage = ({ data }) => {
            const message = readToPanel(data);
            if (message) listener(message);
          };
        },
      });
    };
    here.addEventListener('message', hear);
    here.parent.postMessage(READY, host);
  });
}
