// @vitest-environment node
import { build } from 'vite';
import { expect, test } from 'vitest';
import config from '../../vite.config';

test('light and dark reach web views that do not know how to choose a colour by scheme', async () => {
  const target = config.build?.target;
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    build: { ...(target ? { target } : {}), write: false, rolldownOptions: { input: 'src/styles/tokens.css' } },
  });
  const css = JSON.stringify(built);
  expect(css, 'the dark ground').toContain('#0f1216');
  expect(css).toContain('prefers-color-scheme');
  expect(css).not.toContain('light-dark(');
});
