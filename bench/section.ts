import type { Lifetime } from '../src/process/shutdown.ts';
import type { World } from './world.ts';

/** One line of the table of targets. */
export type Finding = { measure: string; mustReach: string; reached: string; ok: boolean };

/** `raw`: the numbers behind the findings, as Markdown. */
export type Outcome = { findings: Finding[]; raw: string };

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
