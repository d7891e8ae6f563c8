import { describe, expect, it } from 'vitest';
import { bandsOf, linearOf } from '../../src/console/plot/scales.ts';

describe('linearOf', () => {
  it.each([
    [4, [0, 1, 2, 3, 4]],
    [7, [0, 2, 4, 6, 8]],
    [10, [0, 2, 4, 6, 8, 10]],
    [101, [0, 20, 40, 60, 80, 100, 120]],
    [6_500, [0, 2_000, 4_000, 6_000, 8_000]],
  ])('has lines at round numbers up to %i or above', (most, ticks) => {
    expect(linearOf(most, [100, 0], 4).ticks).toEqual(ticks);
  });

  it('maps 0 to the first end of the range, and the last line to the other', () => {
    const { at } = linearOf(7, [100, 0], 4);
    expect([at(0), at(4), at(8)]).toEqual([100, 50, 0]);
  });
});

describe('bandsOf', () => {
  it('fills the range, with a part of each step between the bands', () => {
    const { at, step, width } = bandsOf(['a', 'b', 'c'], [10, 130], 0.25);
    expect(at('a')).toBeCloseTo(10);
    expect(at('b') - at('a')).toBeCloseTo(step);
    expect(width).toBeCloseTo(step * 0.75);
    expect(at('c') + width).toBeCloseTo(130);
  });

  it('puts a single band into the middle', () => {
    const { at, width } = bandsOf(['a'], [0, 100], 0.5);
    expect([at('a'), width]).toEqual([25, 50]);
  });
});
