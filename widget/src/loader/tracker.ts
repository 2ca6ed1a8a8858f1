// Tells which page is on screen, in pages that load anew and in those that only change their address.
import type { PageSeen } from '../protocol.generated';
import { maskTitle, maskUrl } from './mask';

const DEBOUNCE_MS = 250;
/** Single-page shops set the new title a little after the new address. */
const TITLE_MS = 500;

/** The page on screen now. `referrer` only on the first page. */
export function seePage(first: boolean): PageSeen {
  return {
    url: maskUrl(location.href),
    title: maskTitle(document.title),
    referrer: first ? maskUrl(document.referrer) : '',
    visible: document.visibilityState === 'visible',
  };
}

/** Calls `tell` whenever the page on screen, or whether it is in front, has changed. Stops with `signal`. */
export function watchPage(tell: (page: PageSeen) => void, signal: AbortSignal): { look: () => void } {
  let told = '';
  let timer: ReturnType<typeof setTimeout> | undefined;
  let address = location.href;

  const look = () => {
    const page = seePage(false);
    const key = JSON.stringify(page);
    if (key === told || signal.aborted) return;
    told = key;
    tell(page);
  };
  const moved = () => {
    if (location.href === address) return;
    address = location.href;
    clearTimeout(timer);
    timer = setTimeout(look, DEBOUNCE_MS + TITLE_MS);
  };

  told = JSON.stringify(seePage(false));
  document.addEventListener('visibilitychange', look, { signal });
  const { navigation } = window as { navigation?: EventTarget };
  if (navigation) navigation.addEventListener('currententrychange', moved, { signal });
  else {
    addEventListener('popstate', moved, { signal });
    addEventListener('hashchange', moved, { signal });
    for (const name of ['pushState', 'replaceState'] as const) {
      try {
        const original = history[name];
        history[name] = function (this: History, ...rest: Parameters<History['pushState']>) {
          original.apply(this, rest);
          moved();
        };
      } catch {
        // A page may have frozen its history; it is then seen page by page only.
      }
    }
  }
  signal.addEventListener('abort', () => clearTimeout(timer));
  return { look };
}
