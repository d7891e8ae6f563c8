import { expect, test } from 'vitest';
import { leaseId, makeTokens, parseLease } from '../../../src/limits/leases/lease-id.ts';

const place = { organizationId: 'org_01ABC', keyId: 'api_key_01XYZ', token: '0123456789abcdef0123456789abcdef' };

test('names organization, key and token in a lease id', () => {
  expect(leaseId(place)).toBe('lease_org_01ABC.api_key_01XYZ.0123456789abcdef0123456789abcdef');
  expect(parseLease(leaseId(place))).toEqual(place);
  const long = { ...place, organizationId: `org_${'a'.repeat(60)}`, keyId: 'k'.repeat(64) };
  expect(parseLease(leaseId(long))).toEqual(long);
});

test.each([
  ['nothing', ''],
  ['something else', 'api_key_01XYZ'],
  ['no organization', 'lease_api_key_01XYZ.0123456789abcdef0123456789abcdef'],
  ['a name of an organization that is too long', leaseId({ ...place, organizationId: `org_${'a'.repeat(61)}` })],
  ['an id of a key that is too long', leaseId({ ...place, keyId: 'k'.repeat(65) })],
  ['a key with a brace, which would choose the node', leaseId({ ...place, keyId: 'a}b' })],
  ['a short token', leaseId({ ...place, token: place.token.slice(1) })],
  ['a token in capitals', leaseId({ ...place, token: place.token.toUpperCase() })],
  ['more behind it', `${leaseId(place)}\n`],
  ['more before it', ` ${leaseId(place)}`],
  ['very much', `lease_org_${'a'.repeat(10_000_000)}`],
])('%s is no lease', (_what, id) => {
  expect(parseLease(id)).toBeUndefined();
});

test('makes unique tokens of 128 bits', () => {
  const nextToken = makeTokens();
  const tokens = Array.from({ length: 10_000 }, nextToken);
  expect(new Set(tokens).size).toBe(10_000);
  expect(tokens.filter((token) => !/^[0-9a-f]{32}$/.test(token))).toEqual([]);
});
