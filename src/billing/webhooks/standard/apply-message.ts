import type { Knex } from 'knex';
import type { AuditSource } from '../../../audit/audit-event.ts';
import type { ApplyBilling, BillingStatement } from '../../apply-billing.ts';
import { statementOf } from '../../statement-schema.ts';
import type { SentStatement } from '../../statement-schema.ts';
import type { HeldTenant, ProviderParts } from '../provider.ts';
import type { WebhookResult } from '../webhook.ts';
import type { BillingMessage } from './read-message.ts';
import { listMessages } from './recorded-messages.ts';
import type { RecordedMessage } from './recorded-messages.ts';

type Deps = { holdTenant: ProviderParts['holdTenant']; applyBilling: ApplyBilling };

/**
 * Applies what all recorded messages of an organization say together: the one that happened last counts, and of two of one
 * moment the one with the greater id. So they may arrive in any order.
 */
export function makeApplyMessage({ holdTenant, applyBilling }: Deps) {
  return async function applyMessage(
    trx: Knex.Transaction,
    { eventId, message }: RecordedMessage,
    source: AuditSource,
  ): Promise<WebhookResult> {
    const { organization_id: organizationId } = message;
    const tenant = await holdTenant(trx, organizationId);
    const recorded = await listMessages(trx, message);
    const { outcome } = await applyBilling(trx, statementOfAll(recorded, message, tenant), source);
    const isLate = outcome === 'unchanged' && recorded[0]?.eventId !== eventId;
    return { outcome: isLate ? 'stale' : outcome, organizationId };
  };
}

/**
 * @param newestFirst the newest messages, at least one
 * @param received may be older than all of them, and still the only one with a plan or limit
 */
function statementOfAll(
  newestFirst: readonly RecordedMessage[],
  received: BillingMessage,
  tenant: HeldTenant,
): BillingStatement {
  const statements = newestFirst.map(({ message }) => toStatement(message));
  const last = statements[0]!;
  const differs = statements.findIndex(({ status }) => status !== last.status);
  const run = differs === -1 ? statements : statements.slice(0, differs);
  const terms = [...statements, toStatement(received)];
  const plan = terms.find((one) => one.plan !== undefined);
  const limit = terms.find((one) => one.keyLimit !== undefined);
  const begun = run.at(-1)!.occurredAt;
  const continues = tenant.status === last.status && beganAfter(statements[differs], tenant.statusSince);
  const unstated = continues ? undefined : null;
  return {
    ...last,
    statusSince: continues ? earlier(begun, tenant.statusSince) : begun,
    plan: plan?.plan,
    planOccurredAt: plan?.occurredAt,
    keyLimit: limit?.keyLimit,
    keyLimitOccurredAt: limit?.occurredAt,
    decommissionAt: (run.find((one) => one.decommissionAt !== undefined) ?? { decommissionAt: unstated })
      .decommissionAt,
    reason: run.find(({ reason }) => reason !== undefined)?.reason ?? unstated,
  };
}

// The status may have begun earlier, by another way or in a message that was swept; but not before a different status.
function beganAfter(other: BillingStatement | undefined, since: Date | undefined): since is Date {
  return since !== undefined && (other === undefined || since > other.occurredAt);
}

function earlier(one: Date, other: Date | undefined): Date {
  return other && other < one ? other : one;
}

function toStatement(message: BillingMessage): BillingStatement {
  const { organization_id: organizationId, occurred_at: occurredAt, ...sent } = message;
  return statementOf(organizationId, { ...(sent as SentStatement), occurred_at: occurredAt }, new Date(occurredAt));
}
