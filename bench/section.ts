import type { Lifetime } from '../src/process/shutdown.ts';
import type { Rounds } from './rounds.ts';
import type { World } from './world.ts';

/** One line of the table of targets. */
export type Finding = { measure: string; mustReach: string; reached: string; ok: boolean };

/** Numbers by name, such as `{ 'another replica': { p50: 1.4, p99: 5.8 } }`: the data of charts, stored and not shown. */
export type Figures = Readonly<Record<string, Readonly<Record<string, number | readonly number[]>>>>;

/** What a section measured. The report shows the findings, then a table of the rounds, then `raw`. */
export type Outcome = {
  findings: Finding[];
  /** Of every target of the section. */
  rounds?: Readonly<Record<string, Rounds>>;
  figures?: Figures;
  /** What else is behind the findings, as Markdown. */
  raw: string;
};

export type Length = {
  /** A short run only proves that everything runs. */
  short: boolean;
  rounds: number;
  seconds: number;
  soakMinutes: number;
};

/** What a section gets. What it opens in `lifetime` is closed after it. */
export type Bench = { world: World; lifetime: Lifetime; length: Length };

export type Section = {
  name: string;
  title: string;
  /** Left out without `TEST_DATABASE_URL`, because several processes share its database. */
  needsPostgres: boolean;
  run: (bench: Bench) => Promise<Outcome>;
};
