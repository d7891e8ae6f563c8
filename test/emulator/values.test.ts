import { describe, expect, it } from 'vitest';
import { randomAlphanumerics } from '../../src/emulator/random-text.ts';
import { createIds, ulidOf } from '../../src/emulator/ulid.ts';

describe('ids', () => {
  it('grow within one millisecond and when the clock steps back', () => {
    let now = 1_780_000_000_000;
    const { make } = createIds(() => new Date(now));
    const ids = Array.from({ length: 1_000 }, () => make('x'));
    now -= 60_000;
    ids.push(make('x'));
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(1_001);
  });

  it('hold their time and a ULID', () => {
    const { make } = createIds(() => new Date('2016-07-30T23:54:10.259Z'));
    expect(ulidOf(make('api_key'))).toMatch(/^01ARZ3NDEK[0-9A-HJKMNP-TV-Z]{16}$/);
    expect(ulidOf('org_acme')).toBeUndefined();
  });
});

describe('random text', () => {
  it('has the requested length and favours no letter', () => {
    const text = randomAlphanumerics(62_000);
    expect(text).toMatch(/^[A-Za-z0-9]{62000}$/);
    const counts = Map.groupBy(text, (letter) => letter);
    expect(counts.size).toBe(62);
    // 1,000 expected each; eight standard deviations is about 250.
    for (const letters of counts.values()) expect(Math.abs(letters.length - 1_000)).toBeLessThan(250);
  });
});
