import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { networkOf } from '../../src/ip/network.ts';

const written = (groups: number[]) => groups.map((group) => group.toString(16)).join(':');

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['::FFFF:cb00:7109', '203.0.113.9'],
  ['0:0:0:0:0:ffff:203.0.113.9', '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
  ['2001:db8:1::6', '2001:db8:1:0::/64'],
  ['2001:db8::1:2', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['64:ff9b::203.0.113.9', '64:ff9b:0:0::/64'],
  ['203.0.113.9:51234', '203.0.113.9'],
  ['[2001:db8:1:2::7]:443', '2001:db8:1:2::/64'],
  ['[2001:db8:1:2::7]', '2001:db8:1:2::/64'],
  ['[::ffff:203.0.113.9]:80', '203.0.113.9'],
  ['::ffff:203.0.113.9%eth0', '203.0.113.9'],
  [' 203.0.113.9 ', '203.0.113.9'],
  ['203.0.113.9:99999999', '203.0.113.9:99999999'],
  [undefined, 'unknown'],
  ['no address', 'no address'],
])('networkOf counts %s as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test('networkOf counts all addresses of a /64 as one client, and two networks as two', () => {
  const half = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(half, half, half, (network, one, other) => {
      fc.pre(network.some((group) => group !== 0));
      const at = (host: number[]) => networkOf(written([...network, ...host]));
      expect(at(one)).toBe(at(other));
      expect(at(one)).toBe(`${written(network)}::/64`);
    }),
  );
});

test('networkOf shortens text that is no address', () => {
  expect(networkOf('x'.repeat(10_000))).toHaveLength(64);
});
