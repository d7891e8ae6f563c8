import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { freePort } from '../process/start.ts';
import { startChild } from '../support/child.ts';
import { npmStartArguments } from '../support/npm-start.ts';
import { executablePath, openPage } from './chromium.ts';
import { startHost, strictPolicy } from './host-page.ts';

// Plays the commands of examples/embed/README.md, on free ports and with data of its own.
const ROOT = join(import.meta.dirname, '../..');
const DEFAULT_ORIGIN = 'http://127.0.0.1:8080';
const START_MS = 50_000;

const folder = await mkdtemp(join(tmpdir(), 'latchkey-embed-'));
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
const [port, workosPort, examplePort] = [await freePort(), await freePort(), await freePort()];
const latchkey = `http://127.0.0.1:${port}`;
const example = `http://127.0.0.1:${examplePort}`;

/** Runs one of the README's two commands until the end of the tests. */
function run(args: readonly string[], env: Record<string, string>) {
  const child = startChild(process.execPath, args, { cwd: ROOT, env });
  afterAll(async () => {
    child.kill('SIGTERM');
    await child.exited;
  });
  return child;
}

/** The example's product file, with the origin on which this test runs it. */
function productFile(): string {
  const text = readFileSync(join(ROOT, 'examples/embed/latchkey.yaml'), 'utf8');
  expect(text.split(DEFAULT_ORIGIN)).toHaveLength(3);
  const path = join(folder, 'latchkey.yaml');
  writeFileSync(path, text.replaceAll(DEFAULT_ORIGIN, example));
  return path;
}

async function startExample(): Promise<void> {
  const service = run(npmStartArguments(), {
    LATCHKEY_CONFIG: productFile(),
    LATCHKEY_DATA_DIR: join(folder, 'data'),
    PORT: String(port),
    WORKOS_PORT: String(workosPort),
  });
  const app = run(['examples/embed/server.js'], {
    LATCHKEY_URL: latchkey,
    WORKOS_URL: `http://127.0.0.1:${workosPort}`,
    PORT: String(examplePort),
  });
  await Promise.all([service.saw(/Stop with Ctrl-C/, START_MS), app.saw(/The example listens on/, START_MS)]);
}

/** A page of the example's origin, or of another one, in which requests to Latchkey are no fault. */
const open = (url: string) => openPage({ url, workos: { url: latchkey } });

async function createKey(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Create API key' }).first().click();
  await page.getByRole('dialog').getByLabel('Name').fill(name);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'I saved it' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

if (executablePath !== undefined) await startExample();

describe.skipIf(executablePath === undefined)('examples/embed', () => {
  test('shows the element, which creates a key that React shows, too', async () => {
    const { page, faults } = await open(example);
    await page.goto('/');
    await page.getByText('No keys yet').waitFor();
    await createKey(page, 'from the element');
    await page.getByText('Last event: created: from the element').waitFor();
    await page.getByRole('link', { name: 'React' }).click();
    await page.getByText('The same as the component').waitFor();
    await page.getByText('from the element').first().waitFor();
    await createKey(page, 'from React');
    await page.getByText('Created on this page: from React').waitFor();
    await page.getByText('from the element').first().waitFor();
    expect(faults).toEqual([]);
  });

  test('shows the console in a frame, which signs in and out by a new tab', async () => {
    const { page, faults } = await open(example);
    await page.goto('/frame');
    const frame = page.frameLocator('iframe');
    const opened = page.waitForEvent('popup');
    await frame.getByRole('link', { name: 'Sign in in a new tab' }).click();
    const tab = await opened;
    await tab.getByLabel('Email').fill('owner@acme.test');
    await tab.getByLabel('Password').fill('latchkey-demo');
    await tab.getByRole('button', { name: 'Sign in', exact: true }).click();
    await tab.getByText('You are signed in').waitFor();
    await tab.close();
    await frame.getByRole('button', { name: 'Create API key' }).first().waitFor();
    await frame.getByText('Acme').first().waitFor();
    await page.reload();
    await frame.getByRole('button', { name: 'Create API key' }).first().waitFor();
    const left = page.waitForEvent('popup');
    await frame.getByRole('button', { name: 'Sign out' }).click();
    await (await left).getByText('You are signed out').waitFor();
    await frame.getByRole('link', { name: 'Sign in in a new tab' }).waitFor();
    expect(faults).toEqual([]);
  });

  test('gives no token, no element and no frame to a page of another origin', async () => {
    const other = await startHost();
    other.answer('/app.js', () => ({
      type: 'text/javascript',
      body: `document.querySelector('latchkey-keys').getToken = async () => 'none';`,
    }));
    other.answer('/', () => ({
      type: 'text/html',
      body: `<!doctype html><title>Another app</title><latchkey-keys base-url="${latchkey}"></latchkey-keys>
        <script type="module" src="${latchkey}/console/latchkey-keys.js"></script>
        <iframe src="${latchkey}/console/signed-out" title="API keys"></iframe>`,
      headers: { 'content-security-policy': `${strictPolicy(latchkey)}; frame-src ${latchkey}` },
    }));
    const { page, faults } = await open(other.origin);
    await page.goto('/');
    await expect.poll(() => faults.filter((fault) => /blocked by CORS policy/.test(fault))).toHaveLength(1);
    await expect.poll(() => faults.filter((fault) => /frame-ancestors/.test(fault))).toHaveLength(1);
    expect(await page.evaluate(`customElements.get('latchkey-keys') === undefined`)).toBe(true);
    expect(await page.frameLocator('iframe').getByText('You are signed out').count()).toBe(0);
    for (const origin of [other.origin, undefined]) {
      const { status } = await fetch(`${example}/session/access-token`, {
        method: 'POST',
        headers: { ...(origin && { origin }) },
      });
      expect(status).toBe(403);
    }
  });
});
