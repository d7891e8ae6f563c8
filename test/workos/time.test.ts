import { expect, test } from 'vitest';
import { readTime } from '../../src/workos/events/time.ts';

const AT = '2023-04-28T20:05:31.093Z';

test.each([
  [AT, AT],
  ['2023-04-28 20:05:31.093', AT],
  ['2023-04-28T20:05:31.093', AT],
  ['2023-04-28 20:05:31.093 UTC', AT],
  ['2023-04-28 20:05:31.093+00', AT],
  ['2023-04-28 22:05:31.093+02:00', AT],
  ['2023-04-28T15:35:31.093-0430', AT],
  ['2023-04-28T20:05:31.093456789z', AT],
  ['2023-04-28 20:05:31', '2023-04-28T20:05:31.000Z'],
  ['2023-04-28 20:05:31.5', '2023-04-28T20:05:31.500Z'],
  ['2023-04-28T20:05Z', '2023-04-28T20:05:00.000Z'],
])('readTime parses %j', (text, expected) => {
  expect(readTime(text)?.toISOString()).toBe(expected);
});

test.each([
  '',
  'now',
  '2023-04-28',
  '2023-02-30 10:00:00',
  '2023-13-01T00:00:00Z',
  '28 Apr 2023 20:05:31',
  '1682712331',
  '2023-04-28T25:00:00Z',
  `${AT} x`,
])('readTime returns undefined for %j', (text) => {
  expect(readTime(text)).toBeUndefined();
});
