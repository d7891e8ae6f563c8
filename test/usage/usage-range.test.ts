import { describe, expect, test } from 'vitest';
import { bucketsOf, readRange } from '../../src/usage/usage-range.ts';
import type { Interval } from '../../src/usage/usage-range.ts';

const NOW = new Date('2026-11-20T10:15:30.000Z');

function range(interval: Interval, from?: string, to?: string, now = NOW): string[] {
  const read = readRange({ from, to, interval }, now);
  return [read.from, read.to].map((time) => time.toISOString().replace(':00.000Z', ''));
}

test.each<[string, Interval, string | undefined, string | undefined, string[]]>([
  ['by hour, the last 24 hours', 'hour', undefined, undefined, ['2026-11-19T11:00', '2026-11-20T11:00']],
  ['by day, the last 30 days', 'day', undefined, undefined, ['2026-10-22T00:00', '2026-11-21T00:00']],
  ['24 hours before an end', 'hour', undefined, '2026-11-01T00:00:00Z', ['2026-10-31T00:00', '2026-11-01T00:00']],
  ['from a time on', 'hour', '2026-11-20T08:59:59Z', undefined, ['2026-11-20T08:00', '2026-11-20T11:00']],
  [
    'in another zone',
    'day',
    '2026-11-02T01:00:00+02:00',
    '2026-11-03T02:00:00+02:00',
    ['2026-11-01T00:00', '2026-11-03T00:00'],
  ],
  [
    'a moment of an hour',
    'hour',
    '2026-11-20T08:10:00Z',
    '2026-11-20T08:10:00.001Z',
    ['2026-11-20T08:00', '2026-11-20T09:00'],
  ],
  [
    'an end that lies ahead',
    'hour',
    '2026-11-20T10:00:00Z',
    '9999-12-31T23:59:59Z',
    ['2026-11-20T10:00', '2026-11-20T11:00'],
  ],
  ['now alone', 'day', NOW.toISOString(), undefined, ['2026-11-20T00:00', '2026-11-21T00:00']],
  ['31 days', 'hour', '2026-10-20T10:15:30Z', undefined, ['2026-10-20T10:00', '2026-11-20T11:00']],
  ['400 days', 'day', '2025-10-16T10:15:30Z', undefined, ['2025-10-16T00:00', '2026-11-21T00:00']],
  ['the year 1', 'day', '0001-01-01T00:00:00Z', '0001-01-02T00:00:00Z', ['0001-01-01T00:00', '0001-01-02T00:00']],
])('%s', (_what, interval, from, to, expected) => {
  expect(range(interval, from, to)).toEqual(expected);
});

test('ends with the current hour at its very beginning', () => {
  expect(range('hour', undefined, undefined, new Date('2026-11-20T10:00:00.000Z'))[1]).toBe('2026-11-20T11:00');
});

describe('refuses', () => {
  test.each<[string, Interval, string, string | undefined, RegExp]>([
    ['nothing at all', 'hour', '2026-11-20T08:00:00Z', '2026-11-20T08:00:00Z', /before `to`/],
    ['the wrong way round', 'hour', '2026-11-20T09:00:00Z', '2026-11-20T08:00:00Z', /before `to`/],
    ['what has not been', 'hour', '2026-11-20T10:15:30.001Z', undefined, /future/],
    ['more than 31 days by hour', 'hour', '2026-10-20T10:15:29Z', undefined, /31 days/],
    ['more than 400 days by day', 'day', '2025-10-16T10:15:29Z', undefined, /400 days/],
  ])('%s', (_what, interval, from, to, message) => {
    expect(() => range(interval, from, to)).toThrow(
      expect.objectContaining({
        code: 'validation_error',
        details: { fields: { from: expect.stringMatching(message) } },
      }),
    );
  });
});

test('returns every bucket once', () => {
  const from = new Date('2026-10-24T00:00:00.000Z');
  const buckets = (to: string, interval: Interval) => bucketsOf({ from, to: new Date(to), interval });
  expect(buckets('2026-10-26T00:00:00.000Z', 'hour')).toHaveLength(48);
  expect(buckets('2026-10-26T00:00:00.000Z', 'day').map((start) => new Date(start).toISOString())).toEqual([
    '2026-10-24T00:00:00.000Z',
    '2026-10-25T00:00:00.000Z',
  ]);
});
