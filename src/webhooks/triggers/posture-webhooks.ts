import type { Knex } from 'knex';
import type { AuditEvent } from '../../audit/audit-event.ts';
import type { Account, BillingStatus, Policy, Posture } from '../../tenants/posture.ts';
import type { Clock } from '../../clock.ts';
import { webhookEvent } from '../webhook.ts';
import type { OutboxWriter, Since } from '../outbox-writer.ts';
import { readAccount, readPublished, writePublished } from './published-postures.ts';
import type { PublishedPosture } from './published-postures.ts';

type Deps = { policy: Pick<Policy, 'standingOf'>; outbox: OutboxWriter; clock: Clock };
type Cause = 'billing' | 'clock' | 'workos' | 'configuration';
type Change = { from: Posture; to: Posture; at: Date; cause: Cause; reason: string | null };
/** The cause of a change that the clock did not bring; `from` counts where no posture was published before. */
type Occasion = { from: Posture | undefined; cause: Cause; reason: string | null };

const TYPE = 'organization.posture_changed';
const CLOCK_REASONS: Partial<Record<Posture, string>> = { trial: 'trial_ended', grace: 'grace_ended' };

export type PostureWebhooks = ReturnType<typeof makePostureWebhooks>;

/** Publishes each change of a posture once and in order, whether a change of billing or the loop finds it first. */
export function makePostureWebhooks({ policy, outbox, clock }: Deps) {
  async function publish(
    trx: Knex.Transaction,
    organizationId: string,
    occasion: Occasion,
    since?: Since,
  ): Promise<void> {
    const account = await readAccount(trx, organizationId);
    const published = await readPublished(trx, organizationId);
    const now = clock();
    const standing = policy.standingOf(account, now);
    const changes = published ? clockChanges(policy, published, now) : [];
    const last = changes.at(-1)?.to ?? published?.posture ?? occasion.from ?? standing.posture;
    if (last !== standing.posture)
      changes.push({ from: last, to: standing.posture, at: now, cause: occasion.cause, reason: occasion.reason });
    await writePublished(trx, organizationId, { ...account, ...standing });
    const events = changes.map(({ at, ...details }) => webhookEvent(TYPE, organizationId, at, { details }));
    await outbox.publish(trx, organizationId, events, since);
  }

  return {
    /** Publishes what an audit event of an organization has changed, in its transaction. */
    async publishAfter(trx: Knex.Transaction, event: Pick<AuditEvent, 'organizationId' | 'action' | 'details'>) {
      if (!outbox.wants(TYPE)) return;
      const now = clock();
      const account = await readAccount(trx, event.organizationId);
      const from = postureBefore(event, account, (before) => policy.standingOf(before, now).posture);
      await publish(trx, event.organizationId, { from, ...causeOf(event) });
    },

    /** Publishes what the clock or another configuration has changed by now. Of a new organization it records the start. */
    publishByNow: (trx: Knex.Transaction, organizationId: string, since: Since) =>
      publish(trx, organizationId, { from: undefined, cause: 'configuration', reason: null }, since),
  };
}

/** The changes that the clock alone has brought since the last published posture. */
function clockChanges(policy: Deps['policy'], published: PublishedPosture, now: Date): Change[] {
  const changes: Change[] = [];
  let { posture, until } = published;
  while (until && until <= now) {
    const next = policy.standingOf(published, until);
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

/** The posture before an event, as far as the event says it; for an organization without a published posture. */
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
