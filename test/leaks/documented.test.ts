import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import { ProductFile } from '../../src/product/product.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { blocksOf } from '../documents/pages.ts';

const product = readProduct(new URL('../../config/evershell.yaml', import.meta.url));

test('the configuration takes what docs/how-to/receive-leak-reports.md shows', () => {
  const block = blocksOf('docs/how-to/receive-leak-reports.md').find(({ language }) => language === 'yaml');
  const shown = load(block!.text) as object;
  const { permission_sets: sets } = ProductFile.parse({ ...product, ...shown });
  expect(sets.map(({ name, leak_response: response }) => [name, response])).toEqual([
    ['full_access', 'revoke'],
    ['read_only', 'suspend'],
    ['probe', 'notify'],
  ]);
});

test('a set that says nothing is revoked', () => {
  expect(product.permission_sets.map(({ leak_response: response }) => response)).toEqual(
    product.permission_sets.map(() => 'revoke'),
  );
});
