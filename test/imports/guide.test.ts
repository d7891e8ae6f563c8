import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { CATEGORY_NAMES } from '../../src/imports/category.ts';
import { parseMapping } from '../../src/imports/mapping.ts';
import { makeCatalogue } from '../../src/permissions/catalogue.ts';
import { ProductFile } from '../../src/product/product.ts';
import { readProduct } from '../../src/product/read-product.ts';

// The blocks of docs/how-to/import-keys.md.
const page = readFileSync(new URL('../../docs/how-to/import-keys.md', import.meta.url), 'utf8');
const product = readProduct(new URL('../../config/evershell.yaml', import.meta.url));
const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block]) => block!);

test('the guide configures an import that a product file may have', () => {
  const { imports } = parse(blocks[0]!) as { imports: object[] };
  expect(ProductFile.parse({ ...product, imports }).imports).toMatchObject([{ name: 'old_keys', hashed: 'whole' }]);
});

test('the guide configures an import of slow hashes', () => {
  const { imports } = parse(blocks[2]!) as { imports: object[] };
  expect(ProductFile.parse({ ...product, imports }).imports).toMatchObject([{ hash: 'bcrypt' }]);
});

test('the guide has a mapping that is accepted', () => {
  const mapping = parseMapping(blocks[1]!, 'guide', makeCatalogue(product));
  expect(mapping.fields).toMatchObject({ id: ['key_id'], enabled: ['enabled'] });
});

test('the guide explains every category', () => {
  expect(CATEGORY_NAMES.filter((category) => !page.includes(`\`${category}\``))).toEqual([]);
});
