import { expect, test } from 'vitest';
import { makeJson, makeTable } from '../../src/sync/reconcile/report.ts';
import type { Finding } from '../../src/sync/reconcile/reconcile-organization.ts';
import type { Progress } from '../../src/sync/reconcile/reconcile.ts';

const FINDING: Finding = {
  kind: 'only_there',
  organizationId: 'org_acme',
  keyId: 'api_key_1',
  rowId: undefined,
  here: 'absent',
  there: 'by hand (workspace:read)',
  mend: 'mirror',
  mended: true,
};
const NONE = { only_here: 0, only_there: 0, different_expiry: 0, different_permissions: 0, unsettled: 0 };
const PROGRESS: Progress = { organizations: 2, keys: 7, failures: 0, mended: 1, found: { ...NONE, only_there: 1 } };

function written(make: typeof makeTable, findings: readonly Finding[], progress: Progress): string {
  let text = '';
  const report = make((more) => {
    text += more;
  });
  for (const finding of findings) report.finding(finding);
  report.end(progress);
  return text;
}

test('the table has a line for each difference and a number for each kind', () => {
  expect(written(makeTable, [FINDING], PROGRESS).split('\n')).toEqual([
    expect.stringMatching(/^kind +organization +key +mended +here → at WorkOS$/),
    expect.stringMatching(/^only_there +org_acme +api_key_1 +yes +absent → by hand \(workspace:read\)$/),
    '',
    'only_here             0',
    'only_there            1',
    'different_expiry      0',
    'different_permissions 0',
    'unsettled             0',
    '7 keys of 2 organizations compared, 1 differences mended.',
    '',
  ]);
});

test('the table of nothing is its numbers, and says what could not be read', () => {
  const text = written(makeTable, [], { ...PROGRESS, mended: 0, failures: 2, found: NONE });
  expect(text.split('\n')[0]).toBe('only_here             0');
  expect(text).toContain('2 organizations could not be read and were left as they are');
});

test("what somebody typed at WorkOS cannot move a terminal's cursor", () => {
  const text = written(makeTable, [{ ...FINDING, there: '\u001b[2Jgone\n\u202ereversed' }], PROGRESS);
  expect(text).toContain('absent → ?[2Jgone??reversed');
});

test.each([0, 1, 3])('with %i differences the JSON is one document', (count) => {
  const findings = Array.from({ length: count }, () => FINDING);
  expect(JSON.parse(written(makeJson, findings, PROGRESS))).toEqual({
    drift: findings.map(() => ({
      kind: 'only_there',
      organization_id: 'org_acme',
      key_id: 'api_key_1',
      here: 'absent',
      there: 'by hand (workspace:read)',
      mended: true,
    })),
    counts: PROGRESS.found,
    mended: 1,
    organizations: 2,
    keys: 7,
    failures: 0,
  });
});
