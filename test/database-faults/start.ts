import { afterAll } from 'vitest';
import { connectDatabase } from '../../src/db/connect.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { call } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { startService } from '../support/service.ts';
import type { Service } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';
import { startProxy } from './proxy.ts';
import type { Proxy } from './proxy.ts';

export type Behind = { service: Service; proxy: Proxy };

/** A service that reaches its database through a proxy; what tests look at is asked past it. */
export async function startBehindProxy(
  env: Readonly<Record<string, string>> = {},
  { poolMax = 10 }: { poolMax?: number } = {},
): Promise<Behind> {
  let proxy: Proxy | undefined;
  const service = await startService(env, {
    async through(url) {
      proxy = await startProxy(url);
      return connectDatabase({ url: proxy.url, poolMax, log: makeLogger({ level: 'silent', pretty: false }) });
    },
  });
  if (!proxy) throw new Error('these tests need a PostgreSQL server');
  const started = proxy;
  afterAll(() => started.close());
  return { service, proxy: started };
}

export const WANTED = { label: 'a key', permission_set: 'read_only' };

/** One request, and how long it took. */
export async function timed(request: () => Promise<Answer>): Promise<{ answer: Answer; elapsedMs: number }> {
  const from = performance.now();
  const answer = await request();
  return { answer, elapsedMs: performance.now() - from };
}

/**
 * Settles as the loops would, then compares the three: what WorkOS has, what the mirror calls active, and what clients
 * were told.
 */
export async function expectedEverywhere(
  service: Service,
  organizationId: string,
): Promise<{ there: string[]; here: string[] }> {
  service.clock.advance(60_000);
  await service.background.runOnce('settle');
  const there = (await keysAtWorkos(service, organizationId)).map(({ id }) => id);
  const here = await service
    .db('api_keys')
    .where({ organization_id: organizationId, status: 'active' })
    .pluck('workos_id');
  return { there: inOrder(there), here: inOrder(here as string[]) };
}

export function inOrder(ids: readonly string[]): string[] {
  return ids.toSorted((a, b) => (a < b ? -1 : 1));
}

export const create = (service: Service, token: string, key?: string): Promise<Answer> =>
  call(service, 'POST', '/v1/api-keys', {
    token,
    ...(key !== undefined && { headers: { 'idempotency-key': key } }),
    body: WANTED,
  });
