// Which of the three promises about tracking holds, and what may be kept in the browser.

/** `off`: nothing is sent before the visitor opens the chat. `anonymous`: the page on screen, under a name that
 * lives as long as the page. `full`: after consent the name lives on in the browser. */
export type Tracking = 'off' | 'anonymous' | 'full';

/** What the page said of the visitor's consent; empty: nothing. */
export interface Consent {
  storage?: boolean;
  tracking?: boolean;
}

/** The mode in force: a browser that asks not to be tracked is not, whatever the page says. */
export function tracking(wanted: string | null, globalPrivacyControl: boolean): Tracking {
  if (globalPrivacyControl) return 'off';
  return wanted === 'off' || wanted === 'full' ? wanted : 'anonymous';
}

/** Whether the conversation may outlive the tab. */
export function mayKeep(mode: Tracking, consent: Consent): boolean {
  return consent.storage ?? mode !== 'off';
}

/** Whether the visitor's name may outlive the page. Consent once given stands until it is taken back. */
export function mayRecognise(mode: Tracking, consent: Consent, recognised: boolean): boolean {
  return mode === 'full' && consent.storage !== false && (consent.tracking ?? recognised);
}
