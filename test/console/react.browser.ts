import { join } from 'node:path';
import { build } from 'vite';
import type { Rolldown } from 'vite';
import { describe, expect, test } from 'vitest';
import { executablePath, openPage } from './chromium.ts';
import { startHost, strictPolicy } from './host-page.ts';
import { startWorld } from './world.ts';

const host = await startHost();
const world = await startWorld({}, { product: { console: { element_origins: [host.origin] } } });
const ENTRY = 'virtual:app';
const WRAPPER = join(import.meta.dirname, '../../src/element/react.ts');
/** Draws again with other functions whenever something happens, as apps do. */
const APP = `
  import { createElement, StrictMode, useState } from 'react';
  import { createRoot } from 'react-dom/client';
  import { LatchkeyKeys } from '${WRAPPER}';
  window.seen = [];
  window.asked = 0;
  function App() {
    const [drawn, draw] = useState(0);
    const note = (name) => (detail) => { seen.push([name, drawn, detail]); draw((count) => count + 1); };
    return createElement(LatchkeyKeys, {
      baseUrl: '${world.url}', theme: 'dark', className: 'keys',
      getToken: async () => { asked += 1; return (await fetch('/token')).text(); },
      onKeyCreated: note('created'), onKeyRevoked: note('revoked'), onError: note('error'),
    });
  }
  createRoot(document.querySelector('#root')).render(createElement(StrictMode, null, createElement(App)));`;

/** The app as a product's bundler makes it, with the element that the service serves. */
async function bundle(): Promise<string> {
  const result = (await build({
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'app',
        enforce: 'pre',
        resolveId(id) {
          if (id === ENTRY) return join(import.meta.dirname, 'app.js');
          return id === 'latchkey/element'
            ? { id: `${world.url}/console/latchkey-keys.js`, external: true }
            : undefined;
        },
        load: (id) => (id === join(import.meta.dirname, 'app.js') ? APP : undefined),
      },
    ],
    build: { write: false, target: 'es2022', modulePreload: false, rolldownOptions: { input: ENTRY } },
  })) as Rolldown.RolldownOutput;
  return result.output[0].code;
}

describe.skipIf(executablePath === undefined)('LatchkeyKeys in React', () => {
  test('creates and revokes a key, calls the newest functions, and begins once however often it is drawn', async () => {
    const person = await world.addPerson();
    const code = await bundle();
    host.answer('/token', async () => ({ type: 'text/plain', body: await person.organization.session() }));
    host.answer('/app.js', () => ({ type: 'text/javascript', body: code }));
    host.answer('/', () => ({
      type: 'text/html',
      body: '<!doctype html><html lang="en"><title>App</title><main id="root"></main><script type="module" src="/app.js"></script>',
      headers: { 'content-security-policy': strictPolicy(world.url) },
    }));
    const { page, faults } = await openPage({ url: host.origin, workos: world });
    await page.goto('/');
    await page.getByRole('button', { name: 'Create API key' }).first().click();
    await page.getByRole('dialog').getByLabel('Name').fill('from React');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'I saved it' }).click();
    await page.getByRole('button', { name: 'Actions for from React' }).click();
    await page.getByRole('menuitem', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const [made] = await person.keys();
    expect(made).toMatchObject({ label: 'from React', status: 'revoked' });
    expect(await page.evaluate('seen')).toEqual([
      ['created', 0, { key: expect.objectContaining({ id: made!.id, label: 'from React' }) }],
      ['revoked', 1, { id: made!.id }],
    ]);
    expect(await page.evaluate('asked')).toBe(1);
    expect(await page.locator('latchkey-keys').getAttribute('class')).toBe('keys');
    expect(faults).toEqual([]);
  });
});
