import { mount } from 'svelte';
import { texts } from '../i18n/texts.svelte';
import { chooseLanguage } from '../shared/language';
import type { PanelSettings } from '../shared/port';
import App from './App.svelte';
import { connectToLoader } from './link';
import { Session } from './session.svelte';
import './panel.css';

/** The settings of a panel that was opened by its address, without a page around it. */
const ALONE: Omit<PanelSettings, 'language'> = { presence: null, keep: true, full: true };

async function start(): Promise<void> {
  const site = new URLSearchParams(location.search).get('site') ?? '';
  const given = new URLSearchParams(location.hash.slice(1));
  const language = chooseLanguage([given.get('language'), ...navigator.languages]);
  const alone = window.parent === window;
  // The page around a frame that never has its words says that the chat cannot be reached, and offers to try again.
  await texts.speak(language);
  const link = alone ? null : await connectToLoader(window, given.get('host') ?? '');
  const settings = link?.settings ?? { ...ALONE, language };
  const session = new Session(site, settings);
  mount(App, { target: document.body, props: { session, link, settings } });
}

start().catch(console.error);
