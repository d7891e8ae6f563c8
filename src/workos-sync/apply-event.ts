import type { Knex } from 'knex';
import { backgroundSource } from '../audit/audit-event.ts';
import type { AuditSource } from '../audit/audit-event.ts';
import type { MirrorSessions } from '../sessions/end-session.ts';
import type { MirrorTenants } from '../tenants/mirror-tenants.ts';
import { transaction } from '../db/transaction.ts';
import type { MirrorKeys } from '../api-keys/mirror/mirror-keys.ts';
import type { MirrorMembers, Step } from '../members/mirror-members.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { WorkosKey, WorkosOrganization, WorkosRole } from '../workos/entities.ts';
import type { WorkosEvent } from '../workos/events/event.ts';

type Deps = {
  db: Knex;
  mirrorKeys: MirrorKeys;
  mirrorTenants: MirrorTenants;
  mirrorMembers: MirrorMembers;
  mirrorSessions: MirrorSessions;
  /** Reads a member's roles from WorkOS when they are unknown. Never fails: unknown roles grant nothing. */
  askAboutMember: (member: { organizationId: string; userId: string }) => Promise<void>;
  /** Checks the size of a role's permissions. */
  noteRole: (role: WorkosRole) => void;
  workosEvents: Metrics['workosEvents'];
};

const PAGE = 100;

/** How an event arrived. `requestId` is set for a webhook. */
export type Delivery = { source: 'hook' | 'poll'; requestId?: string };
export type ApplyEvent = (event: WorkosEvent, delivery: Delivery) => Promise<Outcome>;

/** `unchanged`: the mirror had the state of the event already. */
export type Outcome = 'applied' | 'unchanged';

/**
 * Writes an event of WorkOS into the mirror. Idempotent and independent of order: webhook and poller may both deliver an
 * event, late or again after a crash, and the mirror ends the same.
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
  const { db, mirrorKeys, mirrorTenants, mirrorSessions } = deps;
  const within = (work: (trx: Knex.Transaction) => Promise<boolean>) => transaction(db, work);
  switch (event.type) {
    case 'api_key.created':
      return keyCreated(deps, event.key, source);
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
    case 'session.revoked':
      return within((trx) => mirrorSessions.revoked(trx, event.session, event.createdAt, source));
    default:
      return applyToMembers(deps, event, source);
  }
}

type MemberEvent = Exclude<WorkosEvent, { key: unknown } | { organization: unknown } | { session: unknown }>;

async function applyToMembers(deps: Deps, event: MemberEvent, source: AuditSource): Promise<boolean> {
  const { mirrorMembers } = deps;
  switch (event.type) {
    case 'organization_membership.created':
    case 'organization_membership.updated': {
      const changed = await inSteps(deps, (trx) => mirrorMembers.changed(trx, event.member, source));
      if (changed) await deps.askAboutMember(event.member);
      return changed;
    }
    case 'organization_membership.deleted': {
      const ending = { at: event.createdAt, reason: 'membership_ended', source } as const;
      return inSteps(deps, (trx) => mirrorMembers.ended(trx, event.member, ending));
    }
    case 'user.deleted':
      return endEverywhere(deps, event.userId, { at: event.createdAt, reason: 'user_deleted', source });
    default: {
      const gone = event.type === 'role.deleted' || event.type === 'organization_role.deleted';
      if (!gone) deps.noteRole(event.role);
      const role = gone ? { ...event.role, updatedAt: event.createdAt } : event.role;
      return inSteps(deps, (trx) => mirrorMembers.roleChanged(trx, role, gone));
    }
  }
}

async function endEverywhere(
  deps: Deps,
  userId: string,
  ending: Parameters<MirrorMembers['ended']>[2],
): Promise<boolean> {
  const { db, mirrorMembers } = deps;
  let changed = false;
  for (let after: string | undefined = ''; after !== undefined;) {
    const ids: string[] = await mirrorMembers.organizationsOf(db, userId, after, PAGE);
    for (const organizationId of ids) {
      const ended = await inSteps(deps, (trx) => mirrorMembers.ended(trx, { organizationId, userId }, ending));
      changed ||= ended;
    }
    after = ids.at(-1);
  }
  return changed;
}

/** Repeats a transaction of bounded size. After a crash half-way the redelivered event goes on. */
async function inSteps({ db }: Deps, step: (trx: Knex.Transaction) => Promise<Step>): Promise<boolean> {
  let changed = false;
  for (;;) {
    const done = await transaction(db, step);
    changed ||= done.changed;
    if (!done.more) return changed;
  }
}

async function keyCreated(
  { db, mirrorKeys, askAboutMember }: Deps,
  key: WorkosKey,
  source: AuditSource,
): Promise<boolean> {
  const { organizationId, userId } = key;
  const changed = await transaction(db, (trx) => mirrorKeys.made(trx, key, source));
  if (changed && userId !== undefined) await askAboutMember({ organizationId, userId });
  return changed;
}

/**
 * Closes the tenant first, which stops its keys at once, then revokes them in transactions of bounded size. After a crash
 * half-way the redelivered event goes on.
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
