import { expect, test } from 'vitest';
import { shippedPackages } from '../../scripts/reference/licences.ts';

/** Licences under which a package may be shipped with no more than its notice. */
const PERMISSIVE = ['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'Unlicense'];

test('every package that ships has a permissive licence', () => {
  const packages = shippedPackages();
  expect(packages.length).toBeGreaterThan(80);
  expect(packages.filter(({ license }) => !PERMISSIVE.includes(license))).toEqual([]);
});
