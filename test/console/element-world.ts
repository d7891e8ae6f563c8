import { afterEach, beforeEach, expect } from 'vitest';
import { openPage } from './chromium.ts';
import type { Watched } from './chromium.ts';
import { HOSTILE_STYLES, startHost, strictPolicy } from './host-page.ts';
import { startWorld } from './world.ts';

type Options = { attributes?: string; styles?: string; browser?: Parameters<typeof openPage>[1] };

/** A service, and a page of a product on another origin that holds an element for each of some people. */
export async function startElements() {
  const host = await startHost();
  const world = await startWorld({}, { product: { console: { element_origins: [host.origin] } } });
  type Person = Awaited<ReturnType<typeof world.addPerson>>;
  /** What the page's callback gives out, and how often it has, by organization. */
  const tokens = new Map<string, () => Promise<string>>();
  const given = new Map<string, number>();
  let watched: Watched | undefined;

  beforeEach(() => given.clear());
  afterEach(() => {
    const faults = watched?.faults ?? [];
    watched = undefined;
    expect(faults).toEqual([]);
  });

  host.answer('/hostile.css', () => ({ type: 'text/css', body: HOSTILE_STYLES }));
  host.answer('/plain.css', () => ({ type: 'text/css', body: 'body { margin: 24px; font-family: sans-serif }' }));
  host.answer('/token', async ({ searchParams }) => {
    const of = searchParams.get('of')!;
    given.set(of, (given.get(of) ?? 0) + 1);
    return { type: 'text/plain', body: await tokens.get(of)!() };
  });
  host.answer('/app.js', () => ({ type: 'text/javascript', body: scriptOf(world.url) }));

  /** Opens the page of the product, and fails the test for what goes wrong in it. */
  async function open(people: readonly Person[], { attributes = '', styles = 'plain', browser = {} }: Options = {}) {
    for (const { organization } of people) tokens.set(organization.id, () => organization.session());
    const elements = people.map(
      ({ organization: { id } }) => `<latchkey-keys id="${id}" base-url="${world.url}" ${attributes}></latchkey-keys>`,
    );
    host.answer('/settings', () => ({
      type: 'text/html',
      body: `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Settings</title>
        <link rel="stylesheet" href="/${styles}.css"><main><h1>Settings</h1>${elements.join('')}</main>
        <script type="module" src="/app.js"></script></html>`,
      headers: { 'content-security-policy': strictPolicy(world.url) },
    }));
    watched = await openPage({ url: host.origin, workos: world }, browser);
    await watched.page.goto('/settings');
    return { ...watched };
  }
  return { world, host, tokens, given, open };
}

/** The product's own script: events are kept in `seen`, and tokens come from the product's server. */
const scriptOf = (latchkey: string) => `
  import '${latchkey}/console/latchkey-keys.js';
  window.seen = [];
  for (const name of ['key-created', 'key-rotated', 'key-revoked', 'error', 'session-ended'])
    document.addEventListener('latchkey-' + name, ({ detail, target }) => seen.push({ name, detail, of: target.id }));
  for (const element of document.querySelectorAll('latchkey-keys'))
    element.getToken = async () => (await fetch('/token?of=' + element.id)).text();`;
