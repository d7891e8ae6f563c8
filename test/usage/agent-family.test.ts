import { expect, test } from 'vitest';
import { makeAgentFamily } from '../../src/usage/agent-family.ts';

const familyOf = makeAgentFamily();
const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';

test.each([
  ['curl/8.5.0', 'curl'],
  ['python-requests/2.32.3', 'python-requests'],
  ['node', 'node'],
  ['okhttp/4.12.0', 'okhttp'],
  ['Go-http-client/2.0', 'Go-http-client'],
  ['axios/1.7.9', 'axios'],
  ['PostmanRuntime/7.43.0', 'PostmanRuntime'],
  ['GitHub-Actions', 'GitHub-Actions'],
  ['Apache-HttpClient/4.5.14 (Java/17.0.13)', 'Apache-HttpClient'],
  ['Go 1.1 package http', 'Go'],
  ['Java(17)', 'Java'],
  ['  Wget/1.21 ', 'Wget'],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/131.0.0.0 Safari/537.36`, 'Chrome'],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0`, 'Edge'],
  [`Mozilla/5.0 (Linux; Android 10; K) ${webkit} Chrome/131.0.0.0 Mobile Safari/537.36 EdgA/131.0.0.0`, 'Edge'],
  [`Mozilla/5.0 (X11; Linux x86_64) ${webkit} HeadlessChrome/131.0.0.0 Safari/537.36`, 'Chrome'],
  [`Mozilla/5.0 (X11; Linux x86_64) ${webkit} Chrome/131.0.0.0 Safari/537.36 OPR/116.0.0.0`, 'Opera'],
  [`Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) ${webkit} CriOS/131.0 Mobile/15E148 Safari/604.1`, 'Chrome'],
  [
    `Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) ${webkit} FxiOS/133.0 Mobile/15E148 Safari/605.1`,
    'Firefox',
  ],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0', 'Firefox'],
  [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webkit} Version/18.1 Safari/605.1.15`, 'Safari'],
  [
    `Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) ${webkit} Version/18.1 Mobile/15E148 Safari/604.1`,
    'Safari',
  ],
  ['Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)', 'UptimeRobot'],
  ['Mozilla/5.0', 'Mozilla'],
])('%s is %s, the first time and again', (userAgent, family) => {
  expect(familyOf(userAgent)).toBe(family);
  expect(familyOf(userAgent)).toBe(family);
});

test.each([[undefined], [''], ['   '], ['/1.0'], ['\u0000\u001b\u009f'], ['(x)']])(
  'returns undefined for %j',
  (userAgent) => {
    expect(familyOf(userAgent)).toBeUndefined();
    expect(familyOf(userAgent)).toBeUndefined();
  },
);

test('returns one short word without control characters for odd user agents', () => {
  expect(familyOf('a\u0000b/1')).toBe('a');
  expect(familyOf(`${'x'.repeat(63)}🔑${'x'.repeat(9_000)}`)).toBe(`${'x'.repeat(63)}\ufffd`);
});
