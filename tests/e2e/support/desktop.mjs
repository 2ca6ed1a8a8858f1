// A desktop nobody sees: an X server, a window manager, a session bus, and a recorder in the place of the
// notification service and the tray.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Program, built, json, output, until } from './programs.mjs';

export class Desktop {
  /** Everything the app asked the desktop to show, with the time it was asked. */
  record = [];
  #programs = [];
  #recorder;

  /** @param {string} home an empty directory, so that the journey neither reads nor writes the user's own. */
  static async start(home) {
    const desktop = new Desktop();
    try {
      await desktop.#start(home);
      return desktop;
    } catch (error) {
      await desktop.stop();
      throw error;
    }
  }

  async #start(home) {
    const directory = (name) => {
      const path = join(home, name);
      mkdirSync(path, { recursive: true, mode: 0o700 });
      return path;
    };
    const { WAYLAND_DISPLAY: _, DISPLAY: __, ...inherited } = process.env;
    this.env = {
      ...inherited,
      HOME: home,
      XDG_CACHE_HOME: directory('cache'),
      XDG_CONFIG_HOME: directory('config'),
      XDG_DATA_HOME: directory('share'),
      XDG_RUNTIME_DIR: directory('runtime'),
      LC_ALL: 'C.UTF-8',
      LANGUAGE: 'en',
      USER: 'ann',
    };
    const x = this.#run('xvfb', 'Xvfb', ['-displayfd', '1', '-screen', '0', '1920x1200x24', '-nolisten', 'tcp', '-noreset']);
    this.env.DISPLAY = `:${await x.line((line) => /^\d+$/.test(line) && line)}`;
    const bus = this.#run('dbus', 'dbus-daemon', ['--session', '--nofork', '--nopidfile', '--print-address=1']);
    this.env.DBUS_SESSION_BUS_ADDRESS = await bus.line((line) => line.startsWith('unix:') && line);
    this.#run('openbox', 'openbox', []);
    await until('the start of the window manager', async () =>
      (await this.tool('xprop', ['-root', '_NET_SUPPORTING_WM_CHECK'])).includes('window id'),
    );
    this.#recorder = this.#run('recorder', built('notification-recorder'), [], 'pipe');
    this.#recorder.onLine((line) => {
      const said = json(line);
      if (said) this.record.push(said);
    });
    await this.#recorder.line((line) => json(line)?.event === 'ready');
  }

  #run(name, path, args, input) {
    const program = new Program(name, path, args, { env: this.env, input });
    this.#programs.push(program);
    return program;
  }

  /** Waits for the first record after `from` that fits, and returns it. */
  async recorded(event, fits = () => true, { from = 0, limit = 5_000 } = {}) {
    return until(`a ${event} on the desktop`, () => this.record.slice(from).find((line) => line.event === event && fits(line)), {
      limit,
      every: 5,
    });
  }

  /** Presses a button of a toast; `default` is the toast itself. */
  press(toast, action) {
    this.#recorder.say(JSON.stringify({ do: 'press', id: toast.id, action }));
  }

  /** The notification service and the tray answer nobody any more, and are not gone. */
  hang() {
    this.#recorder.kill('SIGSTOP');
  }

  /** They go on where they stood. */
  goOn() {
    this.#recorder.kill('SIGCONT');
  }

  /** What the tray's menu holds now. */
  async trayMenu() {
    const from = this.record.length;
    this.#recorder.say(JSON.stringify({ do: 'menu' }));
    return (await this.recorded('menu', undefined, { from })).entries;
  }

  /** Chooses an entry of the tray's menu. */
  chooseFromTray(label) {
    this.#recorder.say(JSON.stringify({ do: 'choose', label }));
  }

  /** The X window of a program, by its title. */
  async window(title) {
    return until(`a window called ${title}`, async () => {
      const found = await this.tool('xdotool', ['search', '--onlyvisible', '--name', title]).catch(() => '');
      return found.trim().split('\n')[0];
    });
  }

  /** Whether a window asks for attention, by the hint that window managers read. */
  async isUrgent(window) {
    const hints = await this.tool('xprop', ['-id', window, 'WM_HINTS', '_NET_WM_STATE']);
    return hints.includes('urgency hint bit is set') || hints.includes('_NET_WM_STATE_DEMANDS_ATTENTION');
  }

  /** Puts another program's window in front, as when the agent works on something else. */
  async workOnSomethingElse() {
    this.#run('xev', 'xev', ['-name', 'something else', '-geometry', '200x120+20+20', '-event', 'focus']);
    const window = await this.window('something else');
    await this.focus(window);
  }

  /** Gives a window the focus. */
  async focus(window) {
    // A window manager refuses the focus to a window it has only begun to manage: asked again until it has it.
    await until(
      'the focus on the window',
      async () => {
        await this.tool('xdotool', ['windowactivate', window]);
        return (await this.tool('xdotool', ['getactivewindow'])).trim() === window;
      },
      { every: 100 },
    );
  }

  /** Closes a window as a person does, and waits until it is gone. */
  async close(window) {
    let pressedAt = 0;
    await until('the end of the window', async () => {
      const visible = await this.tool('xdotool', ['search', '--onlyvisible', '--name', '.']).catch(() => '');
      if (!visible.split('\n').includes(window)) return true;
      // A window manager that is still busy with a new window loses keys, so they are pressed again, as a person would.
      if (Date.now() - pressedAt > 1500) {
        pressedAt = Date.now();
        await this.focus(window);
        await this.tool('xdotool', ['key', 'alt+F4']);
      }
      return false;
    });
  }

  /** A picture of a window, or of the whole screen. */
  async picture(path, window = 'root') {
    mkdirSync(dirname(path), { recursive: true });
    await this.tool('import', ['-window', window, path]);
  }

  tool(name, args) {
    return output(name, args, { env: this.env });
  }

  async stop() {
    for (const program of this.#programs.reverse()) await program.stop();
    this.#programs = [];
  }
}
