// The page behind a link that was handed on: whoever opens it chooses a name and a password, or a new password. It is
// also where the browser comes back from an identity provider, and the person says that it was they who began.
import { chooseLanguage, type Language } from '../shared/language';
import type { LinkSeen, ProviderSeen, Refusal } from '../protocol.generated';
import { messages as en } from './generated/en';
import { messages as es } from './generated/es';
import { messages as ru } from './generated/ru';
import type { Messages } from './generated/types';

const TEXTS: Record<Language, Messages> = { en, es, ru };

/** What stands before the token when the browser comes from an identity provider. */
const PROVIDER = 'p.';

type Refused = Pick<Refusal, 'code'> & { field?: string };

/** Asks the desk. What cannot be read as its answer counts as a desk that cannot be reached. */
async function ask(path: string, body: object): Promise<{ answer: unknown } | { refused: Refused }> {
  try {
    const response = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), cache: 'no-store' });
    const answer: unknown = response.status === 204 ? null : await response.json();
    return response.ok ? { answer } : { refused: answer as Refused };
  } catch {
    return { refused: { code: 'busy' } };
  }
}

/** An element with its attributes and what stands in it. */
function element<Name extends keyof HTMLElementTagNameMap>(name: Name, attributes: Record<string, string> = {}, ...inside: (Node | string)[]): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

function field(label: string, attributes: Record<string, string>, hint = ''): { row: HTMLElement; input: HTMLInputElement } {
  const id = attributes.name ?? '';
  const input = element('input', { id, 'aria-describedby': `${id}-hint problem`, ...attributes });
  return { row: element('p', {}, element('label', { for: id }, label), input, element('small', { id: `${id}-hint` }, hint)), input };
}

/** Shows the page. `token` stands behind `#` in the link. */
export async function start(main: HTMLElement, token: string, wanted: readonly string[]): Promise<void> {
  const language = chooseLanguage(wanted);
  const m = TEXTS[language];
  document.documentElement.lang = language;

  const show = (title: string, ...rest: (Node | string)[]) => {
    document.title = title;
    const heading = element('h1', { tabindex: '-1' }, title);
    main.replaceChildren(heading, ...rest);
    return heading;
  };
  const say = (refused: Refused): string => {
    if (refused.code === 'not_found') return m.used();
    if (refused.code === 'too_many_attempts') return m.tooMany();
    if (refused.code === 'invalid') return refused.field === 'password' ? m.passwordRule() : refused.field === 'name' ? m.nameRule() : m.invalid();
    return m.unreachable();
  };

  if (token === 'failed') {
    show(m.signInFailedTitle(), element('p', { role: 'alert' }, m.signInFailed()));
    return;
  }
  if (token.startsWith(PROVIDER)) {
    await confirm(token.slice(PROVIDER.length));
    return;
  }
  const looked = await ask('/v1/links/look', { token });
  if ('refused' in looked) {
    const again = element('button', { type: 'button' }, m.again());
    again.addEventListener('click', () => void start(main, token, wanted));
    show(m.failedTitle(), element('p', { role: 'alert' }, say(looked.refused)), ...(looked.refused.code === 'not_found' ? [] : [again]));
    return;
  }
  const link = looked.answer as LinkSeen;
  const invited = link.kind === 'invitation';
  // Password managers keep the password for this address.
  const email = field(m.email(), { name: 'email', type: 'email', autocomplete: 'username', readonly: '', dir: 'ltr', value: link.email });
  const name = field(m.name(), { name: 'name', autocomplete: 'name', required: '', maxlength: '500', value: link.name }, m.nameHint());
  const password = field(m.password(), { name: 'password', type: 'password', autocomplete: 'new-password', required: '', minlength: '8', maxlength: '1000' }, m.passwordRule());
  const problem = element('p', { id: 'problem', role: 'alert' });
  const button = element('button', {}, invited ? m.join() : m.save());
  const form = element('form', {}, email.row, ...(invited ? [name.row] : []), password.row, problem, button);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void finish();
  });
  show(invited ? m.joinTitle({ desk: link.desk }) : m.passwordTitle({ desk: link.desk }), element('p', {}, invited ? m.joinText() : m.passwordText()), form);
  (invited && link.name === '' ? name : password).input.focus();

  async function confirm(token: string) {
    const looked = await ask('/v1/provider/look', { token });
    if ('refused' in looked) {
      show(m.signInFailedTitle(), element('p', { role: 'alert' }, m.signInFailed()));
      return;
    }
    const { desk, device, email, code } = looked.answer as ProviderSeen;
    const buttons = [true, false].map((agreed) => {
      const button = element('button', { type: 'button' }, agreed ? m.confirmYes() : m.confirmNo());
      button.addEventListener('click', () => void decide(agreed));
      return button;
    });
    const decide = async (agreed: boolean) => {
      // The link works once: a second click would be told that it did not.
      for (const button of buttons) button.disabled = true;
      const decided = await ask('/v1/provider/decide', { token, agreed });
      if ('refused' in decided) show(m.signInFailedTitle(), element('p', { role: 'alert' }, m.signInFailed())).focus();
      else show(m.doneTitle(), element('p', {}, agreed ? m.agreedText() : m.declinedText())).focus();
    };
    show(m.confirmTitle({ desk }), element('p', {}, m.confirmText({ device, email })), element('p', {}, element('code', {}, code)), element('p', {}, m.confirmWarning()), element('p', { class: 'buttons' }, ...buttons));
  }

  async function finish(): Promise<void> {
    button.disabled = true;
    problem.textContent = '';
    const used = await ask('/v1/links/use', { token, name: invited ? name.input.value : '', password: password.input.value });
    button.disabled = false;
    if ('refused' in used) {
      problem.textContent = say(used.refused);
      if (used.refused.code === 'invalid') (used.refused.field === 'name' ? name : password).input.focus();
      return;
    }
    show(m.doneTitle(), element('p', {}, m.doneText({ address: location.origin, email: link.email }))).focus();
  }
}
