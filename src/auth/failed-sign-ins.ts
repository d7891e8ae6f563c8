import type { Knex } from 'knex';
import type { AuditLog } from '../audit/audit-log.ts';
import { transaction } from '../db/transaction.ts';
import { AppError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { RequestContext } from '../http/route.ts';
import type { Limiter } from '../limits/limiter.ts';
import { signInFailed } from './session-events.ts';
import type { Proven } from './session-events.ts';

type Deps = {
  db: Knex;
  audit: Pick<AuditLog, 'append'>;
  /** Whether Latchkey knows the organization, and WorkOS has not deleted it. */
  isOrganizationKnown: (organizationId: string) => Promise<boolean>;
  limiter: Pick<Limiter, 'takeRate'>;
};
type Attempt = { organizationId: string | undefined; credential: Proven };

export type NoteFailedSignIn = ReturnType<typeof makeNoteFailedSignIn>;

/** What a person did; that there were too many, or that WorkOS was down, is in metrics. */
const FAILURES: readonly ErrorCode[] = ['credential_invalid', 'permission_denied', 'organization_not_found'];
/** Anybody may name any organization: more than this of one, in a minute, tell nothing more. */
const RATE = { limit: 10, windowSeconds: 60 };

/** Tells an organization's audit log of who named it to sign in to, and failed; so many of them. */
export function makeNoteFailedSignIn({ db, audit, isOrganizationKnown, limiter }: Deps) {
  return async function noteFailedSignIn(
    { organizationId, credential }: Attempt,
    error: unknown,
    from: Pick<RequestContext, 'requestId' | 'ip'>,
  ): Promise<void> {
    if (organizationId === undefined || !(error instanceof AppError) || !FAILURES.includes(error.code)) return;
    // Looked up first: names that anybody makes up are not counted.
    if (!(await isOrganizationKnown(organizationId))) return;
    if ((await limiter.takeRate(`failed_sign_ins ${organizationId}`, RATE, 1)).refused) return;
    await transaction(db, (trx) => audit.append(trx, signInFailed(organizationId, credential, error.code, from)));
  };
}
