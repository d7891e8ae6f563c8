import { BlockList, isIP } from 'node:net';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { groups, readAddress } from '../../src/ip/ip-address.ts';
import { isAddressAllowed } from '../../src/ip/ip-match.ts';
import { isIpRange, normalizeRanges } from '../../src/ip/ip-range.ts';
import { propertyRuns } from '../support/property-runs.ts';

const mapped = fc.ipV4().map((address) => `::ffff:${address}`);
const address = fc.oneof(fc.ipV4(), fc.ipV6(), mapped);
const bitsOf = (text: string) => (text.includes(':') ? 128 : 32);
const range = fc
  .tuple(address, fc.option(fc.nat({ max: 128 })))
  .map(([text, bits]) => (bits === null ? text : `${text}/${bits % (bitsOf(text) + 1)}`));

/** The range, and an address that shares its beginning as often as not. */
const near = fc.tuple(range, address, fc.nat({ max: 3 })).map(([text, other, change]): [string, string] => {
  const [own = ''] = text.split('/');
  if (change === 0) return [text, other];
  return [text, isIP(own) === 4 ? own.replace(/\d+$/, String(change)) : own];
});

test('normalizeRanges returns a normal form unchanged', () => {
  fc.assert(
    fc.property(range, (text) => {
      expect(isIpRange(text)).toBe(true);
      const normal = normalizeRanges([text]);
      expect(normal).toHaveLength(1);
      expect(isIpRange(normal[0]!)).toBe(true);
      expect(normalizeRanges(normal)).toEqual(normal);
    }),
  );
});

test('normalizeRanges keeps the meaning of a range', () => {
  fc.assert(
    fc.property(near, ([text, other]) => {
      expect(isAddressAllowed(normalizeRanges([text]), other)).toBe(isAddressAllowed([text], other));
    }),
  );
});

test("isAddressAllowed agrees with Node's BlockList", () => {
  fc.assert(
    fc.property(near, ([text, other]) => {
      const [normal = ''] = normalizeRanges([text]);
      const [network = '', bits = String(bitsOf(normal))] = normal.split('/');
      const list = new BlockList();
      list.addSubnet(network, Number(bits), isIP(network) === 4 ? 'ipv4' : 'ipv6');
      const [plain = ''] = normalizeRanges([other]);
      const expected = isIP(plain) === isIP(network) && list.check(plain, isIP(plain) === 4 ? 'ipv4' : 'ipv6');
      expect(isAddressAllowed([normal], other)).toBe(expected);
    }),
  );
});

test("readAddress accepts exactly what Node's isIP accepts", () => {
  const rubbish = fc.string({ unit: fc.constantFrom(...'0123456789abfF:.%'), maxLength: 20 });
  const broken = fc
    .tuple(address, fc.nat({ max: 40 }), fc.constantFrom('', ':', '.', '0', 'g', '%', '::'))
    .map(([text, at, put]) => text.slice(0, at) + put + text.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(address, rubbish, broken), (text) => {
      expect(readAddress(text) !== 0).toBe(isIP(text) !== 0);
    }),
    { numRuns: propertyRuns(2_000) },
  );
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      fc.pre(readAddress(text) === 6);
      const url = new URL(`http://[${[...groups].map((group) => group.toString(16)).join(':')}]`).hostname;
      expect(url).toBe(new URL(`http://[${text}]`).hostname);
    }),
  );
});

test.each([
  ['10.1.2.3/8', '10.0.0.0/8'],
  ['192.0.2.7/32', '192.0.2.7'],
  ['::FFFF:192.0.2.7', '192.0.2.7'],
  ['::ffff:c000:207', '192.0.2.7'],
  ['::ffff:192.0.2.7/120', '192.0.2.0/24'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8::ff/64', '2001:db8::/64'],
  ['2001:db8::1/128', '2001:db8::1'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['::/0', '::/0'],
])('normalizeRanges turns %s into %s', (given, kept) => {
  expect(normalizeRanges([given, kept])).toEqual([kept]);
});

test('isAddressAllowed allows all by an empty list, and by any other its members alone', () => {
  expect(isAddressAllowed([], undefined)).toBe(true);
  const list = ['192.0.2.0/24', '2001:db8::/32'];
  for (const inside of ['192.0.2.9', '::ffff:192.0.2.9', '2001:db8::5', '2001:db8::5%eth0'])
    expect(isAddressAllowed(list, inside)).toBe(true);
  for (const outside of [undefined, '', '192.0.3.9', '::1', '192.0.2', 'unknown', '192.0.2.9:80', '[2001:db8::5]'])
    expect(isAddressAllowed(list, outside)).toBe(false);
});

test.each(['', 'x', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.256', '10.0.0.0/-1', 'fe80::1%eth0', '10.0.0.0/8/8'])(
  'isIpRange refuses %j',
  (text) => expect(isIpRange(text)).toBe(false),
);
