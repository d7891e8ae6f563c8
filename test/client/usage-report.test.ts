import { expect, test } from 'vitest';
import { LatchkeyError } from '../../src/client/latchkey-error.ts';
import { makeUsageReport, newTally } from '../../src/client/guard/usage-report.ts';
import type { ReportUsage } from '../../src/client/shapes.ts';

const origin = () => ({ ip: undefined, user_agent: undefined });

async function reportTo(send: (report: ReportUsage) => Promise<unknown>): Promise<void> {
  const report = makeUsageReport({ send, now: () => 1_000 });
  const tally = newTally('api_key_a', 'org_a');
  report.note(tally, 'valid', origin, ['tasks:read', 'tasks:write']);
  report.note(tally, 'valid', origin, ['tasks:read']);
  report.note(tally, 'insufficient_scope', origin, ['caps:write']);
  await report.close();
}

test('reports the scopes that valid uses required', async () => {
  const sent: ReportUsage[] = [];
  await reportTo(async (report) => sent.push(report));
  expect(sent).toMatchObject([
    {
      uses: [
        { code: 'valid', count: 2, scopes: ['tasks:read', 'tasks:write'] },
        { code: 'insufficient_scope', count: 1 },
      ],
    },
  ]);
  expect(sent[0]!.uses[1]).not.toHaveProperty('scopes');
});

test('reports without scopes to a service that does not know the field', async () => {
  const sent: ReportUsage[] = [];
  await reportTo(async (report) => {
    if (report.uses.some(({ scopes }) => scopes !== undefined))
      throw new LatchkeyError('validation_error', 'There is no such field.', { status: 400 });
    sent.push(report);
  });
  expect(JSON.parse(JSON.stringify(sent))).toEqual([
    {
      uses: [
        expect.objectContaining({ code: 'valid', count: 2 }),
        expect.objectContaining({ code: 'insufficient_scope', count: 1 }),
      ],
    },
  ]);
});
