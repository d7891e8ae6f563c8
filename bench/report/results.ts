import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatted } from '../../scripts/reference/formatted.ts';
import type { Rounds } from '../rounds.ts';
import type { Figures, Finding, Outcome } from '../section.ts';
import { storable } from '../tables.ts';
import type { StoredRounds } from '../tables.ts';
import type { Measured } from './measured.ts';

export const RESULTS = join(import.meta.dirname, '..', 'results');
const MOST_BYTES = 32_768;

/** What `bench/results/NAME.json` has. `raw`: lines of Markdown. */
export type Result = {
  measured: Measured;
  findings: readonly Finding[];
  rounds?: Readonly<Record<string, StoredRounds>>;
  figures?: Figures;
  raw: readonly string[];
};

/** Stores what a section measured, in place of what it measured before. */
export async function storeResult(name: string, measured: Measured, outcome: Outcome): Promise<void> {
  writeFileSync(fileOf(name), await storedText(name, toResult(measured, outcome)));
}

/** Returns the text of a result's file. @throws Error when it is too long to be kept */
export async function storedText(name: string, result: Result): Promise<string> {
  const text = await formatted(fileOf(name), JSON.stringify(result, rounded));
  if (text.length > MOST_BYTES) {
    throw new Error(`the result of ${name} has ${text.length} bytes; at most ${MOST_BYTES}`);
  }
  return text;
}

/** Leaves out digits that no measurement has. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}

export function toResult(measured: Measured, { findings, rounds, figures, raw }: Outcome): Result {
  return {
    measured,
    findings,
    ...(rounds && { rounds: mapRounds(rounds) }),
    ...(figures && { figures }),
    raw: raw.trim() === '' ? [] : raw.trim().split('\n'),
  };
}

/** Returns what a section measured last, or nothing when it never was. */
export function readResult(name: string): Result | undefined {
  const file = fileOf(name);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Result) : undefined;
}

export function resultNames(): string[] {
  return readdirSync(RESULTS).map((file) => file.replace(/\.json$/, ''));
}

function fileOf(name: string): string {
  return join(RESULTS, `${name}.json`);
}

function mapRounds(named: Readonly<Record<string, Rounds>>): Record<string, StoredRounds> {
  return Object.fromEntries(Object.entries(named).map(([name, rounds]) => [name, storable(rounds)]));
}
