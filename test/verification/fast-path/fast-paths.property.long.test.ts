import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { call, createKey } from '../../support/api.ts';
import { exchange } from '../../support/exchange.ts';
import { SERVICE_TOKEN, startService } from '../../support/service.ts';
import { forwardRequests, readRequests, verifyRequests } from './fast-path-requests.ts';
import type { RawRequest } from './fast-path-requests.ts';

const NARROW_TOKEN = 'svc_latchkey_billing_only';
const DAY = { limit: 40, window_seconds: 86_400 };
const service = await startService(
  { TRUST_PROXY: '1', LATCHKEY_SERVICE_TOKENS: `${SERVICE_TOKEN},${NARROW_TOKEN}:billing:read` },
  {
    plans: [
      { name: 'free', key_limit: 20, rate_limit: 'none', concurrency: 'none' },
      { name: 'tight', key_limit: 20, rate_limit: DAY, concurrency: 2 },
    ],
  },
);
const routes = await service.withoutFastPaths();
const both = [service, routes];

const free = await service.organizations.add({ status: 'active', plan: 'free' });
const session = await free.session('owner', { exp: Math.floor(service.clock().getTime() / 1_000) + 3_600 });
const tight = await service.organizations.add({ status: 'active', plan: 'tight' });
const late = await service.organizations.add({ status: 'active', plan: 'free' });
const lateKey = await createKey(service, await late.session());
await service.db('tenants').where({ organization_id: late.id }).update({ billing_status: 'past_due' });
const bound = { label: 'b\u00fcro \u{1f511}', ip_allow_list: ['192.0.2.0/24'] };
const revoked = await createKey(service, session);
const expired = await createKey(service, session);
await service
  .db('api_keys')
  .where({ workos_id: expired.id })
  .update({ expires_at: new Date(Date.now() - 1_000) });
const values = [
  (await createKey(service, session, { permission_set: 'full_access' })).value,
  (await createKey(service, session, bound)).value,
  (await createKey(service, await tight.session())).value,
  lateKey.value,
  revoked.value,
  expired.value,
  'sk_unknown_but_long_enough_to_be_one',
];
await call(service, 'DELETE', `/v1/api-keys/${revoked.id}`, { token: session });
for (const at of both) {
  for (const key of values) await call(at, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key } });
}

function bytesOf({ method, target, headers, body }: RawRequest): Buffer {
  const length = body === '' ? [] : [['content-length', String(body.length)] as const];
  const lines = [...headers, ...length, ['connection', 'close'] as const].map(([name, value]) => `${name}: ${value}`);
  return Buffer.from(`${[`${method} ${target} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n${body}`, 'latin1');
}

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** Every byte but ids, dates and what counts the seconds; the order and case of header names mean nothing. */
function comparable(text: string): { isContinued: boolean; head: string[]; body: string } {
  const isContinued = text.startsWith(CONTINUE);
  const [head = '', ...rest] = (isContinued ? text.slice(CONTINUE.length) : text).split('\r\n\r\n');
  const [status = '', ...lines] = head.split('\r\n');
  const headers = lines
    .map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()))
    .map((line) => line.replace(/^(date|x-request-id|retry-after): .*/, '$1'))
    // The length of a verdict goes with how many digits its age has.
    .map((line) => line.replace(/^content-length: (\d+)$/, (_all, length) => `content-length: ${Number(length) > 0}`))
    .map((line) => (line.startsWith('ratelimit') ? line.replace(/\bt=\d+/, 't') : line));
  const body = rest
    .join('\r\n\r\n')
    .replaceAll(/"(request_id|id)":"(?:req|lease)_[^"]+"/g, '"$1"')
    .replaceAll(/"(checked_at|expires_at)":"[^"]+"/g, '"$1"')
    .replaceAll(/"(stale_ms|reset|retry_after)":\d+/g, '"$1"')
    .replaceAll(/"source":"(?:cache|mirror)"/g, '"source"');
  return { isContinued, head: [status, ...headers.toSorted()], body };
}

const world = { keys: values, serviceTokens: [SERVICE_TOKEN, NARROW_TOKEN], session };

test.each<[string, ReturnType<typeof verifyRequests>]>([
  ['POST /v1/api-keys/verify', verifyRequests(world)],
  ['GET /v1/auth/forward', forwardRequests(world)],
  ['GET /v1/me/session', readRequests(world, '/v1/me/session')],
  ['GET /v1/product', readRequests(world, '/v1/product')],
  ['GET /v1/api-keys/permissions', readRequests(world, '/v1/api-keys/permissions')],
])(
  '%s answers the same, byte for byte, by its fast path and by its route',
  { timeout: 180_000 },
  async (_name, requests) => {
    const seen = new Map<string, number>();
    const property = fc.asyncProperty(requests, fc.boolean(), async (request, isCold) => {
      const bytes = bytesOf(request);
      if (isCold) service.trust.onNotification(undefined);
      const [fast, slow] = await Promise.all(both.map((at) => exchange(at, bytes)));
      const status = slow!.slice(9, 12);
      seen.set(status, (seen.get(status) ?? 0) + 1);
      expect(slow).toMatch(/^HTTP\/1\.1 \d/);
      expect(comparable(fast!)).toEqual(comparable(slow!));
    });
    await fc.assert(property, { numRuns: 500 });
    expect(seen.get('200')).toBeGreaterThan(60);
    expect([...seen.keys()]).toEqual(expect.arrayContaining(['400', '401', '404']));
  },
);
