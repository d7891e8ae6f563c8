import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, expect } from 'vitest';

const PATHS = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The browser of this machine; undefined where there is none, and stories are skipped. */
export const executablePath = PATHS.find((path) => path !== undefined && existsSync(path));

const VIEWPORT = { width: 1_440, height: 900 };

let launched: Promise<Browser> | undefined;

/** A page of its own browser context, and what went wrong in it. */
export type Watched = { page: Page; faults: string[] };

type Places = { url: string; workos: { url: string } };

/** Opens a page that notes errors, violations of the policy, and requests to other origins than the service and WorkOS. */
export async function openPage({ url, workos }: Places, options: BrowserContextOptions = {}): Promise<Watched> {
  launched ??= launch();
  const context = await (await launched).newContext({ baseURL: url, viewport: VIEWPORT, ...options });
  afterAll(() => context.close());
  return watch(await context.newPage(), { url, workos });
}

/** Opens a page of a browser that keeps what it compiled between visits, as people's browsers do and private windows do not. */
export async function openKeptPage({ url, workos }: Places): Promise<Watched> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-chromium-'));
  const options = { executablePath: executablePath!, args: ARGUMENTS, baseURL: url, viewport: VIEWPORT };
  const context = await chromium.launchPersistentContext(folder, options);
  afterAll(async () => {
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return watch(context.pages()[0]!, { url, workos });
}

async function watch(page: Page, { url, workos }: Places): Promise<Watched> {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
  const faults: string[] = [];
  const own = new Set([new URL(url).origin, new URL(workos.url).origin]);
  page.on('console', (message) => {
    if (message.type() === 'error' && !isExpected(message.text())) faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith('http') && !own.has(origin)) faults.push(`request: ${request.url()}`);
  });
  page.setDefaultTimeout(10_000);
  return { page, faults };
}

/** The browser itself reports each answer that is no success, also those that the page expects. */
function isExpected(text: string): boolean {
  return text.startsWith('Failed to load resource: the server responded with a status of 4');
}

async function launch(): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: executablePath!, args: ARGUMENTS });
  afterAll(() => browser.close());
  return browser;
}

/** Signs in on AuthKit's page, from wherever the console leads there. */
export async function signIn(page: Page, path: string, credentials: { email: string; password: string }) {
  await page.goto(path);
  await page.getByLabel('Email').fill(credentials.email);
  await page.getByLabel('Password').fill(credentials.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL((url) => url.pathname.startsWith('/console'));
}

export function expectNoFaults({ faults }: Watched): void {
  expect(faults).toEqual([]);
}
