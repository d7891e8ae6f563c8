import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DOCUMENTED, systemsPage } from './document.ts';

test('docs/reference/systems.md says what the tests hold; `npm run docs:systems` writes it', () => {
  const committed = readFileSync(new URL('../../docs/reference/systems.md', import.meta.url), 'utf8');
  expect(committed).toBe(systemsPage());
});

test('no behaviour is there twice, and none breaks the table', () => {
  for (const [system, behaviours] of Map.groupBy(DOCUMENTED, (one) => one.system)) {
    const pages = behaviours.map(({ page }) => page);
    expect(new Set(pages).size).toBe(pages.length);
    for (const { section, page, latchkey } of behaviours) expect(`${section}${page}${latchkey}`).not.toMatch(/[|\n]/);
    expect(existsSync(new URL(`${system}.test.ts`, import.meta.url))).toBe(true);
  }
});
