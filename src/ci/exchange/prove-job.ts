import { AppError } from '../../errors.ts';
import type { CiCaller } from '../../http/caller.ts';
import type { RequestContext } from '../../http/route.ts';
import type { FailedCredentials } from '../../limits/guesses/failed-credentials.ts';
import { judgeClaims, judgeEach } from '../conditions/judge-claims.ts';
import type { JudgedCondition } from '../conditions/judge-claims.ts';
import { MAX_RECORDED } from '../conditions/judge-recorded.ts';
import { storable } from '../conditions/condition.ts';
import type { Claims } from '../conditions/condition.ts';
import { issuerUrl } from '../issuers/configured-issuers.ts';
import type { ConfiguredIssuers } from '../issuers/configured-issuers.ts';
import type { Issuer } from '../issuers/issuer.ts';
import type { PolicyRepository } from '../policies/policy-repository.ts';
import type { Policy } from '../policies/policy.ts';
import type { RecordRefusals } from './record-refusals.ts';
import { refused } from './verify-token.ts';
import type { VerifiedToken, makeVerifyCiToken } from './verify-token.ts';

type Deps = {
  policies: Pick<PolicyRepository, 'findAnywhere'>;
  issuers: ConfiguredIssuers;
  verifyToken: ReturnType<typeof makeVerifyCiToken>;
  audienceOf: (organizationId: string) => string;
  refusals: Pick<RecordRefusals, 'record'>;
  failures: Pick<FailedCredentials, 'count' | 'refusal' | 'headersOf'>;
};

/** A CI job that a policy trusts. */
export type ProvenJob = { policy: Policy; issuer: Issuer; token: VerifiedToken };
export type ProveJob = ReturnType<typeof makeProveJob>;

/**
 * Proves that a token is of a job that the named policy trusts. Until the token is known to be of what the policy pins, a
 * refusal says nothing: neither why, nor whether there is such a policy. Such a refusal counts as a failed credential.
 * @throws AppError `credential_invalid`, `credential_expired`, `permission_denied` with `details.mismatch`,
 * `issuer_unavailable`, `rate_limited`
 */
export function makeProveJob(deps: Deps) {
  return async function proveJob(
    { policyId, token }: { policyId: string; token: string },
    context: RequestContext,
  ): Promise<ProvenJob> {
    try {
      const { record, ...job } = await verified(deps, policyId, token, context);
      await assertTrusted(job.policy, job.issuer, job.token, record);
      return job;
    } catch (error) {
      throw await counted(deps, error, context);
    }
  };
}

/** A job of what the policy pins, with each condition as its token stands to it. */
export type ExplainedJob = ProvenJob & { conditions: JudgedCondition[] };
export type ExplainJob = ReturnType<typeof makeExplainJob>;

/**
 * Says how the token of a job stands to each condition of the named policy, and takes nothing of it. A token of anything but
 * what the policy pins is refused without a word, counted and recorded as at an exchange.
 * @throws AppError `credential_invalid`, `credential_expired`, `issuer_unavailable`, `rate_limited`
 */
export function makeExplainJob(deps: Deps) {
  return async function explainJob(
    { policyId, token }: { policyId: string; token: string },
    context: RequestContext,
  ): Promise<ExplainedJob> {
    try {
      const { record, ...job } = await verified(deps, policyId, token, context);
      await assertPinned(job, record);
      return { ...job, conditions: judgeEach(job.issuer, job.policy.conditions, job.token.claims) };
    } catch (error) {
      throw await counted(deps, error, context);
    }
  };
}

async function assertPinned({ policy, issuer, token: { claims } }: ProvenJob, record: RecordRefusal): Promise<void> {
  const { isPinned, mismatch } = judgeClaims(issuer, policy.conditions, claims);
  if (isPinned) return;
  await record('pins', { issuer: policy.issuer, mismatch, claims: recordedClaims(issuer, claims) });
  throw refused();
}

/** Counts a refusal without a reason against the address. @returns what to answer */
async function counted({ failures }: Deps, error: unknown, context: RequestContext): Promise<unknown> {
  if (!(error instanceof AppError) || error.code !== 'credential_invalid') return error;
  const over = await failures.count({ address: context.ip });
  if (over === undefined) return error;
  const answered = failures.refusal(over);
  for (const [name, value] of Object.entries(failures.headersOf(answered))) context.setHeader(name, value);
  return answered;
}

type VerifiedJob = ProvenJob & { record: RecordRefusal };

async function verified(deps: Deps, policyId: string, token: string, from: RequestContext): Promise<VerifiedJob> {
  const policy = await deps.policies.findAnywhere(policyId);
  if (!policy) throw refused();
  const record = recorder(deps, policy, from);
  const issuer = deps.issuers.get(policy.issuer);
  if (!issuer) {
    await record('issuer_not_allowed');
    throw refused();
  }
  const expected = {
    issuer: issuerUrl(issuer, policy.issuerOrganization),
    audience: deps.audienceOf(policy.organizationId),
    algorithm: issuer.algorithm,
  };
  const good = await deps.verifyToken(token, expected).catch(async (error: unknown) => {
    if (error instanceof AppError && error.status === 401) await record(error.code);
    throw error;
  });
  return { policy, issuer, token: good, record };
}

/** @throws AppError */
async function assertTrusted(
  policy: Policy,
  issuer: Issuer,
  { claims }: VerifiedToken,
  record: RecordRefusal,
): Promise<void> {
  const { isPinned, mismatch } = judgeClaims(issuer, policy.conditions, claims);
  const seen = { issuer: policy.issuer, mismatch, claims: recordedClaims(issuer, claims) };
  if (!isPinned) {
    await record('pins', seen);
    throw refused();
  }
  if (mismatch.length > 0) {
    await record('conditions', seen);
    throw denied('The CI token does not fulfil all conditions of this policy.', { mismatch });
  }
  if (!policy.enabled) {
    await record('disabled', seen);
    throw denied('This CI policy is disabled.', { mismatch });
  }
}

type RecordRefusal = (reason: string, details?: Readonly<Record<string, unknown>>) => Promise<void>;

function recorder({ refusals }: Deps, { organizationId, id: policyId }: Policy, from: RequestContext): RecordRefusal {
  return (reason, details = {}) =>
    refusals.record({ organizationId, policyId, action: 'ci.refused', reason, details, from });
}

function denied(message: string, details: Readonly<Record<string, unknown>>): AppError {
  return new AppError('permission_denied', message, { details });
}

/** Returns the job as the caller of its exchange. */
export function callerOf({ policy }: Pick<ProvenJob, 'policy'>): CiCaller {
  const { organizationId, id: policyId } = policy;
  return { kind: 'ci', organizationId, policyId, sessionId: undefined, scopes: new Set() };
}

/** Returns the claims that are recorded, as texts of bounded length. */
export function recordedClaims({ rules }: Issuer, claims: Claims): Record<string, string> {
  return Object.fromEntries(
    rules.recorded.flatMap((name) => {
      const claim = Object.hasOwn(claims, name) ? claims[name] : undefined;
      const isPlain = typeof claim === 'string' || typeof claim === 'number' || typeof claim === 'boolean';
      return isPlain ? [[name, storable(String(claim), MAX_RECORDED)]] : [];
    }),
  );
}
