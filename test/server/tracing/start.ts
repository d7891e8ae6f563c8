import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll } from 'vitest';
import { makeLifetime } from '../../../src/process/shutdown.ts';
import { startChild } from '../../support/child.ts';
import { makeTestClock } from '../../support/clock.ts';
import { freshDatabase } from '../../support/database.ts';
import { startLocalWorkos } from '../../support/local-workos.ts';
import { makeOrganizations } from '../../support/organizations.ts';
import { emptySeed, environment } from '../../support/service.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const SDK = join(import.meta.dirname, 'sdk.ts');
const START_MS = 30_000;
const SERVER = 1;

/** A span as `sdk.ts` writes it. */
export type Span = {
  name: string;
  kind: number;
  attributes: Record<string, string | number>;
  status: { code: number; message?: string };
  traceId: string;
  spanId: string;
  parentId?: string;
  fromMs: number;
  toMs: number;
};

const lifetime = makeLifetime();
// Registered here: vitest does not call a hook that another hook registers.
afterAll(() => lifetime.end());

/** Starts the production start as a process after `preload`, on a database and a local WorkOS of its own. */
export async function startTraced(more: Readonly<Record<string, string>> = {}, preload = SDK) {
  const clock = makeTestClock();
  const workos = await startLocalWorkos({ seed: emptySeed, clock });
  lifetime.onEnd(() => workos.close());
  const toWorkos = await recordHeaders(workos.url);
  const { db, url: databaseUrl, close } = await freshDatabase();
  lifetime.onEnd(close);
  if (databaseUrl === undefined) throw new Error('these tests need TEST_DATABASE_URL: the service is a process');
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-traced-'));
  lifetime.onEnd(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'spans');
  writeFileSync(file, '');
  const env: Record<string, string> = {
    ...environment(workos),
    DATABASE_URL: databaseUrl,
    WORKOS_API_URL: toWorkos.url,
    PORT: '0',
    SPANS_FILE: file,
    ...more,
  };
  const child = startChild(process.execPath, ['--import', preload, join(ROOT, 'src', 'main.ts')], { cwd: ROOT, env });
  lifetime.onEnd(() => child.kill('SIGKILL'));
  const [, url = ''] = await child.saw(/"url":"([^"]+)".*latchkey listens/, START_MS);
  const spans = (): Span[] =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Span);
  return {
    url,
    db,
    workos,
    secrets: [env['LATCHKEY_SECRET']!, env['WORKOS_COOKIE_PASSWORD']!, workos.apiKey, new URL(databaseUrl).password],
    log: () => child.stdout(),
    spans,
    /** What the process sent to WorkOS. */
    sent: toWorkos.headers,
    organizations: makeOrganizations({ db, workos, clock }),
  };
}

/** Passes requests on, and remembers their headers. */
async function recordHeaders(target: string) {
  const headers: IncomingHttpHeaders[] = [];
  const server = createServer((req, res) => {
    headers.push(req.headers);
    void passOn(target, req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  lifetime.onEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, headers };
}

async function passOn(target: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const body = await buffer(req);
  const { authorization = '', 'content-type': type = 'application/json' } = req.headers;
  const answer = await fetch(`${target}${req.url}`, {
    method: req.method ?? 'GET',
    headers: { authorization, 'content-type': type },
    ...(body.length > 0 && { body }),
  });
  res.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? type });
  res.end(Buffer.from(await answer.arrayBuffer()));
}

/** A new `traceparent`, and the id of its trace. */
export function newTrace({ sampled }: { sampled: boolean }) {
  const traceId = randomBytes(16).toString('hex');
  const parentId = randomBytes(8).toString('hex');
  return { traceId, parentId, headers: { traceparent: `00-${traceId}-${parentId}-${sampled ? '01' : '00'}` } };
}

/** Draws the spans of a trace, each below its parent and in order of time, with chosen attributes. */
export function drawTrace(spans: readonly Span[], traceId: string): string[] {
  const own = spans.filter((span) => span.traceId === traceId).toSorted((a, b) => a.fromMs - b.fromMs);
  const below = (parentId: string | undefined, depth: number): string[] =>
    own.flatMap((span) =>
      span.parentId === parentId ? [`${'  '.repeat(depth)}${labelOf(span)}`, ...below(span.spanId, depth + 1)] : [],
    );
  const root = own.find(({ kind }) => kind === SERVER);
  return root ? below(root.parentId, 0) : [];
}

function labelOf({ name, attributes }: Span): string {
  const { 'latchkey.verify.code': code, 'latchkey.verify.source': source, 'error.type': failed } = attributes;
  return [name, code, source, failed && `failed: ${failed}`].filter((part) => part !== undefined).join(' ');
}
