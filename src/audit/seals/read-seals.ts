import type { Knex } from 'knex';
import type { Break } from '../break.ts';
import type { Head, OrganizationHead } from '../chain-heads.ts';
import type { Sealer } from './seal.ts';
import { closedLinks } from './closing.ts';
import { readCursor } from './seal-heads.ts';
import { readLines } from './seals-file.ts';
import { makeSealRow } from './seal-row.ts';

type Options = {
  db: Knex;
  sealer: Pick<Sealer, 'read'>;
  /** One file for each process that writes; together they have all seals. */
  paths: readonly string[];
  /** Seals with a higher number cover what this snapshot of the database cannot see. */
  upTo: number;
  onBreak: (found: Break) => void;
};

export type Seals = {
  /** How far each organization is sealed; organizations without a seal are absent. */
  last: ReadonlyMap<string, Head>;
  /** The last event without a key, of the organizations that had one when the upgrade was closed. */
  closing: ReadonlyMap<string, Head>;
  /** Whether the upgrade to keyed links is closed. */
  closed: boolean;
  given: boolean;
  count: number;
  newest: Date | undefined;
  /** Every seal of one organization. */
  of: (organizationId: string) => Promise<Head[]>;
};

/** Reads the seals, which are kept outside the database, and compares them with the database's count. */
export async function readSeals({ db, sealer, paths, upTo, onBreak }: Options): Promise<Seals> {
  const row = makeSealRow(onBreak);
  const last = new Map<string, Head>();
  for (const path of paths) {
    let number = 0;
    for await (const line of linesOf(path)) {
      const seal = sealer.read(line);
      if (seal === 'unreadable') continue;
      if (seal === 'forged') {
        row.forged(number + 1);
        continue;
      }
      number = seal.number;
      if (number > upTo) continue;
      row.add(seal);
      for (const head of seal.heads) keepLater(last, head);
    }
  }
  const counted = paths.length === 0 ? 0 : await countedSeals(db);
  const { count, newest, closed } = row.end(counted);
  const closing = await readClosing(db, sealer, onBreak);
  return {
    last,
    closing: closing ?? new Map<string, Head>(),
    closed: closed || closing !== undefined || (await closedLinks(db)),
    given: paths.length > 0,
    count,
    newest,
    of: (organizationId) => sealsOf(paths, sealer, organizationId),
  };
}

function keepLater(last: Map<string, Head>, { organizationId, sequence, hash }: OrganizationHead): void {
  const known = last.get(organizationId);
  if (!known || sequence >= known.sequence) last.set(organizationId, { sequence, hash });
}

async function sealsOf(paths: readonly string[], sealer: Options['sealer'], organizationId: string): Promise<Head[]> {
  const found: Head[] = [];
  for (const path of paths) {
    for await (const line of linesOf(path)) {
      const seal = sealer.read(line);
      if (typeof seal === 'string') continue;
      found.push(...seal.heads.filter((head) => head.organizationId === organizationId));
    }
  }
  return found;
}

/** The highest number of a seal that is there now. */
export async function highestSeal(paths: readonly string[], sealer: Options['sealer']): Promise<number> {
  let highest = 0;
  for (const path of paths) {
    for await (const line of linesOf(path)) {
      const seal = sealer.read(line);
      if (typeof seal !== 'string') highest = Math.max(highest, seal.number);
    }
  }
  return highest;
}

/** A missing file has no seals; the database knows whether there should be some. */
async function* linesOf(path: string): AsyncGenerator<string> {
  try {
    yield* readLines(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** How many seals the database knows of. */
export async function countedSeals(db: Knex): Promise<number> {
  const row = await db<{ name: string; cursor: string | null }>('event_cursors')
    .where({ name: 'audit_seals' })
    .first('cursor');
  return readCursor(row?.cursor ?? undefined).number;
}

/** @returns undefined while there are none */
async function readClosing(
  db: Knex,
  sealer: Options['sealer'],
  onBreak: Options['onBreak'],
): Promise<Map<string, Head> | undefined> {
  const lines = await db<{ part: number; line: string }>('audit_closing_seals').orderBy('part');
  if (lines.length === 0) return undefined;
  const closing = new Map<string, Head>();
  let of = 1;
  const found = new Set<number>();
  for (const { line } of lines) {
    const seal = sealer.read(line);
    if (typeof seal === 'string' || seal.of === undefined) continue;
    of = seal.of;
    found.add(seal.number);
    for (const head of seal.heads) keepLater(closing, head);
  }
  for (let part = 1; part <= of; part++) {
    if (found.has(part)) continue;
    onBreak({ kind: 'closing_missing', organizationId: undefined, sequence: part, until: part, id: undefined });
  }
  return closing;
}
