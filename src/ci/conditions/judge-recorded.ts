import type { Issuer } from '../issuers/issuer.ts';
import type { Conditions } from './condition.ts';
import { judgeClaims } from './judge-claims.ts';
import type { Mismatch } from './judge-claims.ts';

export type RecordedJudgement = {
  /** `unknown`: the audit log has not all claims that the conditions need. */
  outcome: 'admitted' | 'refused' | 'unknown';
  mismatch: Mismatch[];
  /** Claims with a condition that the audit log does not have. */
  unknownClaims: string[];
};

/** The longest text that the audit log has of a claim; one of this length may have been longer. */
export const MAX_RECORDED = 300;

/** Judges the claims that the audit log has of a token: a part of them, as texts. */
export function judgeRecorded(
  issuer: Pick<Issuer, 'rules'>,
  conditions: Conditions,
  claims: Readonly<Record<string, string>>,
): RecordedJudgement {
  const isKnown = (name: string) => issuer.rules.recorded.includes(name) && (claims[name]?.length ?? 0) < MAX_RECORDED;
  const unknownClaims = Object.keys(conditions)
    .filter((name) => !isKnown(name))
    .toSorted();
  const mismatch = judgeClaims(issuer, conditions, claims).mismatch.filter(({ claim }) => isKnown(claim));
  if (mismatch.length > 0) return { outcome: 'refused', mismatch, unknownClaims };
  return { outcome: unknownClaims.length > 0 ? 'unknown' : 'admitted', mismatch, unknownClaims };
}
