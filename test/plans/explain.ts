import { Client } from 'pg';
import type { Statement } from './capture.ts';

type Plan = {
  'Node Type': string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  'Relation Name'?: string;
  'Shared Hit Blocks'?: number;
  'Shared Read Blocks'?: number;
  Plans?: Plan[];
};
type Explained = { Plan: Plan; 'Execution Time'?: number };

export type Measured = Statement & {
  answered: number;
  read: number;
  blocks: number;
  milliseconds: number;
  /** Why it could not be run a second time; it is judged by its plan alone then. */
  failure: string | undefined;
};

/** Whatever a statement answers, it may read so many rows; and so many for each that it answers. */
const READS = 2_000;
const READS_PER_ROW = 50;
/** Functions hide their plans and show their blocks. */
const BLOCKS = 2_000;
const BLOCKS_PER_ROW = 50;

/** Statements that read many rows to answer few, and how many they may: none of these grows with the tables. */
const KNOWN: readonly [RegExp, number][] = [
  // Counts of the background: a page of rows, or of 20 organizations, or up to a number.
  [/^with page as materialized/, 5_000],
  [/cross join lateral \(\s*select count\(\*\) as keys from api_keys/, 50_000],
  [/\) as found$/, 15_000],
  // Sums over the days that were asked for, of the keys of one organization.
  [/sum\(count\) as (?:count|total) from usage_counts\s+where organization_id/, 100_000],
];

/** Runs each statement once more, in a transaction that is undone, and measures what it reads. */
export async function explainAll(url: string, statements: readonly Statement[]): Promise<Measured[]> {
  const client = new Client({ connectionString: url, statement_timeout: 120_000 });
  await client.connect();
  try {
    const measured: Measured[] = [];
    for (const statement of statements) measured.push(await explain(client, statement));
    return measured;
  } finally {
    await client.end();
  }
}

async function explain(client: Client, statement: Statement): Promise<Measured> {
  const run = async (options: string) => {
    await client.query('begin');
    try {
      const { rows } = await client.query<{ 'QUERY PLAN': Explained[] }>(
        `explain (${options}, format json) ${statement.text}`,
        [...statement.values],
      );
      return rows[0]!['QUERY PLAN'][0]!;
    } finally {
      await client.query('rollback');
    }
  };
  try {
    return measure(statement, await run('analyze, buffers'), undefined);
  } catch (error) {
    return measure(statement, await run('verbose'), (error as Error).message);
  }
}

function measure(
  statement: Statement,
  { Plan: plan, 'Execution Time': milliseconds = 0 }: Explained,
  failure?: string,
) {
  const changes = plan['Node Type'] === 'ModifyTable' ? plan.Plans?.[0] : undefined;
  return {
    ...statement,
    answered: Math.max(plan['Actual Rows'] ?? 0, changes?.['Actual Rows'] ?? 0),
    read: rowsRead(plan),
    blocks: (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0),
    milliseconds,
    failure,
  };
}

function rowsRead(plan: Plan): number {
  const own = plan['Relation Name'] !== undefined && plan['Node Type'].includes('Scan') ? rowsOf(plan) : 0;
  return (plan.Plans ?? []).reduce((sum, inner) => sum + rowsRead(inner), own);
}

function rowsOf(plan: Plan): number {
  const removed = (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0);
  return Math.round(((plan['Actual Rows'] ?? 0) + removed) * (plan['Actual Loops'] ?? 1));
}

/** How far over its bound a statement is; 1 is the bound. */
export function excessOf({ text, answered, read, blocks }: Measured): number {
  const known = KNOWN.find(([form]) => form.test(text.trim()))?.[1] ?? 0;
  return Math.max(
    read / (READS + known + READS_PER_ROW * answered),
    blocks / (BLOCKS + known + BLOCKS_PER_ROW * answered),
  );
}

/** The worst run of each text, those that read most first, as a table in Markdown. */
export function tableOf(measured: readonly Measured[]): string {
  const worst = new Map<string, Measured>();
  for (const one of measured) {
    const known = worst.get(one.text);
    if (!known || excessOf(one) > excessOf(known)) worst.set(one.text, one);
  }
  const rows = [...worst.values()].toSorted((a, b) => excessOf(b) - excessOf(a)).map(statementLine);
  const head =
    '| rows read | answered | blocks | ms | of the bound | from | statement |\n| --: | --: | --: | --: | --: | --- | --- |';
  return [head, ...rows].join('\n');
}

function statementLine(one: Measured): string {
  const text = one.text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').slice(0, 140);
  const share = `${(excessOf(one) * 100).toFixed(1)} %`;
  const cells = [one.read, one.answered, one.blocks, one.milliseconds.toFixed(2), share, one.from, `\`${text}\``];
  return `| ${cells.join(' | ')} |`;
}
