import type { Rounds } from './rounds.ts';
import { medianOf } from './rounds.ts';
import type { Finding } from './section.ts';

/** Returns a table of the requests a second in every round, and of the median latencies. */
export function roundsTable(named: Readonly<Record<string, Rounds>>): string {
  const rows = Object.entries(named).map(
    ([name, rounds]) =>
      `| ${name} | **${count(medianOf(rounds, 'requestsPerSecond'))}** | ${rounds.map((each) => count(each.requestsPerSecond)).join(' · ')} | ${ms(medianOf(rounds, 'p50'))} / ${ms(medianOf(rounds, 'p99'))} |`,
  );
  return `| | requests/s | of each round | p50 / p99 ms |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

export function findingsTable(findings: readonly Finding[]): string {
  const rows = findings.map(
    ({ measure, mustReach, reached, ok }) => `| ${measure} | ${mustReach} | ${reached} | ${ok ? 'yes' : '**no**'} |`,
  );
  return `| measure | target | result | met |\n|---|---|---|---|\n${rows.join('\n')}\n`;
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
