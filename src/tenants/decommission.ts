import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Counter } from 'prom-client';
import { backgroundSource } from '../audit/audit-event.ts';
import type { AuditEvent, AuditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Items } from '../background/items.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { DecommissionRepository } from './decommission-repository.ts';
import type { Tenant } from './posture.ts';

type Deps = {
  db: Knex;
  ending: Pick<DecommissionRepository, 'listDue' | 'lockDue' | 'finish'>;
  items: Pick<Items, 'each'>;
  /** Revokes a bounded number of keys inside the transaction. */
  revokeSomeKeys: (
    trx: Knex.Transaction,
    organizationId: string,
    source: AuditSource,
    now: Date,
  ) => Promise<{ events: AuditEvent[]; more: boolean }>;
  audit: Pick<AuditLog, 'appendAll'>;
  decommissionedKeys: Pick<Counter, 'inc'>;
  clock: Clock;
  log: Pick<Logger, 'info'>;
};

type Batch = { organizationId: string; revoked: number; done: boolean };

const ORGANIZATIONS = 50;
const SOURCE = backgroundSource('system', 'decommission');

/**
 * Revokes all keys of organizations whose decommissioning is due, batch by batch. Each batch is a transaction that locks the
 * organization, so another replica can go on after a crash, and billing can stop it between two batches. An organization
 * that fails is set aside and delays no other.
 */
export function makeDecommission(deps: Deps) {
  const { ending, items, clock } = deps;
  return async function decommission(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const due = await ending.listDue(clock(), ORGANIZATIONS);
      await items.each(due, {
        name: (id) => ({ id, organizationId: id }),
        work: (organizationId) => endOne(deps, organizationId, signal),
        signal,
      });
      if (due.length < ORGANIZATIONS) return;
    }
  };
}

async function endOne(deps: Deps, organizationId: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const batch = await transaction(deps.db, async (trx) => {
      const tenant = await deps.ending.lockDue(trx, organizationId, deps.clock());
      return tenant && revokeOf(deps, trx, tenant);
    });
    if (!batch) return;
    report(deps, batch);
    if (batch.done) return;
  }
}

async function revokeOf(deps: Deps, trx: Knex.Transaction, tenant: Tenant): Promise<Batch> {
  const { organizationId, decommissionAt } = tenant;
  const now = deps.clock();
  const { events, more } = await deps.revokeSomeKeys(trx, organizationId, SOURCE, now);
  if (!more) await deps.ending.finish(trx, organizationId, now);
  const done: AuditEvent = {
    ...SOURCE,
    organizationId,
    action: 'organization.decommissioned',
    target: { kind: 'organization', id: organizationId },
    details: { decommission_at: decommissionAt?.toISOString() ?? null },
  };
  await deps.audit.appendAll(trx, organizationId, more ? events : [...events, done]);
  return { organizationId, revoked: events.length, done: !more };
}

function report({ decommissionedKeys, log }: Deps, { organizationId, revoked, done }: Batch): void {
  decommissionedKeys.inc(revoked);
  log.info({ organization_id: organizationId, revoked, done }, 'decommissioning revoked keys');
}
