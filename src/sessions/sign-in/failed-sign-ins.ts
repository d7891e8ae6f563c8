import type { Knex } from 'knex';
import type { AuditLog } from '../../audit/audit-log.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import type { RequestContext } from '../../http/route.ts';
import type { Limiter } from '../../limits/limiter.ts';
import type { KnownAccounts } from './known-accounts.ts';
import { signInFailed, signInsFailed } from '../session-events.ts';
import type { FailedSignIn, Proven } from '../session-events.ts';

type Deps = {
  db: Knex;
  audit: Pick<AuditLog, 'append'>;
  /** Whether Latchkey knows the organization, and WorkOS has not deleted it. */
  isOrganizationKnown: (organizationId: string) => Promise<boolean>;
  accounts: Pick<KnownAccounts, 'find'>;
  limiter: Pick<Limiter, 'takeRate'>;
};
type Attempt = { organizationId: string | undefined; email?: string | undefined; credential: Proven };
type Folded = FailedSignIn & { attempts: number };

export type FailedSignIns = ReturnType<typeof makeFailedSignIns>;
export type RecordFailedSignIn = FailedSignIns['record'];

/** Failures of the person. Rate limits and outages of WorkOS are in metrics. */
const FAILURES: readonly ErrorCode[] = ['credential_invalid', 'permission_denied', 'organization_not_found'];
/** For each known account of an organization, and for all unknown ones together. Failures beyond it become a count. */
const RATE = { limit: 10, windowSeconds: 60 };
const MAX_FOLDED = 10_000;

/**
 * Records failed sign-ins in the audit log of the named organization, and in those of the account if it is known. The
 * first in a minute are events of their own; further ones are counted and become one event. Known accounts are counted
 * apart, so that made-up names do not hide them.
 */
export function makeFailedSignIns({ db, audit, isOrganizationKnown, accounts, limiter }: Deps) {
  const folded = new Map<string, Folded>();

  async function append(failure: FailedSignIn): Promise<void> {
    const name = `${failure.organizationId} ${failure.userId ?? 'unknown'}`;
    if ((await limiter.takeRate(`failed_sign_ins ${name}`, RATE, 1)).refused) return fold(name, failure);
    await transaction(db, (trx) => audit.append(trx, signInFailed(failure)));
  }

  async function fold(name: string, failure: FailedSignIn): Promise<void> {
    const by = `${name} ${failure.credential} ${failure.reason}`;
    const attempts = (folded.get(by)?.attempts ?? 0) + 1;
    folded.set(by, { ...failure, attempts });
    if (folded.size > MAX_FOLDED) await flush();
  }

  async function flush(): Promise<void> {
    let failure: unknown;
    for (const [by, each] of Array.from(folded)) {
      // A failure during the write starts a new count. A failed write is added to it and tried again.
      folded.delete(by);
      try {
        await transaction(db, (trx) => audit.append(trx, signInsFailed(each, each.attempts)));
      } catch (error) {
        folded.set(by, { ...each, attempts: each.attempts + (folded.get(by)?.attempts ?? 0) });
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  return {
    async record(
      { organizationId: named, email, credential }: Attempt,
      error: unknown,
      from: Pick<RequestContext, 'requestId' | 'ip'>,
    ): Promise<void> {
      if (!(error instanceof AppError) || !FAILURES.includes(error.code)) return;
      const account = email === undefined ? undefined : await accounts.find(email);
      const own = account?.organizationIds ?? [];
      for (const organizationId of new Set([...(named === undefined ? [] : [named]), ...own])) {
        // Checked first, so that made-up organizations take no memory.
        if (!(await isOrganizationKnown(organizationId))) continue;
        // The named organization must not learn that the account belongs to another one.
        const userId = own.includes(organizationId) ? account?.userId : undefined;
        await append({ organizationId, userId, credential, reason: error.code, from });
      }
    },

    /** Appends the counted failures to the audit log. */
    flush,
  };
}
