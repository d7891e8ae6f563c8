import type { Lifetime } from '../src/process/shutdown.ts';
import type { World } from './world.ts';

/** One line of the table. */
export type Finding = { measure: string; mustReach: string; reached: string; ok: boolean };

/** `raw`: the numbers behind the findings, as Markdown. */
export type Outcome = { findings: Finding[]; raw: string };

export type Length = {
  /** On a short run nothing is proved but that everything runs. */
  short: boolean;
  rounds: number;
  seconds: number;
  soakMinutes: number;
};

/** What a section is handed; what it opens in `lifetime` ends with it. */
export type Bench = { world: World; lifetime: Lifetime; length: Length };

export type Section = {
  name: string;
  title: string;
  /** Left out without `TEST_DATABASE_URL`: it needs a server that others use too. */
  needsPostgres: boolean;
  run: (bench: Bench) => Promise<Outcome>;
};
