import { describe, expect, test } from 'vitest';
import { makePolicy } from '../../src/tenants/posture.ts';
import type { Account } from '../../src/tenants/posture.ts';
import { BillingRules, policyRulesOf } from '../../src/product/billing-rules.ts';

const DAY_MS = 86_400_000;
const policyOf = (rules: object) => makePolicy(policyRulesOf(BillingRules.parse(rules)));
const account = (change: Partial<Account>): Account => ({
  status: 'active',
  statusSince: undefined,
  trialEndsAt: undefined,
  deletedAt: undefined,
  ...change,
});
const START = new Date(Date.UTC(2026, 0, 1));
const after = (days: number) => new Date(START.getTime() + days * DAY_MS);

describe('without a word in the configuration', () => {
  const policy = policyOf({});

  test.each([
    [undefined, 'unknown'],
    [account({ status: undefined }), 'unknown'],
    [account({}), 'active'],
    [account({ status: 'trial', trialEndsAt: after(1) }), 'trial'],
    [account({ status: 'trial', trialEndsAt: START }), 'trial_expired'],
    [account({ status: 'past_due', statusSince: START }), 'past_due'],
    [account({ status: 'decommissioning' }), 'decommissioning'],
    [account({ deletedAt: START }), 'decommissioning'],
  ])('%j is %s', (tenant, posture) => {
    expect(policy.standingOf(tenant, START).posture).toBe(posture);
  });

  test.each(['active', 'trial', 'grace'] as const)('everything passes in %s', (posture) => {
    expect([policy.allowedIn(posture, 'api'), policy.allowedIn(posture, 'keys')]).toEqual([
      ['read', 'create', 'wind_down'],
      ['read', 'create', 'wind_down'],
    ]);
  });

  test.each(['past_due', 'decommissioning', 'trial_expired', 'unknown'] as const)(
    'nothing is added in %s',
    (posture) => {
      expect(policy.allows(posture, 'api', 'create')).toBe(false);
      expect(policy.allowedIn(posture, 'keys')).toEqual(['read', 'wind_down']);
    },
  );

  test('only adding has to be asked about', () => {
    expect([policy.restricts('api', 'create'), policy.restricts('api', 'read')]).toEqual([true, false]);
  });
});

describe('with days of grace', () => {
  const policy = policyOf({ grace_days: { past_due: 3, trial: 2 } });

  test('applies a status after them, and says when', () => {
    const late = account({ status: 'past_due', statusSince: START });
    expect(policy.standingOf(late, after(2.9))).toEqual({ posture: 'grace', until: after(3) });
    expect(policy.standingOf(late, after(3))).toEqual({ posture: 'past_due', until: undefined });
  });

  test('applies the end of a trial after them', () => {
    const trial = account({ status: 'trial', trialEndsAt: after(14) });
    expect(policy.standingOf(trial, after(13))).toEqual({ posture: 'trial', until: after(14) });
    expect(policy.standingOf(trial, after(15))).toEqual({ posture: 'grace', until: after(16) });
    expect(policy.standingOf(trial, after(16)).posture).toBe('trial_expired');
  });

  test('applies a status without days of grace, or without its begin, at once', () => {
    expect(policy.standingOf(account({ status: 'decommissioning', statusSince: START }), START).posture).toBe(
      'decommissioning',
    );
    expect(policy.standingOf(account({ status: 'past_due' }), START).posture).toBe('past_due');
  });
});

test.each([
  ['days of grace for who pays', { grace_days: { active: 1 } }, 'grace_days.active'],
  ['days of grace for a posture that is no status', { grace_days: { trial_expired: 1 } }, 'grace_days.trial_expired'],
  ['part of a day', { grace_days: { past_due: 0.5 } }, 'grace_days.past_due'],
  ['more than ten years', { grace_days: { past_due: 3_651 } }, 'grace_days.past_due'],
  ['a posture that is none', { postures: { paused: { api: [] } } }, 'postures.paused'],
  ['another place than routes and keys', { postures: { past_due: { console: [] } } }, 'postures.past_due.console'],
  ['an operation that is none', { postures: { past_due: { keys: ['write'] } } }, 'postures.past_due.keys.0'],
])('a configuration with %s is refused where it stands', (_what, rules, at) => {
  const refused = BillingRules.safeParse(rules);
  const [issue, ...others] = refused.error?.issues ?? [];
  const path = [...(issue?.path ?? []), ...(issue?.code === 'unrecognized_keys' ? issue.keys : [])];
  expect([path.join('.'), others]).toEqual([at, []]);
});

test('takes what a posture allows, separately for routes and for keys', () => {
  const policy = policyOf({ postures: { past_due: { keys: [] }, unknown: { api: ['read', 'create', 'wind_down'] } } });
  expect(policy.allows('past_due', 'keys', 'read')).toBe(false);
  expect(policy.allows('past_due', 'api', 'read')).toBe(true);
  expect(policy.allows('unknown', 'api', 'create')).toBe(true);
  expect(policy.restricts('keys', 'read')).toBe(true);
});
