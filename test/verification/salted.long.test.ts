import { hashSync } from 'bcryptjs';
import { expect, test } from 'vitest';
import { CheckRefused, makeHashChecks } from '../../src/verification/salted/hash-checks.ts';

const warnings: object[] = [];
const log = { warn: (fields: object) => void warnings.push(fields) };
const COSTLY = hashSync('x', 9);
const CHEAP = hashSync('right', 4);
const room = { most: 2, over: undefined };

test('names take turns, however many checks one of them has waiting', async () => {
  const checks = makeHashChecks({ log, most: 5, threads: 1, waitMs: 60_000 });
  const order: string[] = [];
  const find = (name: string, hashes: string[]) =>
    checks.find({ name, text: 'right', hashes }).then((index) => order.push(`${name} ${index}`));
  await Promise.all([...Array.from({ length: 4 }, () => find('a', [COSTLY])), find('b', [COSTLY, CHEAP])]);
  expect(order).toEqual(['a -1', 'a -1', 'b 1', 'a -1', 'a -1']);
});

test('a check that waits too long is refused', async () => {
  const outcomes: string[] = [];
  const checks = makeHashChecks({
    log,
    most: 5,
    threads: 1,
    waitMs: 20,
    count: (outcome) => void outcomes.push(outcome),
  });
  const long = [...Array.from({ length: 5 }, () => COSTLY), CHEAP];
  const first = checks.find({ name: 'a', text: 'right', hashes: long });
  await expect(checks.find({ name: 'b', text: 'right', hashes: [CHEAP] })).rejects.toThrow(CheckRefused);
  expect([await first, outcomes]).toEqual([5, ['refused', 'taken']]);
});

test('a check that takes too long ends with its thread, and the next one has another', async () => {
  const checks = makeHashChecks({ log, most: 5, threads: 1, runMs: 2_000 });
  const slow = checks.find({ name: 'a', text: 'right', hashes: Array.from({ length: 2_000 }, () => COSTLY) });
  await expect(slow).rejects.toThrow(CheckRefused);
  expect(warnings).toMatchObject([{ err: { message: 'the check took too long' } }]);
  expect(await checks.find({ name: 'a', text: 'right', hashes: [CHEAP] })).toBe(0);
});

test('a name has so much room, and one over its limit has none', async () => {
  const checks = makeHashChecks({ log, most: 5, threads: 1 });
  const within = (name: string, over?: { seconds: number; enforcement: 'local' }) =>
    checks.within({ ...room, name, over }, () => new Promise((resolve) => setTimeout(resolve, 20)));
  const two = [within('a'), within('a')];
  await expect(within('a')).rejects.toThrow(CheckRefused);
  await within('b');
  await expect(within('c', { seconds: 9, enforcement: 'local' })).rejects.toMatchObject({ over: { seconds: 9 } });
  await Promise.all(two);
  const full = ['a', 'b', 'c', 'd', 'e'].map((name) => within(name));
  await expect(within('f')).rejects.toThrow(CheckRefused);
  await Promise.all(full);
});
