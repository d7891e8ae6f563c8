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
export type NoteFailedSignIn = FailedSignIns['note'];

/** What a person did; that there were too many, or that WorkOS was down, is in metrics. */
const FAILURES: readonly ErrorCode[] = ['credential_invalid', 'permission_denied', 'organization_not_found'];
/** Of one account in one organization, and of all that are not known; what goes beyond is recorded as a number. */
const RATE = { limit: 10, windowSeconds: 60 };
const MAX_FOLDED = 10_000;

/**
 * Records who tried in vain to sign in, in the log of the organization that was named, and in those of a person who is
 * known. Each of the first in a minute is an event of its own; the others are counted, and recorded as one event. Those of
 * a known account are counted by themselves, so that names that anybody makes up do not hide them.
 */
export function makeFailedSignIns({ db, audit, isOrganizationKnown, accounts, limiter }: Deps) {
  const folded = new Map<string, Folded>();

  async function record(failure: FailedSignIn): Promise<void> {
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
      // What comes meanwhile is counted anew; what cannot be written now is written the next time.
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
    async note(
      { organizationId: named, email, credential }: Attempt,
      error: unknown,
      from: Pick<RequestContext, 'requestId' | 'ip'>,
    ): Promise<void> {
      if (!(error instanceof AppError) || !FAILURES.includes(error.code)) return;
      const account = email === undefined ? undefined : await accounts.find(email);
      const own = account?.organizationIds ?? [];
      for (const organizationId of new Set([...(named === undefined ? [] : [named]), ...own])) {
        // Looked up first: names that anybody makes up are not counted.
        if (!(await isOrganizationKnown(organizationId))) continue;
        // That a person is of another organization is nothing for the one that was named.
        const userId = own.includes(organizationId) ? account?.userId : undefined;
        await record({ organizationId, userId, credential, reason: error.code, from });
      }
    },

    /** Records what was counted. */
    flush,
  };
}
