// The cache and the outbox are real: the server dies, the app dies, and nothing is lost or said twice.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { App } from '../support/app.mjs';
import { Desktop } from '../support/desktop.mjs';
import { vicWrites } from '../support/here.mjs';
import { journey } from '../support/journey.mjs';
import { until } from '../support/programs.mjs';
import { ANN, repliesAtOnce } from '../support/server.mjs';
import { words } from '../support/words.mjs';

const ui = words('ui');

journey('DC-01, DC-02: what was synced reads offline, and a reply written offline survives a crash', async (stage) => {
  const { server, vic } = await vicWrites(stage, 'My order has not come.', 'It was a Moss teapot.');

  const desktop = stage.keep(await Desktop.start(join(stage.directory, 'home')));
  const data = join(stage.directory, 'app');
  repliesAtOnce(data);
  let app = stage.keep(await App.start(desktop, { data }));
  await app.signIn(server.address, { ...ANN, password: 'not her password' });
  await app.text(ui['error-wrong-password']);
  await app.signIn(server.address, ANN);
  const row = `ul[aria-label="${ui.conversations}"] button`;
  await app.click(row);
  await app.text('My order has not come.');

  await server.kill();
  await app.text(ui['offline-short']);
  await app.type('main.chat .composer textarea', 'A new one leaves today.', app.keys.ENTER);
  await app.text(ui['delivery-queued']);
  await app.kill();

  app = stage.keep(await App.start(desktop, { data }));
  await app.text(ui['offline-short']);
  await app.click(row);
  await app.text('My order has not come.');
  await app.text('A new one leaves today.');
  await app.text(ui['delivery-queued']);
  await app.write('input[type="search"]', 'teapot');
  await app.find('[role="option"] mark');

  await server.startAgain();
  await vic.reads('A new one leaves today.', { timeout: 60_000 });
  await app.text(ui['delivery-seen'], { limit: 60_000 });
  await vic.write('Thank you!');
  await app.text('Thank you!', { limit: 30_000 });
  assert.equal(await vic.count('A new one leaves today.'), 1, 'it came once');
  assert.equal(await vic.count('My order has not come.'), 1);
  assert.deepEqual(await app.complaints(), []);
});

/** Chooses a file for a chat as its picker would. WebKit's driver cannot fill in a picker that is not shown. */
function choose(app, name, text) {
  const fill = `const files = new DataTransfer();
    files.items.add(new File([arguments[1]], arguments[0]));
    const picker = document.querySelector('.composer input[type="file"]');
    picker.files = files.files;
    picker.dispatchEvent(new Event('change', { bubbles: true }));`;
  return app.run(fill, name, text);
}

journey('OD-35: a file chosen and sent while the desk is down goes when it is back, through two crashes of the app', async (stage) => {
  const { server, vic } = await vicWrites(stage, 'Which teapots do you have?');

  const desktop = stage.keep(await Desktop.start(join(stage.directory, 'home')));
  const data = join(stage.directory, 'app');
  repliesAtOnce(data);
  let app = stage.keep(await App.start(desktop, { data }));
  await app.signIn(server.address, ANN);
  const row = `ul[aria-label="${ui.conversations}"] button`;
  await app.click(row);
  await app.text('Which teapots do you have?');

  await server.kill();
  await app.text(ui['offline-short']);
  // More than one piece, and no two lines are the same.
  const list = Array.from({ length: 40_000 }, (_, line) => `${line},teapot ${line * 7919}\n`).join('');
  await choose(app, 'teapots.csv', list);
  await app.text('teapots.csv');
  await app.kill();

  app = stage.keep(await App.start(desktop, { data }));
  await app.click(row);
  await app.find(`ul[aria-label="${ui.files}"] li`);
  await app.type('main.chat .composer textarea', 'All of them are in here.', app.keys.ENTER);
  await app.text(ui['delivery-queued']);
  await app.kill();

  app = stage.keep(await App.start(desktop, { data }));
  await app.click(row);
  await app.text('All of them are in here.');
  await app.text('teapots.csv');
  await app.text(ui['delivery-queued']);

  await server.startAgain();
  await vic.reads('All of them are in here.', { timeout: 60_000 });
  assert.equal(await vic.save('teapots.csv'), list, 'every byte of it is there');
  assert.equal(await vic.count('All of them are in here.'), 1, 'it came once');
  await app.text(ui['delivery-seen'], { limit: 60_000 });
  assert.deepEqual(await app.texts(`ul[aria-label="${ui.files}"] li`), [], 'nothing of it is left to be sent');
  assert.deepEqual(await app.complaints(), []);
});

journey('OD-35, DC-02: a file of the visitor that was cut goes on where the desk has it, and the agent saves it without the desk', async (stage) => {
  const { server, vic } = await vicWrites(stage, 'I have a long list.');
  const offsets = [];
  await vic.page.route('**/v1/uploads/*', async (route) => {
    const request = route.request();
    if (request.method() === 'PATCH') offsets.push(Number(request.headers()['upload-offset']));
    if (offsets.length === 3) await route.abort('connectionreset');
    else await route.continue();
  });
  const list = Array.from({ length: 60_000 }, (_, line) => `${line},cup ${line * 7919}\n`).join('');
  await vic.choose('cups.csv', list);
  await vic.type('These cups, please.');
  await until('the cut', () => offsets.length >= 3);
  // The desk knows how far the file came from its disk alone.
  await server.kill();
  await server.startAgain();
  await vic.tray('cups.csv is attached');
  await vic.composer().press('Enter');
  await vic.reads('These cups, please.');
  assert.equal(offsets.filter((offset) => offset === 0).length, 1, 'nothing went up twice');
  assert.ok(offsets.length > 3 && offsets.at(-1) > 500_000);

  const desktop = stage.keep(await Desktop.start(join(stage.directory, 'home')));
  const data = join(stage.directory, 'app');
  let app = stage.keep(await App.start(desktop, { data }));
  await app.signIn(server.address, ANN);
  const row = `ul[aria-label="${ui.conversations}"] button`;
  await app.click(row);
  await app.text('These cups, please.');
  /** Saves the list, and returns what is in the file of this name then. A desktop without folders has it in the app's. */
  const save = async (name) => {
    await app.press(ui['file-save']({ name: 'cups.csv' }));
    return until('the saved file', () => {
      const found = readdirSync(data, { recursive: true }).find((path) => path.endsWith(name));
      const text = found && readFileSync(join(data, found), 'utf8');
      return text?.length === list.length && text;
    });
  };
  assert.equal(await save('cups.csv'), list, 'every byte of it is there');
  await server.kill();
  await app.text(ui['offline-short']);
  await app.kill();

  app = stage.keep(await App.start(desktop, { data }));
  await app.text(ui['offline-short']);
  await app.click(row);
  assert.equal(await save('cups (1).csv'), list, 'and here, without the desk');
  assert.deepEqual(await app.complaints(), []);
});

journey('a wrong address gives one sentence that says what to do, and keeps what was typed', async (stage) => {
  const desktop = stage.keep(await Desktop.start(join(stage.directory, 'home')));
  const app = stage.keep(await App.start(desktop, { data: join(stage.directory, 'app') }));
  await app.signIn('http://127.0.0.1:9', ANN);
  await app.text(ui['error-unreachable']);
  assert.deepEqual((await app.values('form input')).slice(0, 2), ['http://127.0.0.1:9', ANN.email]);
});
