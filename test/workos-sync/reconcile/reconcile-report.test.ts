import { expect, test, vi } from 'vitest';
import { makeJson, makeProgressLine, makeTable } from '../../../src/workos-sync/reconcile/report.ts';
import type { FindingOf, Outcome, Progress } from '../../../src/workos-sync/reconcile/reconcile.ts';

const FINDING: FindingOf = {
  environment: 'live',
  kind: 'only_there',
  organizationId: 'org_acme',
  keyId: 'api_key_1',
  rowId: undefined,
  here: 'absent',
  there: 'by hand (workspace:read)',
  repair: 'mirror',
  repaired: true,
};
const NONE = { only_here: 0, only_there: 0, different_expiry: 0, different_permissions: 0, unsettled: 0 };
const LIVE: Progress = {
  environment: 'live',
  organizations: 2,
  keys: 7,
  failures: 0,
  repaired: 1,
  found: { ...NONE, only_there: 1 },
};
const TEST: Progress = {
  environment: 'test',
  organizations: 1,
  keys: 13,
  failures: 0,
  repaired: 0,
  found: { ...NONE, only_there: 2, unsettled: 12 },
};
const ALONE: Outcome = { compared: [LIVE], leftOut: ['test'] };
const BOTH: Outcome = { compared: [LIVE, TEST], leftOut: [] };

function written(make: typeof makeTable, findings: readonly FindingOf[], outcome: Outcome): string {
  let text = '';
  const report = make((more) => {
    text += more;
  });
  for (const finding of findings) report.finding(finding);
  report.end(outcome);
  return text;
}

test('makeTable writes a line per difference and a count per kind', () => {
  const ofTest: FindingOf = { ...FINDING, environment: 'test', keyId: 'api_key_2', repaired: false };
  expect(written(makeTable, [FINDING, ofTest], BOTH).split('\n')).toEqual([
    expect.stringMatching(/^environment +kind +organization +key +repaired +here → at WorkOS$/),
    expect.stringMatching(/^live +only_there +org_acme +api_key_1 +yes +absent → by hand \(workspace:read\)$/),
    expect.stringMatching(/^test +only_there +org_acme +api_key_2 +no +absent → by hand \(workspace:read\)$/),
    '',
    '                      live    test',
    'only_here             0       0',
    'only_there            1       2',
    'different_expiry      0       0',
    'different_permissions 0       0',
    'unsettled             0       12',
    'live: 7 keys of 2 organizations compared, 1 differences repaired.',
    'test: 13 keys of 1 organizations compared, 0 differences repaired.',
    '',
  ]);
});

test('makeTable writes counts, failures and unconfigured environments when there is no difference', () => {
  const failing = { ...LIVE, repaired: 0, failures: 2, found: NONE };
  expect(written(makeTable, [], { ...ALONE, compared: [failing] }).split('\n')).toEqual([
    '                      live',
    ...Object.keys(NONE).map((kind) => expect.stringMatching(new RegExp(`^${kind} +0$`))),
    'live: 7 keys of 2 organizations compared, 0 differences repaired; 2 could not be read and were left as they are.',
    'test: left out: WORKOS_API_KEY_TEST is not set.',
    '',
  ]);
});

test('makeTable replaces control characters of names typed at WorkOS', () => {
  const text = written(makeTable, [{ ...FINDING, there: '\u001b[2Jgone\n\u202ereversed' }], ALONE);
  expect(text).toContain('absent → ?[2Jgone??reversed');
});

test.each([0, 1, 3])('makeJson writes one document for %i differences', (count) => {
  const findings = Array.from({ length: count }, () => FINDING);
  const live = { counts: LIVE.found, mended: 1, organizations: 2, keys: 7, failures: 0 };
  expect(JSON.parse(written(makeJson, findings, ALONE))).toEqual({
    drift: findings.map(() => ({
      environment: 'live',
      kind: 'only_there',
      organization_id: 'org_acme',
      key_id: 'api_key_1',
      here: 'absent',
      there: 'by hand (workspace:read)',
      mended: true,
    })),
    ...live,
    environments: { live },
    left_out: ['test'],
  });
});

test('makeJson writes the counts of each environment and their total', () => {
  const both = { ...BOTH, compared: [LIVE, { ...TEST, failures: 1 }] };
  expect(JSON.parse(written(makeJson, [{ ...FINDING, environment: 'test' }], both))).toMatchObject({
    drift: [{ environment: 'test', key_id: 'api_key_1' }],
    counts: { ...NONE, only_there: 3, unsettled: 12 },
    mended: 1,
    organizations: 3,
    keys: 20,
    failures: 1,
    environments: {
      live: { counts: LIVE.found, keys: 7, failures: 0 },
      test: { counts: TEST.found, keys: 13, failures: 1 },
    },
    left_out: [],
  });
});

test('makeProgressLine writes where the reconciliation is, at most every two seconds', () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  try {
    const lines: string[] = [];
    const progress = makeProgressLine((text) => lines.push(text));
    for (const [ms, keys] of [
      [0, 1],
      [1_999, 2],
      [2_000, 3],
      [2_001, 4],
      [3_999, 5],
      [4_000, 6],
    ] as const) {
      now.mockReturnValue(ms);
      progress({ ...LIVE, keys, found: { ...NONE, only_there: 1, unsettled: 1 } });
    }
    expect(lines).toEqual([
      'reconcile: live: 2 organizations, 3 keys compared, 2 differences\n',
      'reconcile: live: 2 organizations, 6 keys compared, 2 differences\n',
    ]);
  } finally {
    now.mockRestore();
  }
});
