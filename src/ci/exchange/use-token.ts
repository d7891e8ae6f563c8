import type { Knex } from 'knex';
import { AppError } from '../../errors.ts';
import type { RequestContext } from '../../http/route.ts';
import { recordedClaims } from './prove-job.ts';
import type { ProvenJob } from './prove-job.ts';
import type { RecordRefusals } from './record-refusals.ts';
import type { TokenState, TokenUse, TokenUses } from './token-uses-repository.ts';

type Deps = { uses: Pick<TokenUses, 'take' | 'find'>; refusals: Pick<RecordRefusals, 'record'> };
/** Takes the token in the transaction that reserves what it is exchanged for. */
type Take = (trx: Knex.Transaction) => Promise<void>;

export type UseToken = ReturnType<typeof makeUseToken>;

/**
 * Runs work that takes a job's token. A token that is not free is refused at no other cost, and recorded as a replay.
 * @throws AppError `ci_token_used`, `request_in_progress`
 */
export function makeUseToken({ uses, refusals }: Deps) {
  return async function useToken<T>(
    job: ProvenJob,
    use: TokenUse,
    context: RequestContext,
    work: (take: Take) => Promise<T>,
  ): Promise<T> {
    try {
      assertFree(await uses.find(use));
      return await work(async (trx) => assertFree(await uses.take(trx, use)));
    } catch (error) {
      await recordReplay(refusals, error, job, context);
      throw error;
    }
  };
}

/** Returns the use of a job's token for a row: of a key, or of a CI session. */
export function useOf({ policy, token }: ProvenJob, rowId: string): TokenUse {
  return { organizationId: policy.organizationId, tokenHash: token.hash, rowId, expiresAt: token.usableUntil };
}

async function recordReplay(
  refusals: Deps['refusals'],
  error: unknown,
  { policy, issuer, token }: ProvenJob,
  from: RequestContext,
): Promise<void> {
  if (!(error instanceof AppError) || error.code !== 'ci_token_used') return;
  const { organizationId, id: policyId } = policy;
  const details = { claims: recordedClaims(issuer, token.claims) };
  await refusals.record({ organizationId, policyId, action: 'ci.replayed', reason: error.code, details, from });
}

function assertFree(state: TokenState): void {
  if (state === 'used')
    throw new AppError('ci_token_used', 'This CI token was exchanged already. Request a new one from the CI.');
  if (state === 'in progress')
    throw new AppError('request_in_progress', 'This CI token is being exchanged. Retry in a second.');
}
