import { describe, expect, it } from 'vitest';
import { costTables, httpCores, middlewareCores, processesCost, storesCost } from '../../bench/report/costs.ts';

describe('what verifications take', () => {
  it.each([
    [100_000, 9],
    [1_000_000, 54],
    [10_000_000, 504],
  ])('is, at %d a second over HTTP, %d cores: one for each 20,000, two to spare and two workers', (rate, cores) => {
    expect(httpCores(rate)).toBe(cores);
  });

  it('is with the middleware what its checks take, rounded up, and two replicas and two workers', () => {
    expect(middlewareCores(1_000_000, 900_000)).toEqual({ own: 2, latchkey: 4 });
  });
});

describe('what a month costs', () => {
  it('is for nine cores with a GB each, at 0.04 and 0.005 dollars an hour, 296 dollars', () => {
    expect(processesCost(9)).toBeCloseTo(9 * 0.045 * 730, 6);
  });

  it('is for the stores three servers with their disks, and two of Redis', () => {
    const servers = 3 * ((2 * 0.1 + 8 * 0.01) * 730 + 20 * 0.12);
    expect(storesCost({ cores: 2, memory: 8, disk: 20 })).toBeCloseTo(servers + 2 * 0.06 * 730, 6);
  });

  it('says of each line with how many keys its rates were measured', () => {
    const { months } = costTables(900_000, 1_000_000);
    const lines = months.trim().split('\n').slice(2);
    expect(lines).toHaveLength(9);
    expect(lines.slice(0, 3).every((line) => line.includes('from rates measured with as many keys'))).toBe(true);
    expect(lines.slice(3).every((line) => line.includes('measured with at most 1,000,000 keys'))).toBe(true);
    expect(lines[0]).toMatch(/9 cores, \$1,000 .*5 cores, 1 of them in your services, \$870/);
  });
});
