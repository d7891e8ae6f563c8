import type { Issuer, Pins } from '../issuers/issuer.ts';
import { fulfils, listedValues, storable, textsOf } from './condition.ts';
import type { Claims, Conditions } from './condition.ts';

/** A condition that a token does not fulfil, with the token's own value; null: absent. */
export type Mismatch = { claim: string; value: string | null };
/** `isPinned`: the token is from what the policy pins, so it may be told why it is refused. */
export type Judgement = { isPinned: boolean; mismatch: Mismatch[] };

const MAX_SHOWN = 200;

/** Judges the claims of a verified token by a policy's conditions, and by what its issuer's rules refuse unless listed. */
export function judgeClaims({ rules }: Pick<Issuer, 'rules'>, conditions: Conditions, claims: Claims): Judgement {
  const failed = Object.entries(conditions).flatMap(([name, condition]) =>
    fulfils(claimOf(claims, name), condition) ? [] : [name],
  );
  const unlisted = Object.entries(rules.refused).flatMap(([name, values]) =>
    isRefused(textsOf(claimOf(claims, name)), values, conditions[name]) ? [name] : [],
  );
  const pinned = pinsOf(rules.pins, conditions);
  return {
    isPinned: pinned !== undefined && !failed.some((name) => pinned.claims.includes(name)),
    // The database does not keep the order of conditions.
    mismatch: [...new Set([...failed, ...unlisted])]
      .toSorted()
      .map((claim) => ({ claim, value: shown(claimOf(claims, claim)) })),
  };
}

/** A condition, or a claim that is refused unless a condition lists it, with the token's own value. */
export type JudgedCondition = Mismatch & { holds: boolean };

/** Judges each condition, and each value that the issuer's rules refuse. */
export function judgeEach(issuer: Pick<Issuer, 'rules'>, conditions: Conditions, claims: Claims): JudgedCondition[] {
  const failed = new Set(judgeClaims(issuer, conditions, claims).mismatch.map(({ claim }) => claim));
  return [...new Set([...Object.keys(conditions), ...failed])]
    .toSorted()
    .map((claim) => ({ claim, value: shown(claimOf(claims, claim)), holds: !failed.has(claim) }));
}

/** Returns the pins that conditions have; undefined where they pin no immutable id. */
export function pinsOf(all: readonly Pins[], conditions: Conditions): Pins | undefined {
  return all.find(
    ({ claims, withMore }) =>
      claims.every((name) => isExact(conditions, name)) &&
      (!withMore || Object.keys(conditions).length > claims.length),
  );
}

function isExact(conditions: Conditions, name: string): boolean {
  const condition = Object.hasOwn(conditions, name) ? conditions[name] : undefined;
  return condition !== undefined && listedValues(condition) !== undefined;
}

function isRefused(found: readonly string[], refused: readonly string[], condition: Conditions[string] | undefined) {
  const listed = (condition !== undefined && listedValues(condition)) || [];
  return found.some((value) => refused.includes(value) && !listed.includes(value));
}

function claimOf(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

function shown(claim: unknown): string | null {
  const texts = textsOf(claim);
  return texts.length === 0 ? null : storable(texts.join(', '), MAX_SHOWN);
}
