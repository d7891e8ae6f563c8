import type { Knex } from 'knex';
import { backgroundSource } from '../audit/audit-event.ts';
import type { AuditSource } from '../audit/audit-event.ts';
import type { MirrorTenants } from '../billing/mirror-tenants.ts';
import { transaction } from '../db/transaction.ts';
import type { MirrorKeys } from '../keys/mirror-keys.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { WorkosOrganization } from '../workos/entities.ts';
import type { WorkosEvent } from '../workos/event.ts';

type Deps = {
  db: Knex;
  mirrorKeys: MirrorKeys;
  mirrorTenants: MirrorTenants;
  workosEvents: Metrics['workosEvents'];
};

/** How an event came here. A request's id is that of the hook. */
export type Delivery = { source: 'hook' | 'poll'; requestId?: string };
export type ApplyEvent = (event: WorkosEvent, delivery: Delivery) => Promise<Outcome>;

/** `unchanged`: what the event tells was known already. */
export type Outcome = 'applied' | 'unchanged';

/**
 * Writes an event of WorkOS into the mirror. The same event again, late or in another order than the others ends in
 * the same mirror, so that hook and poller may both bring it, and a crash in between costs nothing.
 */
export function makeApplyEvent(deps: Deps): ApplyEvent {
  return async function applyEvent(event, { source, requestId }) {
    const count = (outcome: Outcome | 'failed') => deps.workosEvents.inc({ type: event.type, source, outcome });
    const actor = { ...backgroundSource('workos', event.actorId ?? 'workos'), requestId };
    try {
      const outcome = (await apply(deps, event, actor)) ? 'applied' : 'unchanged';
      count(outcome);
      return outcome;
    } catch (error) {
      count('failed');
      throw error;
    }
  };
}

function apply(deps: Deps, event: WorkosEvent, source: AuditSource): Promise<boolean> {
  const { db, mirrorKeys, mirrorTenants } = deps;
  const within = (work: (trx: Knex.Transaction) => Promise<boolean>) => transaction(db, work);
  switch (event.type) {
    case 'api_key.created':
      return within((trx) => mirrorKeys.made(trx, event.key, source));
    case 'api_key.updated':
      return within((trx) => mirrorKeys.changed(trx, event.key, source));
    case 'api_key.revoked':
      return within((trx) => mirrorKeys.gone(trx, event.key, event.createdAt, source));
    case 'organization.created':
      return within((trx) => mirrorTenants.created(trx, event.organization, source));
    case 'organization.updated':
      return within((trx) => mirrorTenants.updated(trx, event.organization, source));
    case 'organization.deleted':
      return close(deps, event.organization, source);
  }
}

/**
 * Closes the tenant first, which stops its keys at once, then revokes them in transactions of bounded size: should this
 * end half-way, the event that comes again goes on.
 */
async function close(
  { db, mirrorKeys, mirrorTenants }: Deps,
  organization: WorkosOrganization,
  source: AuditSource,
): Promise<boolean> {
  let changed = false;
  for (;;) {
    const step = await transaction(db, async (trx) => {
      const closed = await mirrorTenants.deleted(trx, organization, source);
      return { closed, revoked: await mirrorKeys.revokeSome(trx, organization.id, source) };
    });
    changed ||= step.closed || step.revoked > 0;
    if (step.revoked === 0) return changed;
  }
}
