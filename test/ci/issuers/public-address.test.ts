import { expect, test } from 'vitest';
import { isPublicAddress } from '../../../src/ci/issuers/public-address.ts';

test.each([
  ['loopback', '127.0.0.1'],
  ['loopback elsewhere', '127.255.255.254'],
  ['this host', '0.0.0.0'],
  ['private, 10', '10.1.2.3'],
  ['private, 172', '172.31.255.255'],
  ['private, 192', '192.168.0.1'],
  ['carrier-grade NAT', '100.64.0.1'],
  ['link-local, where clouds keep metadata', '169.254.169.254'],
  ['documentation', '203.0.113.7'],
  ['benchmarks', '198.19.0.1'],
  ['multicast', '224.0.0.1'],
  ['broadcast', '255.255.255.255'],
  ['IPv6 loopback', '::1'],
  ['IPv6 unspecified', '::'],
  ['IPv6 link-local', 'fe80::1'],
  ['IPv6 link-local with a zone', 'fe80::1%eth0'],
  ['IPv6 unique local', 'fd00:ec2::254'],
  ['IPv6 multicast', 'ff02::1'],
  ['IPv6 documentation', '2001:db8::1'],
  ['mapped loopback', '::ffff:127.0.0.1'],
  ['mapped loopback in hexadecimal', '::ffff:7f00:1'],
  ['mapped metadata', '::ffff:169.254.169.254'],
  ['compatible loopback', '::127.0.0.1'],
  ['translated loopback', '64:ff9b::7f00:1'],
  ['6to4 of a private address', '2002:0a00:0001::1'],
  ['Teredo', '2001:0:0a00:1::1'],
  ['no address', 'issuer.example'],
  ['an empty text', ''],
])('refuses %s: %s', (_what, address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each([
  '8.8.8.8',
  '140.82.121.4',
  '172.32.0.1',
  '100.128.0.1',
  '223.255.255.255',
  '2606:50c0:8000::153',
  '::ffff:8.8.8.8',
])('takes %s', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});
