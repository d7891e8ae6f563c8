import type { Knex } from 'knex';
import type { AuditEvent } from '../../audit/audit-event.ts';
import type { Account, BillingStatus, Policy, Posture } from '../../tenants/posture.ts';
import type { Clock } from '../../clock.ts';
import { notice } from '../webhook.ts';
import type { OutboxWriter, Since } from '../outbox-writer.ts';
import { readAccount, readTold, writeTold } from './published-postures.ts';
import type { Told } from './published-postures.ts';

type Deps = { policy: Pick<Policy, 'standingOf'>; outbox: OutboxWriter; clock: Clock };
type Cause = 'billing' | 'clock' | 'workos' | 'configuration';
type Change = { from: Posture; to: Posture; at: Date; cause: Cause; reason: string | null };
/** What to say of a change that no clock brought; `from` counts where nothing was told yet. */
type Occasion = { from: Posture | undefined; cause: Cause; reason: string | null };

const TYPE = 'organization.posture_changed';
const CLOCK_REASONS: Partial<Record<Posture, string>> = { trial: 'trial_ended', grace: 'grace_ended' };

export type PostureNotices = ReturnType<typeof makePostureNotices>;

/** Tells every change of a posture once and in order, whoever finds it first: whoever changes billing, or the loop. */
export function makePostureNotices({ policy, outbox, clock }: Deps) {
  async function tell(trx: Knex.Transaction, organizationId: string, occasion: Occasion, since?: Since): Promise<void> {
    const account = await readAccount(trx, organizationId);
    const told = await readTold(trx, organizationId);
    const now = clock();
    const standing = policy.standingOf(account, now);
    const changes = told ? clockChanges(policy, told, now) : [];
    const last = changes.at(-1)?.to ?? told?.posture ?? occasion.from ?? standing.posture;
    if (last !== standing.posture)
      changes.push({ from: last, to: standing.posture, at: now, cause: occasion.cause, reason: occasion.reason });
    await writeTold(trx, organizationId, { ...account, ...standing });
    const notices = changes.map(({ at, ...details }) => notice(TYPE, organizationId, at, { details }));
    await outbox.tell(trx, organizationId, notices, since);
  }

  return {
    /** After what the audit log records of an organization, in its transaction. */
    async tellAfter(trx: Knex.Transaction, event: Pick<AuditEvent, 'organizationId' | 'action' | 'details'>) {
      if (!outbox.wants(TYPE)) return;
      const now = clock();
      const account = await readAccount(trx, event.organizationId);
      const from = postureBefore(event, account, (before) => policy.standingOf(before, now).posture);
      await tell(trx, event.organizationId, { from, ...causeOf(event) });
    },

    /** What the clock has brought by now, or another configuration. An organization of which nothing was told begins here. */
    tellByNow: (trx: Knex.Transaction, organizationId: string, since: Since) =>
      tell(trx, organizationId, { from: undefined, cause: 'configuration', reason: null }, since),
  };
}

/** From what was told last until now, if nobody had said anything. */
function clockChanges(policy: Deps['policy'], told: Told, now: Date): Change[] {
  const changes: Change[] = [];
  let { posture, until } = told;
  while (until && until <= now) {
    const next = policy.standingOf(told, until);
    if (next.posture !== posture) {
      const reason = CLOCK_REASONS[posture] ?? null;
      changes.push({ from: posture, to: next.posture, at: until, cause: 'clock', reason });
    }
    if (next.until && next.until <= until) break;
    ({ posture, until } = next);
  }
  return changes;
}

function causeOf({ action, details }: Pick<AuditEvent, 'action' | 'details'>): Pick<Occasion, 'cause' | 'reason'> {
  const isWorkos = action === 'organization.created' || action === 'organization.deleted';
  const { reason } = details;
  return { cause: isWorkos ? 'workos' : 'billing', reason: typeof reason === 'string' ? reason : null };
}

type BeforeBilling = { status: BillingStatus; status_since: string | null; trial_ends_at: string | null };

/** Of an organization of which nothing was told yet, as far as its event says it. */
function postureBefore(
  { action, details }: Pick<AuditEvent, 'action' | 'details'>,
  account: Account,
  postureOf: (account: Account) => Posture,
): Posture | undefined {
  if (action === 'organization.created') return 'unknown';
  if (action === 'organization.deleted') return postureOf({ ...account, deletedAt: undefined });
  if (action !== 'organization.billing_changed') return undefined;
  const before = details['before'] as Partial<BeforeBilling> | null | undefined;
  if (!before?.status) return 'unknown';
  return postureOf({
    status: before.status,
    statusSince: timeOf(before.status_since),
    trialEndsAt: timeOf(before.trial_ends_at),
    deletedAt: account.deletedAt,
  });
}

function timeOf(written: string | null | undefined): Date | undefined {
  return written ? new Date(written) : undefined;
}
