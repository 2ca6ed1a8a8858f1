import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { start } from '../src/link/page';
import { messages as en } from '../src/link/generated/en';
import { messages as es } from '../src/link/generated/es';
import { messages as ru } from '../src/link/generated/ru';

const TEXTS = [['en', en], ['es', es], ['ru', ru]] as const;

let main: HTMLElement;
/** What the page asked of the desk, and what the desk answers. */
let asked: [path: string, body: unknown][];
let answers: [status: number, body: unknown][];

beforeEach(() => {
  main = document.createElement('main');
  document.body.replaceChildren(main);
  asked = [];
  answers = [];
  vi.stubGlobal('fetch', (path: string, request: { body: string }) => {
    asked.push([path, JSON.parse(request.body)]);
    const [status, body] = answers.shift() ?? [500, {}];
    return Promise.resolve(new Response(status === 204 ? null : JSON.stringify(body), { status }));
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const input = (name: string) => main.querySelector(`input[name="${name}"]`) as HTMLInputElement;
const heading = () => main.querySelector('h1')?.textContent;
const problem = () => main.querySelector('[role=alert]')?.textContent;
const submit = () => main.querySelector('form')?.dispatchEvent(new Event('submit', { cancelable: true }));

test.each(TEXTS)('DK-01: whoever is invited chooses a name and a password (%s)', async (language, m) => {
  answers = [
    [200, { kind: 'invitation', desk: 'Tea <b>desk</b>', name: '', email: 'cleo@desk.test' }],
    [400, { code: 'invalid', message: '', field: 'password' }],
    [204, null],
  ];
  await start(main, 'secret', [language]);
  expect(document.documentElement.lang).toBe(language);
  expect(heading()).toBe(m.joinTitle({ desk: 'Tea <b>desk</b>' }));
  expect(input('email').value).toBe('cleo@desk.test');
  expect(document.activeElement).toBe(input('name'));
  for (const name of ['email', 'name', 'password']) {
    expect(main.querySelector(`label[for="${name}"]`)?.textContent).not.toBe('');
    for (const id of (input(name).getAttribute('aria-describedby') ?? '').split(' ')) expect(document.getElementById(id)).not.toBeNull();
  }
  expect([input('email').autocomplete, input('password').autocomplete]).toEqual(['username', 'new-password']);
  input('name').value = 'Cleo';
  input('password').value = 'teapots!';
  submit();
  await vi.waitFor(() => expect(problem()).toBe(m.passwordRule()));
  expect(document.activeElement).toBe(input('password'));
  submit();
  await vi.waitFor(() => expect(heading()).toBe(m.doneTitle()));
  expect(main.textContent).toContain('cleo@desk.test');
  expect(document.activeElement).toBe(main.querySelector('h1'));
  expect(asked).toEqual([
    ['/v1/links/look', { token: 'secret' }],
    ['/v1/links/use', { token: 'secret', name: 'Cleo', password: 'teapots!' }],
    ['/v1/links/use', { token: 'secret', name: 'Cleo', password: 'teapots!' }],
  ]);
});

test.each(TEXTS)('DK-01: a link to a new password asks for that alone (%s)', async (language, m) => {
  answers = [[200, { kind: 'new_password', desk: 'Tea', name: 'Ben', email: 'ben@desk.test' }], [404, { code: 'not_found', message: '' }]];
  await start(main, 'secret', [language]);
  expect(heading()).toBe(m.passwordTitle({ desk: 'Tea' }));
  expect(input('name')).toBeNull();
  expect(document.activeElement).toBe(input('password'));
  submit();
  await vi.waitFor(() => expect(problem()).toBe(m.used()));
});

test.each(TEXTS)('DK-01: a link that was used says so, and a desk that is away is asked again (%s)', async (language, m) => {
  answers = [[404, { code: 'not_found', message: '' }]];
  await start(main, 'secret', [language]);
  expect([heading(), problem()]).toEqual([m.failedTitle(), m.used()]);
  expect(main.querySelector('button')).toBeNull();
  answers = [[502, 'a proxy'], [429, { code: 'too_many_attempts', message: '' }], [200, { kind: 'invitation', desk: 'Tea', name: 'Cleo', email: 'cleo@desk.test' }]];
  await start(main, 'secret', [language]);
  expect(problem()).toBe(m.unreachable());
  main.querySelector('button')?.click();
  await vi.waitFor(() => expect(problem()).toBe(m.tooMany()));
  main.querySelector('button')?.click();
  await vi.waitFor(() => expect(heading()).toBe(m.joinTitle({ desk: 'Tea' })));
  expect(document.activeElement).toBe(input('password'));
});

test('DK-01: a double click signs in once, and says that it did', async () => {
  answers = [[200, { desk: 'Tea', email: 'ann@desk.test', device: 'laptop', code: 'k3fq-7xsp' }], [204, null], [404, { code: 'not_found', message: '' }]];
  await start(main, 'p.secret', ['en']);
  const [yes, no] = main.querySelectorAll('button');
  for (const button of [yes, yes, no]) button?.click();
  await new Promise((done) => setTimeout(done, 20));
  expect(asked.slice(1)).toEqual([['/v1/provider/decide', { token: 'secret', agreed: true }]]);
  expect(main.textContent).toContain(en.agreedText());
});

test.each(TEXTS)('DK-01: whoever comes from an identity provider says that it was they who began (%s)', async (language, m) => {
  const seen = { desk: 'Tea', email: 'ben@desk.test', device: '<b>laptop</b>', code: 'k3fq-7xsp' };
  for (const agreed of [true, false]) {
    asked = [];
    answers = [[200, seen], [204, null]];
    await start(main, 'p.secret', [language]);
    expect(heading()).toBe(m.confirmTitle({ desk: 'Tea' }));
    expect(main.querySelector('code')?.textContent).toBe('k3fq-7xsp');
    expect(main.textContent).toContain('<b>laptop</b>');
    expect(asked).toEqual([['/v1/provider/look', { token: 'secret' }]]);
    const [yes, no] = main.querySelectorAll('button');
    expect([yes?.textContent, no?.textContent]).toEqual([m.confirmYes(), m.confirmNo()]);
    (agreed ? yes : no)?.click();
    await vi.waitFor(() => expect(heading()).toBe(m.doneTitle()));
    expect(main.textContent).toContain(agreed ? m.agreedText() : m.declinedText());
    expect(asked[1]).toEqual(['/v1/provider/decide', { token: 'secret', agreed }]);
  }
  answers = [[404, { code: 'not_found', message: '' }]];
  await start(main, 'p.old', [language]);
  expect([heading(), problem()]).toEqual([m.signInFailedTitle(), m.signInFailed()]);
  asked = [];
  await start(main, 'failed', [language]);
  expect([heading(), asked]).toEqual([m.signInFailedTitle(), []]);
});
