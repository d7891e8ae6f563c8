import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import express from 'express';
import { bundleReactPage } from './bundle.js';

// Harbour, a product that shows its customers their keys in its own pages.
const { LATCHKEY_URL = 'http://127.0.0.1:3000', WORKOS_URL = 'http://127.0.0.1:4100', PORT = '8080' } = process.env;
const ORIGIN = `http://127.0.0.1:${PORT}`;
const FILES = join(import.meta.dirname, 'public');

// What the element and the frame need of a strict policy.
const POLICY = [
  "default-src 'none'",
  `script-src 'self' ${LATCHKEY_URL}`,
  `connect-src 'self' ${LATCHKEY_URL}`,
  `frame-src ${LATCHKEY_URL}`,
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const app = express();
app.use((_req, res, next) => {
  res.set({ 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff' });
  next();
});

for (const page of ['element', 'react', 'frame']) {
  const html = readFileSync(join(FILES, `${page}.html`), 'utf8').replaceAll('{{LATCHKEY_URL}}', LATCHKEY_URL);
  app.get(page === 'element' ? '/' : `/${page}`, (_req, res) => void res.type('html').send(html));
}

// Everybody who opens this page is the owner of Acme. A product takes the access token from the session of the person who
// sent this request, refreshed (`@workos-inc/node`: `session.refresh()`): it never holds anybody's password.
app.post('/session/access-token', async (req, res) => {
  // Pages of other origins must not get the token. Browsers name the page's origin in each POST.
  if (req.get('origin') !== ORIGIN) return res.status(403).type('text').send('Only pages of this app get a token.');
  const answer = await fetch(`${WORKOS_URL}/user_management/authenticate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      grant_type: 'password',
      client_id: 'client_latchkey',
      client_secret: 'sk_test_latchkey',
      email: 'owner@acme.test',
      password: 'latchkey-demo',
    }),
  });
  if (!answer.ok) return res.status(502).type('text').send('The local WorkOS did not sign in owner@acme.test.');
  const { access_token: accessToken } = await answer.json();
  return res.set('cache-control', 'no-store').type('text').send(accessToken);
});

const reactPage = await bundleReactPage(LATCHKEY_URL);
app.get('/react.js', (_req, res) => void res.type('js').send(reactPage));
app.use(express.static(FILES, { index: false }));

app.listen(Number(PORT), '127.0.0.1', (error) => {
  if (error) throw error;
  process.stdout.write(`The example listens on ${ORIGIN}, with Latchkey on ${LATCHKEY_URL}\n`);
});
