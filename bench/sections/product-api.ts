import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Target } from '../load.ts';
import { interleave, ratio } from '../rounds.ts';
import type { Rounds } from '../rounds.ts';
import type { Bench, Finding, Outcome, Section } from '../section.ts';
import { ROOT } from '../start-server.ts';
import { times } from '../tables.ts';
import { bearerTarget, verifyTarget } from '../targets.ts';
import { makeCallers } from '../world.ts';

/** Names, an envelope and errors of a product's own, as a product of today would have them. */
const API = `
api:
  base_path: /api/v1
  error: { body: { error: $code, message: $message, retryAfter: $retry_after? } }
  errors:
    credential_invalid: { status: 400, code: error.key_incorrect, message: The key is missing or wrong }
  operations:
    verifyApiKey: { path: /check, request: { apiKey: key }, response: { ok: valid, reason: code, company: organization_id } }
    forwardAuth: { path: /auth }
    getSession:
      path: /profile
      callers: [api_key]
      response: { company: organization_id, title: api_key_label }
`;

/** What is compared, by Latchkey's own path and the product's. */
const PAIRS = [
  ['verification', 'ownVerify', 'verify'],
  ['forward authentication', 'ownForward', 'forward'],
  ['`GET /v1/me/session` with an API key', 'ownSession', 'session'],
] as const;
const NAMES = {
  ownVerify: '`POST /v1/api-keys/verify`',
  verify: 'the same, under the path and names of a product',
  ownForward: '`GET /v1/auth/forward`',
  forward: 'the same, under a path of a product',
  ownSession: '`GET /v1/me/session` with an API key',
  session: 'the same, under the path and names of a product, with fewer members',
} as const;
const LEAST = 0.95;

type Name = keyof typeof NAMES;

/** Compares requests under a product's own names with the same ones under Latchkey's, in one process. */
export const productApi: Section = {
  name: 'product-api',
  title: "A product's own API, compared with Latchkey's",
  needsPostgres: false,
  run: runProductApi,
};

async function runProductApi({ world, lifetime, length }: Bench): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  lifetime.onEnd(() => Promise.resolve(rmSync(folder, { recursive: true })));
  const file = join(folder, 'product.yaml');
  writeFileSync(file, readFileSync(join(ROOT, 'bench/product.yaml'), 'utf8') + API);
  const env = { ...(await world.environment()), LATCHKEY_CONFIG: file };
  const { url } = await world.startLatchkey(lifetime, 'measured', env);
  const { keys } = await makeCallers(url, (await world.workos()).url);
  const named = await interleave(targets(url, keys), length);
  const rounds = Object.fromEntries(Object.entries(named).map(([name, rounds]) => [NAMES[name as Name], rounds]));
  const findings = PAIRS.map(([what, own, product]) => judge(what, named[own], named[product]));
  return { findings, rounds, raw: '' };
}

function targets(url: string, keys: readonly string[]): Record<Name, Target> {
  const ownVerify = verifyTarget(url, keys);
  const verify = {
    ...ownVerify,
    path: '/api/v1/check',
    requests: ownVerify.requests.map(({ headers, body }) => ({
      headers,
      body: { apiKey: (body as { key: string }).key },
    })),
    accepts: (answer: unknown) => (answer as { ok?: unknown }).ok === true,
  };
  return {
    ownVerify,
    verify,
    ownForward: bearerTarget(url, '/v1/auth/forward', keys),
    forward: bearerTarget(url, '/api/v1/auth', keys),
    ownSession: bearerTarget(url, '/v1/me/session', keys),
    session: bearerTarget(url, '/api/v1/profile', keys),
  };
}

function judge(what: string, own: Rounds, product: Rounds): Finding {
  const rate = ratio(product, own, 'requestsPerSecond');
  return {
    measure: `${what} under a product's own path and names, compared with Latchkey's`,
    mustReach: `at least ${LEAST}× the requests/s`,
    reached: times(rate),
    ok: rate >= LEAST,
  };
}
