import type { RecordedEvent } from '../../audit/audit-event.ts';
import type { Clock } from '../../clock.ts';
import { judgeRecorded } from '../conditions/judge-recorded.ts';
import type { RecordedJudgement } from '../conditions/judge-recorded.ts';
import type { ConfiguredIssuers } from '../issuers/configured-issuers.ts';
import type { Issuer } from '../issuers/issuer.ts';
import { assertSound } from '../policies/assert-sound.ts';
import type { PolicySettings } from '../policies/policy.ts';

type Past = { organizationId: string; policyId: string | undefined; since: Date; limit: number };
type Deps = {
  issuers: ConfiguredIssuers;
  /** Returns the newest exchanges and refusals of the organization, at most `limit` of them and one more. */
  readPast: (past: Past) => Promise<readonly RecordedEvent[]>;
  clock: Clock;
};

export type JudgedExchange = RecordedJudgement & {
  event: RecordedEvent;
  was: 'admitted' | 'refused';
  claims: Readonly<Record<string, string>>;
};
export type JudgedDraft = {
  since: Date;
  /** Whether every exchange of the time was read. */
  complete: boolean;
  judged: readonly JudgedExchange[];
};

const DAY_MS = 24 * 60 * 60_000;
const PAST_MS = 30 * DAY_MS;
/** Exchanges and refusals that one judgement reads. */
export const MAX_READ = 1_000;

export type JudgeDraft = ReturnType<typeof makeJudgeDraft>;

/**
 * Judges a draft of a CI policy by the organization's exchanges of the last 30 days, as the audit log has them: those of one
 * policy, or of all that have the draft's issuer. Refusals without claims are left out.
 * @throws AppError `validation_error` for a draft that could not be created
 */
export function makeJudgeDraft({ issuers, readPast, clock }: Deps) {
  return async function judgeDraft(
    organizationId: string,
    draft: PolicySettings,
    policyId: string | undefined,
  ): Promise<JudgedDraft> {
    const issuer = issuers.get(draft.issuer);
    assertSound(draft, issuer);
    const since = new Date(clock().getTime() - PAST_MS);
    const events = await readPast({ organizationId, policyId, since, limit: MAX_READ });
    return {
      since,
      complete: events.length <= MAX_READ,
      judged: events.slice(0, MAX_READ).flatMap((event) => judge(draft, issuer!, event)),
    };
  };
}

function judge(draft: PolicySettings, issuer: Issuer, event: RecordedEvent): JudgedExchange[] {
  const claims = claimsOf(event);
  const recorded = event.details['issuer'];
  if (!claims || (recorded !== undefined && recorded !== draft.issuer)) return [];
  const judgement = judgeRecorded(issuer, draft.conditions, claims);
  const outcome = draft.enabled ? judgement.outcome : 'refused';
  return [{ ...judgement, outcome, event, was: event.action === 'ci.exchanged' ? 'admitted' : 'refused', claims }];
}

function claimsOf({ details }: RecordedEvent): Readonly<Record<string, string>> | undefined {
  const claims = details['claims'];
  return typeof claims === 'object' && claims !== null ? (claims as Record<string, string>) : undefined;
}
