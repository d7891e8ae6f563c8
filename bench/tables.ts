import type { Rounds } from './rounds.ts';
import { median, medianOf } from './rounds.ts';
import type { Finding } from './section.ts';

/** The requests a second of every round, and the median latencies in milliseconds. */
export type StoredRounds = { requestsPerSecond: readonly number[]; p50: number; p99: number };

export function storable(rounds: Rounds): StoredRounds {
  return {
    requestsPerSecond: rounds.map((each) => Math.round(each.requestsPerSecond)),
    p50: rounded(medianOf(rounds, 'p50')),
    p99: rounded(medianOf(rounds, 'p99')),
  };
}

/** Returns a table of the requests a second in every round, and of the median latencies. */
export function roundsTable(named: Readonly<Record<string, Rounds>>): string {
  return storedTable(Object.fromEntries(Object.entries(named).map(([name, rounds]) => [name, storable(rounds)])));
}

export function storedTable(named: Readonly<Record<string, StoredRounds>>): string {
  const rows = Object.entries(named).map(
    ([name, { requestsPerSecond, p50, p99 }]) =>
      `| ${name} | **${count(median(requestsPerSecond))}** | ${requestsPerSecond.map(count).join(' · ')} | ${ms(p50)} / ${ms(p99)} |`,
  );
  return `| | requests/s | of each round | p50 / p99 ms |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

export function findingsTable(findings: readonly (Finding & { date: string })[]): string {
  const rows = findings.map(
    ({ measure, mustReach, reached, ok, date }) =>
      `| ${measure} | ${mustReach} | ${reached} | ${ok ? 'yes' : '**no**'} | ${date} |`,
  );
  return `| measure | target | result | met | measured |\n|---|---|---|---|---|\n${rows.join('\n')}\n`;
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

export function ms(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(1);
}

export function times(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)}×`;
}

/** Returns a latency without digits that no table shows. */
function rounded(milliseconds: number): number {
  return Number(milliseconds.toFixed(3));
}
