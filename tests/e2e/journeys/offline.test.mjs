// The cache and the outbox are real: the server dies, the app dies, and nothing is lost or said twice.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { App } from '../support/app.mjs';
import { Desktop } from '../support/desktop.mjs';
import { journey } from '../support/journey.mjs';
import { ANN, Server, repliesAtOnce } from '../support/server.mjs';
import { Browser } from '../support/visitor.mjs';
import { words } from '../support/words.mjs';

const ui = words('ui');

/** Signs in as a person does for the first time. */
async function connect(app, address, password = ANN.password) {
  const field = async (label, text) => {
    const id = await app.attribute(`//label[normalize-space(.)="${ui[label]}"]`, 'for');
    await app.write(await app.find(`input[id="${id}"]`), text);
  };
  await field('connect-address', address);
  await field('connect-email', ANN.email);
  await field('connect-password', password);
  await app.press(ui.connect);
}

journey('DC-01, DC-02: what was synced reads offline, and a reply written offline survives a crash', async (stage) => {
  const server = stage.keep(await Server.start(stage.directory));
  const shop = stage.keep(await server.openShop());
  const browser = stage.keep(await Browser.start());
  const vic = stage.keep(await browser.visitor('Vic'));
  await vic.goTo(shop.address);
  await vic.openChat();
  await vic.write('My order has not come.');
  await vic.write('It was a Moss teapot.');

  const desktop = stage.keep(await Desktop.start(join(stage.directory, 'home')));
  const data = join(stage.directory, 'app');
  repliesAtOnce(data);
  let app = stage.keep(await App.start(desktop, { data }));
  await connect(app, server.address, 'not her password');
  await app.text(ui['error-wrong-password']);
  await connect(app, server.address);
  const row = `ul[aria-label="${ui.conversations}"] button`;
  await app.click(await app.find(row));
  await app.text('My order has not come.');

  await server.kill();
  await app.text(ui['offline-short']);
  const composer = await app.find('.composer textarea');
  await app.type(composer, 'A new one leaves today.', app.keys.ENTER);
  await app.text(ui['delivery-queued']);
  await app.kill();

  app = stage.keep(await App.start(desktop, { data }));
  await app.text(ui['offline-short']);
  await app.click(await app.find(row));
  await app.text('My order has not come.');
  await app.text('A new one leaves today.');
  await app.text(ui['delivery-queued']);
  await app.write(await app.find('input[type="search"]'), 'teapot');
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
  const server = stage.keep(await Server.start(stage.directory));
  const shop = stage.keep(await server.openShop());
  const browser = stage.keep(await Browser.start());
  const vic = stage.keep(await browser.visitor('Vic'));
  await vic.goTo(shop.address);
  await vic.openChat();
  await vic.write('Which teapots do you have?');

  const desktop = stage.keep(await Desktop.start(join(stage.directory, 'home')));
  const data = join(stage.directory, 'app');
  repliesAtOnce(data);
  let app = stage.keep(await App.start(desktop, { data }));
  await connect(app, server.address);
  const row = `ul[aria-label="${ui.conversations}"] button`;
  await app.click(await app.find(row));
  await app.text('Which teapots do you have?');

  await server.kill();
  await app.text(ui['offline-short']);
  // More than one piece, and no two lines are the same.
  const list = Array.from({ length: 40_000 }, (_, line) => `${line},teapot ${line * 7919}\n`).join('');
  await choose(app, 'teapots.csv', list);
  await app.text('teapots.csv');
  await app.kill();

  app = stage.keep(await App.start(desktop, { data }));
  await app.click(await app.find(row));
  await app.find(`ul[aria-label="${ui.files}"] li`);
  await app.type(await app.find('.composer textarea'), 'All of them are in here.', app.keys.ENTER);
  await app.text(ui['delivery-queued']);
  await app.kill();

  app = stage.keep(await App.start(desktop, { data }));
  await app.click(await app.find(row));
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

journey('a wrong address gives one sentence that says what to do, and keeps what was typed', async (stage) => {
  const desktop = stage.keep(await Desktop.start(join(stage.directory, 'home')));
  const app = stage.keep(await App.start(desktop, { data: join(stage.directory, 'app') }));
  await connect(app, 'http://127.0.0.1:9');
  await app.text(ui['error-unreachable']);
  assert.deepEqual((await app.values('form input')).slice(0, 2), ['http://127.0.0.1:9', ANN.email]);
});
