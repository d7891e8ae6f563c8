import { markdownTable } from '../../test/support/markdown-table.ts';
import type { FailoverResult, Seen } from './failovers.ts';
import { median } from '../rounds.ts';
import { count, ms } from '../tables.ts';
import { CHARTS, seconds } from './charts/charts.ts';
import type { Chart, Stored } from './charts/charts.ts';
import { costTables } from './costs.ts';
import type { Place } from './measured.ts';

const IMAGES = '../images/charts';
/** What Latchkey itself does; other rows are what it is compared with. */
const OWN = /\/v1\/|^the same, keys|^[\d,]+ keys$/;
const OWN_SECTIONS = ['verification', 'half-rate', 'key-reads', 'cold', 'creates'];
const GROWTH_SECTIONS = [
  'cold',
  'many',
  'cache',
  'memory',
  'processes',
  'changes',
  'notifications',
  'streams',
  'usage',
  'writes',
];

/** Scenarios of test/failover: what happens, and what each figure that they record means. */
const SCENARIOS: Readonly<Record<string, { what: string; means: Readonly<Record<string, string>> }>> = {
  promotion: {
    what: 'primary killed, standby promoted, under load',
    means: { ready: 'every replica ready after the promotion', stalest: 'oldest answer after a revocation' },
  },
  'old-primary': {
    what: 'standby promoted, old primary lives on',
    means: { valid: 'its replicas call keys valid after the promotion began' },
  },
  'cut-off': {
    what: 'replica cut off from its database, in silence',
    means: { valid: 'it calls keys valid', stalest: 'oldest answer after a revocation' },
  },
  region: {
    what: '200 keys in the memory of a process in a region, 30 ms from home, revoked at home',
    means: {
      validP50: 'called valid, p50',
      validP99: 'p99',
      refusedP50: 'answered as revoked, p50',
      refusedP99: 'p99',
    },
  },
  'region-stopped': {
    what: "the region's subscription stopped, and enabled again",
    means: { noticed: 'all reads at home after the stop', back: 'reads in the region again' },
  },
  'region-killed': {
    what: "the region's database killed",
    means: { firstRead: 'the first read of a key that is not in memory' },
  },
  'region-cut-off': {
    what: 'the region cut off from home, in silence',
    means: { stalest: 'oldest answer after a revocation' },
  },
  redis: {
    what: 'Redis master killed, Sentinel promotes',
    means: { noticed: 'until a replica counts for itself', sharedAgain: 'until limits are shared again' },
  },
  restore: {
    what: 'database restored to a moment before revocations',
    means: { ready: 'ready after WorkOS answered again' },
  },
};

/** Returns the parts of pages that are made of what is stored, by their names. */
export function blocks(stored: Stored, drawn: readonly Chart[]): Record<string, string> {
  const costs = costTables(checksOf(stored).perSecond, mostKeys(stored));
  return {
    ...Object.fromEntries(CHARTS.map((name) => [name, imageOf(drawn.find((chart) => chart.name === name))])),
    'one process': oneProcess(stored),
    growth: growth(stored),
    'outages in figures': outages(stored.failovers),
    failovers: failovers(stored.failovers),
    ...costs,
  };
}

function imageOf(chart: Chart | undefined): string {
  if (chart === undefined) return 'Not measured yet.';
  return `![${chart.title}. ${chart.description}](${IMAGES}/${chart.name}.svg)`;
}

function oneProcess({ section }: Stored): string {
  const rows = OWN_SECTIONS.flatMap((name) => {
    const { rounds = {}, measured } = section(name) ?? {};
    return Object.entries(rounds)
      .filter(([row]) => OWN.test(row))
      .map(([row, { requestsPerSecond, p50, p99 }]) => ({
        name,
        measured: measured!,
        cells: [
          name === 'cold' ? `\`POST /v1/api-keys/verify\`, not in memory, of ${row}` : row,
          count(median(requestsPerSecond)),
          `${ms(p50)} / ${ms(p99)} ms`,
        ],
      }));
  });
  const { measured } = section('middleware') ?? {};
  const checks = checksOf({ section });
  const cells = [
    'checks of the middleware, in the process of its service',
    count(checks.perSecond),
    `${checks.p99Microseconds} µs (p99)`,
  ];
  const middleware = measured ? [{ name: 'middleware', measured, cells }] : [];
  return tableOf(['what', 'a second', 'p50 / p99'], 'section', [...rows, ...middleware]);
}

/** What the middleware does on one core. */
function checksOf({ section }: Pick<Stored, 'section'>): { perSecond: number; p99Microseconds: number } {
  const { perSecond, p99Microseconds } = section('middleware')?.figures?.['checks'] ?? {};
  return { perSecond: Number(perSecond), p99Microseconds: Number(Number(p99Microseconds).toFixed(1)) };
}

/** The largest number of keys among which cold verifications were measured. */
function mostKeys({ section }: Stored): number {
  const rows = ['cold', 'many'].flatMap((name) => Object.keys(section(name)?.rounds ?? {}));
  const numbers = rows.flatMap((row) =>
    [...row.matchAll(/([\d,]+) keys\b/g)].map(([, text]) => Number(text!.replaceAll(',', ''))),
  );
  return Math.max(0, ...numbers);
}

function growth({ section }: Stored): string {
  const rows = GROWTH_SECTIONS.flatMap((name) => {
    const result = section(name);
    return (result?.findings ?? []).map(({ measure, mustReach, reached, ok }) => ({
      name,
      measured: result!.measured,
      cells: [measure, mustReach, reached, ok ? 'yes' : '**no**'],
    }));
  });
  return tableOf(['measure', 'target', 'result', 'met'], 'section', rows);
}

function outages(results: Readonly<Record<string, FailoverResult>>): string {
  const rows = Object.entries(results)
    .filter(([name]) => name.startsWith('outage-'))
    .toSorted(([, one], [, other]) => one.seen['noPrimary']! - other.seen['noPrimary']!)
    .map(([name, { seen, measured }]) => ({
      name,
      measured,
      cells: ['noPrimary', 'noAnswer', 'noAnswerWithGrace', 'staleWithGrace'].map((each) => seconds(seen[each]!)),
    }));
  const head = [
    'no primary',
    'refuse: no good answer',
    'grace of 60 s: no good answer',
    'grace of 60 s: marked `stale`',
  ];
  return tableOf(head, 'scenario', rows);
}

function failovers(results: Readonly<Record<string, FailoverResult>>): string {
  const rows = Object.entries(SCENARIOS).flatMap(([name, { what, means }]) => {
    const result = results[name];
    return result ? [{ name, measured: result.measured, cells: [what, shown(result.seen, means)] }] : [];
  });
  return tableOf(['what happens', 'what was seen'], 'scenario', rows);
}

function shown(seen: Seen, means: Readonly<Record<string, string>>): string {
  return Object.entries(means)
    .map(([name, text]) => `${text}: ${seconds(seen[name]!)}`)
    .join('; ');
}

type Row = { name: string; measured: Place; cells: readonly string[] };

/** Returns a table whose last columns say where each row is from, and below it the machines. */
function tableOf(head: readonly string[], source: string, rows: readonly Row[]): string {
  const machines = [...new Set(rows.map(({ measured }) => measured.machine))];
  const letterOf = (machine: string) =>
    machines.length > 1 ? `${String.fromCodePoint(65 + machines.indexOf(machine))}, ` : '';
  const body = rows.map(({ name, measured: { date, machine, load }, cells }) => [
    ...cells,
    `\`${name}\``,
    `${date}, ${letterOf(machine)}load ${load.toFixed(2)}`,
  ]);
  const legend = machines.map((machine) => `${letterOf(machine).replace(', ', ': ')}${machine}`).join('; ');
  return `${markdownTable([[...head, source, 'run'], ...body])}\nMachine${machines.length > 1 ? 's' : ''}: ${legend}.`;
}
