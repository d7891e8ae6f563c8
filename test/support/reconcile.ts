import { expect } from 'vitest';
import { readConfig } from '../../src/app/read-config.ts';
import { makeReconciliation } from '../../src/app/command-parts.ts';
import type { FaultPoint } from '../../src/process/fault-point.ts';
import type { Product } from '../../src/product/product.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { totalOf } from '../../src/workos-sync/reconcile/reconcile.ts';
import type { FindingOf, Options } from '../../src/workos-sync/reconcile/reconcile.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import type { Service } from './service.ts';
import { keysAtWorkos } from './workos-keys.ts';

/** Service and reconciliation share a secret, so that each recognises the other's markers. */
export const SECRET = 'the secret of service and reconciliation, for tests alone';

/** Creates a reconciliation of a service's database, as `npm run reconcile` runs it. */
export function makeTestReconcile(
  { db, workos, clock }: Pick<Service, 'db' | 'workos' | 'clock'>,
  at?: FaultPoint,
  owners: Product['api_keys']['owners'] = ['organization'],
  env: Record<string, string> = {},
) {
  const config = readConfig({
    DATABASE_URL: 'postgres://handed-in',
    WORKOS_API_KEY: workos.apiKey,
    WORKOS_CLIENT_ID: workos.clientId,
    WORKOS_API_URL: workos.url,
    WORKOS_TIMEOUT_MS: '1500',
    WORKOS_BREAKER_FAILURES: '10000',
    WORKOS_COOKIE_PASSWORD: SECRET,
    LATCHKEY_SECRET: SECRET,
    ...env,
  });
  const file = readProduct(new URL('../../config/evershell.yaml', import.meta.url));
  const product = { ...file, api_keys: { ...file.api_keys, owners } };
  const log = makeLogger({ level: 'silent', pretty: false });
  const reconcile = makeReconciliation({ config, product, db, log, clock, ...(at && { at }) });

  return async (options: Partial<Options> = {}) => {
    const findings: FindingOf[] = [];
    const failures: string[] = [];
    const outcome = await reconcile({
      dryRun: false,
      onFinding: (finding) => findings.push(finding),
      onFailure: ({ environment, organizationId }) => failures.push(organizationId ?? environment),
      onProgress: () => undefined,
      ...options,
    });
    const short = findings.map(({ kind, keyId, repaired }) => [kind, keyId, repaired]);
    return { ...totalOf(outcome.compared), ...outcome, findings, failures, short };
  };
}

type Reconcile = ReturnType<typeof makeTestReconcile>;

/** Returns an organization's rows, audit log and keys at WorkOS, without the marks of a reconciliation. */
export async function stateOf(service: Service, organizationId: string) {
  const rows = await service.db('api_keys').where({ organization_id: organizationId }).orderBy('id');
  const keys = rows.map(({ workos_expected_at: _expected, workos_seen_at: _seen, ...row }) => row);
  return { keys, audit: await auditOf(service, organizationId), there: await keysAtWorkos(service, organizationId) };
}

export const auditOf = ({ db }: Pick<Service, 'db'>, organizationId: string) =>
  db('audit_events')
    .where({ organization_id: organizationId })
    .orderBy('sequence')
    .select('action', 'actor_kind', 'actor_id', 'target_id');

/**
 * Expects a dry run to change nothing, a run to repair the same differences, and a second run to find only `left`.
 * @returns kind, key and whether it was repaired, of each difference
 */
export async function throughAll(
  service: Service,
  reconcile: Reconcile,
  organizationId: string,
  left: unknown[] = [],
): Promise<unknown[]> {
  const before = await stateOf(service, organizationId);
  const looked = await reconcile({ organizationId, dryRun: true });
  expect(await stateOf(service, organizationId)).toEqual(before);
  expect(looked.repaired).toBe(0);
  const repaired = await reconcile({ organizationId });
  expect(repaired.short.map(([kind, key]) => [kind, key])).toEqual(looked.short.map(([kind, key]) => [kind, key]));
  expect((await reconcile({ organizationId })).short).toEqual(left);
  return repaired.short;
}
