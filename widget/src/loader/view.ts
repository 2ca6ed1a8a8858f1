// The launcher and the frame, in a closed shadow root so that neither the shop's styles nor its scripts reach them.
import type { LauncherTexts } from '../i18n/generated/launcher';
import css from './loader.css?inline';

const SVG = 'http://www.w3.org/2000/svg';
/** Narrower than this the panel fills the screen, in CSS pixels. */
const PHONE = '(max-width: 479px)';

function element<Name extends keyof HTMLElementTagNameMap>(name: Name, className: string): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

function icon(className: string, path: string): SVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', className);
  svg.setAttribute('aria-hidden', 'true');
  const drawn = document.createElementNS(SVG, 'path');
  drawn.setAttribute('d', path);
  svg.append(drawn);
  return svg;
}

/** What the view reports. */
export interface ViewEvents {
  toggle(): void;
  retry(): void;
  /** The visitor is about to open the chat. */
  near(): void;
  /** The panel fills the screen, or no longer does. */
  full(full: boolean): void;
}

/** The launcher, and the frame once there is one. */
export class View {
  private readonly host = document.createElement('div');
  private readonly root = this.host.attachShadow({ mode: 'closed' });
  private readonly launcher = element('button', 'launcher');
  private readonly badge = element('span', 'badge');
  private readonly holder = element('div', 'holder');
  private readonly notice = element('div', 'notice');
  private readonly noticeText = element('p', '');
  private readonly phone = matchMedia(PHONE);
  private frameElement: HTMLIFrameElement | null = null;
  private open = false;
  private unread = 0;

  constructor(
    private texts: LauncherTexts,
    private readonly events: ViewEvents,
    signal: AbortSignal,
  ) {
    const { root } = this;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];

    this.launcher.type = 'button';
    this.launcher.setAttribute('aria-haspopup', 'dialog');
    this.badge.setAttribute('aria-hidden', 'true');
    this.launcher.append(
      icon(
        'talk',
        'M6.5 2.5h11a4 4 0 0 1 4 4v7a4 4 0 0 1-4 4h-5.6l-4.3 3.7a.8.8 0 0 1-1.3-.6v-3.1a4 4 0 0 1-3.8-4v-7a4 4 0 0 1 4-4ZM11.1 5.2v1.2a5 5 0 0 0-4.1 4.4h10a5 5 0 0 0-4.1-4.4V5.2ZM6.3 12.2v1.7h11.4v-1.7Z',
      ),
      icon('fold', 'M6 9.5l6 6 6-6'),
      this.badge,
    );
    this.holder.setAttribute('role', 'dialog');
    const retry = element('button', 'retry');
    retry.type = 'button';
    retry.textContent = this.texts.launcherRetry();
    this.notice.append(this.noticeText, retry);
    this.notice.setAttribute('role', 'alert');
    this.notice.hidden = true;
    this.holder.append(this.notice);
    root.append(this.holder, this.launcher);

    this.launcher.addEventListener('click', () => this.events.toggle());
    for (const name of ['pointerenter', 'focus'] as const) this.launcher.addEventListener(name, () => this.events.near());
    retry.addEventListener('click', () => this.events.retry());
    // The panel closes itself on Escape; this is for the time when the focus is still on the launcher.
    root.addEventListener('keydown', (event) => {
      if ((event as KeyboardEvent).key === 'Escape' && this.open) this.events.toggle();
    });
    this.phone.addEventListener(
      'change',
      () => {
        this.layOut();
        this.events.full(this.full);
      },
      { signal },
    );
    for (const name of ['resize', 'scroll'] as const) visualViewport?.addEventListener(name, () => this.layOut(), { signal });
    // A shop that puts another page into the same window takes the launcher away with the body, and this script does not
    // run again. Beside the body it stays; not at once, for React takes a page with more beside its body for broken.
    const { body, documentElement: page } = document;
    const watcher = new MutationObserver(() => {
      if (this.host.isConnected) return;
      watcher.disconnect();
      if (!signal.aborted) page.append(this.host);
    });
    signal.addEventListener('abort', () => this.host.remove());
    this.render();
    body.append(this.host);
    for (const place of [body, page]) watcher.observe(place, { childList: true });
  }

  /** Whether the open panel fills the screen. */
  get full(): boolean {
    return this.phone.matches;
  }

  /** The frame's window; `null` while there is none. */
  get frameWindow(): Window | null {
    return this.frameElement?.contentWindow ?? null;
  }

  /** Creates the frame anew. */
  load(address: string): void {
    this.frameElement?.remove();
    const frame = element('iframe', 'frame');
    frame.title = this.texts.launcherFrame();
    frame.setAttribute(
      'sandbox',
      'allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads',
    );
    frame.setAttribute('allow', '');
    frame.referrerPolicy = 'origin';
    frame.src = address;
    this.frameElement = frame;
    this.holder.classList.remove('ready');
    this.notice.hidden = true;
    this.holder.append(frame);
  }

  /** The panel runs. */
  ready(): void {
    this.holder.classList.add('ready');
    this.notice.hidden = true;
  }

  /** The panel did not come up. */
  unreachable(): void {
    this.noticeText.textContent = this.texts.launcherUnreachable();
    this.notice.hidden = false;
  }

  setOpen(open: boolean): void {
    this.open = open;
    this.render();
  }

  setUnread(count: number): void {
    this.unread = count;
    this.render();
  }

  setLarger(larger: boolean): void {
    this.holder.classList.toggle('larger', larger);
  }

  setShown(shown: boolean): void {
    this.host.hidden = !shown;
  }

  /** Moves the keyboard into the panel. */
  focusFrame(): void {
    this.frameElement?.focus();
  }

  /** Moves the keyboard from the panel back to where the panel was opened. */
  returnFocus(): void {
    if (this.frameElement && this.root.activeElement === this.frameElement) this.launcher.focus();
  }

  private render(): void {
    const { texts, open, unread } = this;
    const closed = unread > 0 ? texts.launcherOpenUnread({ count: unread }) : texts.launcherOpen();
    this.launcher.setAttribute('aria-label', open ? texts.launcherClose() : closed);
    this.launcher.setAttribute('aria-expanded', String(open));
    this.launcher.title = open ? texts.launcherClose() : texts.launcherOpen();
    this.badge.textContent = unread > 99 ? '99+' : String(unread);
    this.badge.hidden = unread === 0 || open;
    this.holder.setAttribute('aria-label', texts.launcherFrame());
    this.holder.classList.toggle('open', open);
    this.launcher.classList.toggle('open', open);
    this.layOut();
  }

  /** On a phone the panel takes the part of the screen that the keyboard leaves free. */
  private layOut(): void {
    const { style } = this.holder;
    const viewport = this.full && this.open ? visualViewport : null;
    if (this.full && this.open) this.holder.setAttribute('aria-modal', 'true');
    else this.holder.removeAttribute('aria-modal');
    style.setProperty('--height', viewport ? `${viewport.height}px` : '');
    style.setProperty('--top', viewport ? `${viewport.offsetTop}px` : '');
  }
}
