import type { Knex } from 'knex';
import type { AuditSource } from '../../../audit/audit-event.ts';
import type { ApplyBilling, BillingStatement } from '../../apply-billing.ts';
import { statementOf } from '../../statement-schema.ts';
import type { SentStatement } from '../../statement-schema.ts';
import type { BillingMessage, Judged } from '../webhook.ts';
import type { Inbox } from '../inbox.ts';

type Deps = {
  inbox: Pick<Inbox, 'messagesOf'>;
  /** Makes the tenant if there is none, and holds it until the transaction ends. */
  holdTenant: (trx: Knex.Transaction, organizationId: string) => Promise<HeldTenant>;
  applyBilling: ApplyBilling;
};

export type HeldTenant = { status: string | undefined; statusSince: Date | undefined };
export type KeptMessage = { eventId: string; message: BillingMessage };

export type ApplyMessage = ReturnType<typeof makeApplyMessage>;

/**
 * Says of an organization what all the messages say that are kept of it: what happened last, and of two of one moment the
 * one whose id is greater. So they may come in any order.
 */
export function makeApplyMessage({ inbox, holdTenant, applyBilling }: Deps) {
  return async function applyMessage(
    trx: Knex.Transaction,
    { eventId, message }: KeptMessage,
    source: AuditSource,
  ): Promise<Judged> {
    const { organization_id: organizationId } = message;
    const tenant = await holdTenant(trx, organizationId);
    const kept = await inbox.messagesOf(trx, message);
    const { outcome } = await applyBilling(trx, together(kept, message, tenant), source);
    const isLate = outcome === 'unchanged' && kept[0]?.eventId !== eventId;
    return { outcome: isLate ? 'stale' : outcome, organizationId };
  };
}

/**
 * @param newestFirst the newest, at least one
 * @param heard one that may be older than all of them: nobody else may have spoken of its plan or limit
 */
function together(newestFirst: readonly KeptMessage[], heard: BillingMessage, tenant: HeldTenant): BillingStatement {
  const said = newestFirst.map(({ message }) => toStatement(message));
  const last = said[0]!;
  const differs = said.findIndex(({ status }) => status !== last.status);
  const run = differs === -1 ? said : said.slice(0, differs);
  const terms = [...said, toStatement(heard)];
  const plan = terms.find((one) => one.plan !== undefined);
  const limit = terms.find((one) => one.keyLimit !== undefined);
  const begun = run.at(-1)!.occurredAt;
  const isGoingOn = tenant.status === last.status && beganAfter(said[differs], tenant.statusSince);
  const unsaid = isGoingOn ? undefined : null;
  return {
    ...last,
    statusSince: isGoingOn ? earlier(begun, tenant.statusSince) : begun,
    plan: plan?.plan,
    planOccurredAt: plan?.occurredAt,
    keyLimit: limit?.keyLimit,
    keyLimitOccurredAt: limit?.occurredAt,
    decommissionAt: (run.find((one) => one.decommissionAt !== undefined) ?? { decommissionAt: unsaid }).decommissionAt,
    reason: run.find(({ reason }) => reason !== undefined)?.reason ?? unsaid,
  };
}

// What was said by another way, or is kept no more, may have begun earlier; but not before something else was so.
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
