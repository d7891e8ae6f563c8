import type { CiPolicy, CreateCiPolicy, JudgedCiPolicy, LatchkeyClient } from '../../client/client.ts';
import { LatchkeyError } from '../../client/latchkey-error.ts';
import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';
import type { PolicyChange } from './policy-changes.ts';

export type JudgedChange = PolicyChange & { past?: JudgedCiPolicy };

const MAX_SHOWN = 10;
/** A service without the route, and a caller who may not read the audit log. */
const NOT_JUDGED = [403, 404, 405];

/** Adds to each change what it would have made of the exchanges of the last 30 days, where the service says so. */
export async function judgeChanges(
  client: LatchkeyClient,
  context: Context,
  there: readonly CiPolicy[],
  changes: readonly PolicyChange[],
): Promise<JudgedChange[]> {
  const judged: JudgedChange[] = [];
  for (const change of changes) {
    context.signal.throwIfAborted();
    const wanted = draftOf(there, change);
    const past = wanted && (await judge(client, context, wanted));
    if (past === 'not judged') return [...changes];
    judged.push({ ...change, ...(past && { past }) });
  }
  return judged;
}

/** Returns the lines below a change; none where there were no exchanges. */
export function describePast({ past }: JudgedChange): string {
  if (!past || past.admitted + past.refused + past.unknown === 0) return '';
  const { admitted, refused, unknown, complete, data } = past;
  const counts = `${admitted} admitted, ${refused} refused${unknown > 0 ? `, ${unknown} unknown` : ''}`;
  const lines = [
    `of ${complete ? 'the' : 'the newest 1,000'} exchanges since ${past.since.slice(0, 10)}: ${counts}`,
    ...data.slice(0, MAX_SHOWN).map(describeOne),
    ...(data.length > MAX_SHOWN ? ['… and others; --json has them'] : []),
  ];
  return lines.map((line) => `    ${line}\n`).join('');
}

function describeOne({ occurred_at: at, was, would_be: outcome, mismatch, unknown_claims: names }: Past): string {
  const reasons = [
    ...mismatch.map(({ claim, value }) => `${claim}: ${value ?? 'absent'}`),
    ...(outcome === 'unknown' ? names.map((name) => `${name} is not in the audit log`) : []),
  ];
  const because = reasons.length === 0 ? '' : ` (${reasons.join(', ')})`;
  return `${at} was ${was}, would be ${outcome}${because}`;
}

type Past = JudgedCiPolicy['data'][number];
type Draft = { draft: CreateCiPolicy; policy?: string };

function draftOf(there: readonly CiPolicy[], change: PolicyChange): Draft | undefined {
  if (change.kind === 'delete') return undefined;
  if (change.kind === 'create') return { draft: change.policy };
  const known = there.find(({ id }) => id === change.id)!;
  return { draft: { ...settingsOf(known), ...change.change } as CreateCiPolicy, policy: change.id };
}

/** The fields that a draft has; a newer service shows more of a policy, which no draft may have. */
function settingsOf(policy: CiPolicy): CreateCiPolicy {
  return {
    name: policy.name,
    issuer: policy.issuer,
    issuer_organization: policy.issuer_organization,
    issue: policy.issue,
    permission_sets: policy.permission_sets,
    scopes: policy.scopes,
    environments: policy.environments,
    max_lifetime_seconds: policy.max_lifetime_seconds,
    max_active_keys: policy.max_active_keys,
    when: policy.when as CreateCiPolicy['when'],
    enabled: policy.enabled,
  };
}

async function judge(client: LatchkeyClient, context: Context, wanted: Draft): Promise<JudgedCiPolicy | 'not judged'> {
  try {
    return await client.ci.policies.dryRun(wanted, { signal: context.signal });
  } catch (error) {
    if (!(error instanceof LatchkeyError) || !NOT_JUDGED.includes(error.status ?? 0)) throw error;
    toStderr(context, `Past exchanges were not looked at: ${error.message}\n`);
    return 'not judged';
  }
}
