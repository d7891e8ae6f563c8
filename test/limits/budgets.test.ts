import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startService } from '../support/service.ts';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');

/** The rows of the table of budgets: the variables, and the label. */
function documented(): { variables: string[]; label: string }[] {
  const [, table = ''] = read('docs/reference/limits.md').split('| label `budget`');
  const rows = table.split('\n\n')[0]!.split('\n').slice(2);
  return rows.map((row) => {
    const cells = row.split('|').slice(1, -1);
    const variables = cells[1]!.match(/[A-Z][A-Z_]+/g) ?? [];
    return { variables, label: cells.at(-1)!.replaceAll('`', '').trim() };
  });
}

test('documents exactly the budgets that exist, each with a metric and a variable', async () => {
  const service = await startService();
  const text = await (await fetch(`${service.url}/metrics`)).text();
  const counted = new Set(Array.from(text.matchAll(/^latchkey_budget_total\{budget="(\w+)"/gm), ([, label]) => label));
  const rows = documented();
  expect(new Set(rows.map(({ label }) => label))).toEqual(counted);
  expect(rows).toHaveLength(counted.size);
  expect(rows.filter(({ variables }) => variables.length === 0)).toEqual([]);
  const explained = read('docs/reference/variables.md');
  const missing = rows.flatMap(({ variables }) => variables.filter((name) => !explained.includes(`| \`${name}\``)));
  expect(missing).toEqual([]);
});
