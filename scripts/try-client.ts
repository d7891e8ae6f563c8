import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

// As a user writes it. Nothing listens at this address: this tries what needs no answer, and that a missing answer is no crash.
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
  // A stream that was not closed must not keep the process alive.
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
// @ts-expect-error a number is no scope
requireApiKey({ client, scopes: [1] });
`;

const JSX = `
import { useRef } from 'react';
import type { ReactElement } from 'react';
import type { KeyInEvent, LatchkeyKeysElement } from 'latchkey/element';
import { LatchkeyKeys } from 'latchkey/react';

const getToken = async () => 'token';
const take = (key: KeyInEvent): string => key.label;
export const Component = (): ReactElement => (
  <LatchkeyKeys baseUrl="http://127.0.0.1:1" getToken={getToken} onKeyCreated={({ key }) => take(key)} />
);
export function Bare(): ReactElement {
  const element = useRef<LatchkeyKeysElement>(null);
  const created = { 'onlatchkey-key-created': ({ detail }: CustomEvent<{ key: KeyInEvent }>) => void take(detail.key) };
  return <latchkey-keys ref={element} base-url="http://127.0.0.1:1" theme="dark" getToken={getToken} {...created} />;
}
export function listen(): void {
  document.querySelector('latchkey-keys')?.addEventListener('latchkey-key-revoked', ({ detail }) => detail.id.trim());
}
// @ts-expect-error there is no such theme
export const Wrong = (): ReactElement => <latchkey-keys theme="blue" />;
// @ts-expect-error a token is no function
export const Worse = (): ReactElement => <LatchkeyKeys getToken="token" />;
`;

/** Servers render the component without the element, which needs a browser. */
const RENDERING = `
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { LatchkeyKeys } from 'latchkey/react';

console.error = (warning) => {
  throw new Error(warning);
};
await import('latchkey/element');
const html = renderToStaticMarkup(createElement(LatchkeyKeys, { baseUrl: 'http://127.0.0.1:1' }));
if (html !== '<latchkey-keys base-url="http://127.0.0.1:1"></latchkey-keys>') throw new Error(html);
`;

const COMMONJS = `
const { createLatchkeyClient, LatchkeyError } = require('latchkey/client');
const { requireApiKey } = require('latchkey/express');
const client = createLatchkeyClient({ baseUrl: 'http://127.0.0.1:1', token: 'svc_try' });
requireApiKey({ client });
client.keys.get('x').then(process.exit, (error) => process.exit(error instanceof LatchkeyError ? 0 : 1));
`;

/** A folder with its own node_modules, and the major versions of what is used there. */
export type Project = { folder: string; npm: string; typescript: string; react: string };

/** Uses the installed package from JavaScript of both kinds, from TypeScript under both resolutions, and as a command. */
export function tryClient({ folder }: Project): void {
  const run = (file: string, ...args: string[]) =>
    execFileSync(process.execPath, [file, ...args], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  writeFileSync(join(folder, 'plain.mjs'), JAVASCRIPT);
  run('plain.mjs');
  writeFileSync(join(folder, 'plain.cjs'), COMMONJS);
  run('plain.cjs');
  writeFileSync(join(folder, 'rendering.mjs'), RENDERING);
  run('rendering.mjs');
  writeFileSync(join(folder, 'typed.mts'), TYPESCRIPT);
  writeFileSync(join(folder, 'typed.tsx'), JSX);
  const compiler = join(folder, 'node_modules/typescript/bin/tsc');
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--types', 'node', 'typed.mts'];
  run(compiler, '--module', 'nodenext', ...options);
  run(compiler, '--module', 'esnext', '--moduleResolution', 'bundler', '--jsx', 'react-jsx', ...options, 'typed.tsx');
  const command = join(folder, 'node_modules/.bin/latchkey');
  const version = execFileSync(command, ['--version'], { cwd: folder, encoding: 'utf8' });
  if (!/^\d+\.\d+\.\d+\n$/.test(version)) throw new Error(`latchkey --version printed ${version}`);
}

/** Asks two judges of packages, which find nothing. The package is ESM, which `require` of current Nodes loads. */
export function lintPackage(file: string, cwd: string): void {
  for (const args of [
    ['publint@0.3', file, '--strict'],
    ['@arethetypeswrong/cli@0.18', file, '--profile', 'esm-only', '--quiet'],
  ])
    execFileSync('npx', ['--yes', ...args], { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
}
