import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatted } from '../../scripts/reference/formatted.ts';
import { ROOT } from '../start-server.ts';
import type { Place } from './measured.ts';

const FOLDER = join(ROOT, 'test/failover/results');

/** Milliseconds by what took them. */
export type Seen = Readonly<Record<string, number>>;
export type FailoverResult = { measured: Place; seen: Seen };

/** Stores what a scenario of `test/failover` measured, in place of what it measured before. */
export async function storeFailover(scenario: string, result: FailoverResult): Promise<void> {
  const file = join(FOLDER, `${scenario}.json`);
  writeFileSync(file, await formatted(file, JSON.stringify(result)));
}

/** Returns what scenarios measured last, by their names. */
export function readFailovers(): Record<string, FailoverResult> {
  const files = readdirSync(FOLDER).toSorted();
  return Object.fromEntries(
    files.map((file) => [
      file.replace(/\.json$/, ''),
      JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as FailoverResult,
    ]),
  );
}
