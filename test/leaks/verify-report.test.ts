import { expect, test } from 'vitest';
import { makeTestClock } from '../support/clock.ts';
import { makeOriginKeys } from '../../src/leaks/origin-keys.ts';
import { makeVerifyReport } from '../../src/leaks/verify-report.ts';
import { PUBLISHED } from './scanner.ts';

const clock = makeTestClock();
const log = { warn: () => undefined };
const fetchJson = () => Promise.resolve({ public_keys: [{ key_identifier: PUBLISHED.keyId, key: PUBLISHED.key }] });
const keyOf = makeOriginKeys({ origin: 'github', address: 'https://keys.test', fetchJson, clock, log });
const verifyReport = makeVerifyReport(new Map([['github', keyOf]]));

function verify(body: string, signature: string = PUBLISHED.signature): Promise<boolean> {
  const headers: Record<string, string> = {
    'github-public-key-identifier': PUBLISHED.keyId,
    'github-public-key-signature': signature,
  };
  return verifyReport(Buffer.from(body), signature, (name) => headers[name.toLowerCase()]);
}

test('accepts the report that GitHub published with its signature', async () => {
  expect(await verify(PUBLISHED.body)).toBe(true);
});

test.each([
  ['one more newline', `${PUBLISHED.body}\n`],
  ['another order of members', JSON.stringify([{ token: 'some_token', source: 'commit' }])],
  ['no text', ''],
])('refuses that report with %s', async (_what, body) => {
  expect(await verify(body)).toBe(false);
});

test.each([
  ['is not base64', '💥'],
  ['has no padding', PUBLISHED.signature.replace(/=+$/, '')],
  ['is in the URL alphabet', PUBLISHED.signature.replaceAll('/', '_')],
  ['is no DER', Buffer.alloc(64, 7).toString('base64')],
  ['is of zeros', Buffer.from('3006020100020100', 'hex').toString('base64')],
  ['is long', 'A'.repeat(10_000)],
])('refuses a signature that %s', async (_what, signature) => {
  expect(await verify(PUBLISHED.body, signature)).toBe(false);
});
