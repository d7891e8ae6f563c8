import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Counter } from 'prom-client';
import { backgroundSource } from '../audit/audit-event.ts';
import type { AuditEvent, AuditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { DecommissionRepository } from './decommission-repository.ts';
import type { Tenant } from './posture.ts';

type Deps = {
  db: Knex;
  ending: Pick<DecommissionRepository, 'lockNext' | 'finish'>;
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
  log: Pick<Logger, 'info' | 'warn'>;
};

type Batch = { organizationId: string; revoked: number; done: boolean };

const SOURCE = backgroundSource('system', 'decommission');

/**
 * Revokes all keys of the organizations whose time has come, batch by batch, each in a transaction of its own that holds
 * the organization: whoever is killed is followed by another, and what billing takes back in between stops it. One
 * organization's failure holds up no other's end.
 * @throws the first failure, when all else is done
 */
export function makeDecommission(deps: Deps) {
  return async function decommission(signal: AbortSignal): Promise<void> {
    const failed = new Map<string, unknown>();
    while (!signal.aborted) {
      const batch = await revokeBatch(deps, failed);
      if (batch === 'none') break;
      if (batch !== 'failed') tell(deps, batch);
    }
    for (const error of failed.values()) throw error;
  };
}

async function revokeBatch(deps: Deps, failed: Map<string, unknown>): Promise<Batch | 'none' | 'failed'> {
  let current: string | undefined;
  try {
    return await transaction(deps.db, async (trx) => {
      const tenant = await deps.ending.lockNext(trx, deps.clock(), [...failed.keys()]);
      current = tenant?.organizationId;
      return tenant ? revokeOf(deps, trx, tenant) : 'none';
    });
  } catch (error) {
    if (current === undefined) throw error;
    deps.log.warn({ err: error, organization_id: current }, 'an organization could not be decommissioned now');
    failed.set(current, error);
    return 'failed';
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

function tell({ decommissionedKeys, log }: Deps, { organizationId, revoked, done }: Batch): void {
  decommissionedKeys.inc(revoked);
  log.info({ organization_id: organizationId, revoked, done }, 'keys of a decommissioned organization were revoked');
}
