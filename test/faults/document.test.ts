import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { faultsPage } from './document.ts';

test('docs/reference/faults.md says what the tests hold; `npm run docs:faults` writes it', () => {
  const committed = readFileSync(new URL('../../docs/reference/faults.md', import.meta.url), 'utf8');
  expect(committed).toBe(faultsPage());
});
