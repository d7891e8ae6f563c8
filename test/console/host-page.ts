import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

type Answer = { type: string; body: string; headers?: Record<string, string> };

/** The page of a product: another origin than the service's, with answers that tests set. */
export async function startHost() {
  const answers = new Map<string, (url: URL) => Answer | Promise<Answer>>();
  const server = createServer((req, res) => {
    const url = new URL(req.url!, 'http://host.invalid');
    const answer = answers.get(url.pathname);
    if (!answer) return void res.writeHead(url.pathname === '/favicon.ico' ? 204 : 404).end();
    void Promise.resolve(answer(url)).then(({ type, body, headers }) =>
      res.writeHead(200, { 'content-type': `${type}; charset=utf-8`, ...headers }).end(body),
    );
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  afterAll(() => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, answer: (path: string, with_: (url: URL) => Answer | Promise<Answer>) => answers.set(path, with_) };
}

/** The strictest policy that a page with the element can have: no inline style, no string as a script. */
export const strictPolicy = (latchkey: string) =>
  [
    "default-src 'none'",
    `script-src 'self' ${latchkey}`,
    `connect-src 'self' ${latchkey}`,
    "style-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');

/** Styles of a page that reach for everything in it. */
export const HOSTILE_STYLES = `
html { font-size: 40px; }
* { color: rgb(255, 0, 255) !important; letter-spacing: 9px !important; text-transform: uppercase !important;
  line-height: 3 !important; font-style: italic !important; }
button, input, table, dialog, .ground, .dark { display: none !important; }
`;
