import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

// As a user would write it. Nothing listens at this address: what needs no answer is tried, and that none is no crash.
const JAVASCRIPT = `
import { LatchkeyError, createLatchkeyClient } from 'latchkey/client';
import { createApiKeyGuard, requireApiKey } from 'latchkey/express';
import express from 'express';

const client = createLatchkeyClient({ baseUrl: 'http://127.0.0.1:1', token: 'svc_try' });
const error = await client.verify({ key: 'sk_try' }).catch((error) => error);
if (!(error instanceof LatchkeyError) || error.code !== 'unreachable') throw error;
const app = express();
app.get('/', requireApiKey({ client, scopes: ['tasks:read'] }), (req, res) => res.json(req.apiKey));
const server = app.listen(0, '127.0.0.1', async () => {
  const url = \`http://127.0.0.1:\${server.address().port}/\`;
  const codes = [];
  for (const headers of [{}, { 'x-api-key': 'sk_try' }]) {
    const { error } = await (await fetch(url, { headers })).json();
    codes.push(error.code);
  }
  if (codes.join() !== 'credential_missing,verification_unavailable') throw new Error(codes.join());
  createApiKeyGuard({ client }).close();
  server.close();
  // The stream that was not closed keeps no process alive.
  server.closeAllConnections();
});
`;

const TYPESCRIPT = `
import { createLatchkeyClient } from 'latchkey/client';
import type { ApiKey, LatchkeyClient, LatchkeyError, Page } from 'latchkey/client';
import { apiKeyOf, requireApiKey } from 'latchkey/express';
import type { VerifiedKey } from 'latchkey/express';
import type { RequestHandler } from 'express';

export const client: LatchkeyClient = createLatchkeyClient({ baseUrl: 'http://127.0.0.1:1', token: 'svc_try' });
export const keys: Promise<Page<ApiKey>> = client.keys.list({ limit: 10 });
export const guard: RequestHandler = requireApiKey({ client, operation: (req) => (req.path === '/' ? 'read' : 'create') });
export const handler: RequestHandler = (req, res) => {
  const key: VerifiedKey = apiKeyOf(req);
  res.json({ organization: key.organizationId, same: req.apiKey?.id });
};
export const secondsOf = (error: LatchkeyError): number | undefined => error.retryAfterSeconds;
// @ts-expect-error what is no scope is refused
requireApiKey({ client, scopes: [1] });
`;

/** Uses the installed package's `latchkey/client` and `latchkey/express` from plain JavaScript and from TypeScript. */
export function tryClient(folder: string): void {
  writeFileSync(join(folder, 'plain.mjs'), JAVASCRIPT);
  execFileSync(process.execPath, ['plain.mjs'], { cwd: folder, stdio: 'inherit', timeout: 20_000 });
  writeFileSync(join(folder, 'typed.mts'), TYPESCRIPT);
  // The types that a user of Express has installed.
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
  for (const name of ['express', 'node']) {
    symlinkSync(join(root, 'node_modules', '@types', name), join(folder, 'node_modules', '@types', name), 'junction');
  }
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node'];
  execFileSync(process.execPath, [compiler, ...options, 'typed.mts'], { cwd: folder, stdio: 'inherit' });
  process.stdout.write('  latchkey/client and latchkey/express work from JavaScript, and have types\n');
}
