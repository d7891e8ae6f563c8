import type { Knex } from 'knex';
import { isHashOfImport } from '../../api-keys/format/imported-form.ts';
import { hmacKeysInUse, UNNAMED } from '../hmac/hmac-key-use.ts';
import type { KeyCache } from '../key-cache.ts';
import type { Trust } from '../../invalidation/trust.ts';

type Deps = {
  db: Knex;
  cache: Pick<KeyCache, 'makings'>;
  trust: Pick<Trust, 'isTrusted'>;
  /** The ids of the configured HMAC keys. */
  hmacKeyIds: readonly string[];
  nowMs?: () => number;
};

/** What waits to be used for the first time: how these keys look, or, when they are many, which rows to ask. */
type Waiting = { shapes: ReadonlyMap<string, string[]> | undefined; dropped: string[] };
type Known = { waiting: Promise<Waiting>; makings: number; readAtMs: number };

const MAX_SHAPES = 1_000;
const FRESH_MS = 30_000;
/** While memory is not trusted. */
const FRESH_UNTRUSTED_MS = 1_000;
const SHOWN_CHARACTERS = 4;
const GAP = '...';

/**
 * Whether a key may be one whose row lacks its secret: it was made in WorkOS's dashboard, or its HMAC key was dropped.
 * Compares what WorkOS shows of a key, such as `sk_...3456`. A wrong no only makes the key an unexpected one.
 */
export function makeIsExpected(deps: Deps) {
  const { db, cache, trust, nowMs = () => performance.now() } = deps;
  let known: Known | undefined;

  function waitingNow(): Promise<Waiting> {
    const freshMs = trust.isTrusted() ? FRESH_MS : FRESH_UNTRUSTED_MS;
    if (known && known.makings === cache.makings() && nowMs() - known.readAtMs < freshMs) return known.waiting;
    const waiting = readWaiting(deps);
    const mine = { waiting, makings: cache.makings(), readAtMs: nowMs() };
    known = mine;
    waiting.catch(() => {
      if (known === mine) known = undefined;
    });
    return waiting;
  }

  return async function isExpected(presented: string): Promise<boolean> {
    const { shapes, dropped } = await waitingNow();
    const end = presented.slice(-SHOWN_CHARACTERS);
    const fitting = shapes ? (shapes.get(end) ?? []) : await shapesEndingWith(db, end, dropped);
    return fitting.some((shape) => fits(presented, shape));
  };
}

export type IsExpected = ReturnType<typeof makeIsExpected>;

async function readWaiting({ db, hmacKeyIds }: Deps): Promise<Waiting> {
  const dropped = (await hmacKeysInUse(db)).filter(
    (name) => name !== UNNAMED && !hmacKeyIds.includes(name) && !isHashOfImport(name),
  );
  const shapes = await shapesOf(db, dropped);
  if (shapes.length > MAX_SHAPES) return { shapes: undefined, dropped };
  return { shapes: Map.groupBy(shapes, (shape) => shape.slice(-SHOWN_CHARACTERS)), dropped };
}

// Each part of the union has an index.
async function shapesOf(db: Knex, dropped: readonly string[]): Promise<string[]> {
  const { rows } = await db.raw<{ rows: { prefix: string }[] }>(
    `(select prefix from api_keys where status = 'active' and secret_hash is null limit ?)
     union all
     (select prefix from api_keys where status = 'active' and hash_key = any(?) and origin <> 'imported' limit ?)`,
    [MAX_SHAPES + 1, [...dropped], MAX_SHAPES + 1],
  );
  return rows.map(({ prefix }) => prefix);
}

async function shapesEndingWith(db: Knex, end: string, dropped: readonly string[]): Promise<string[]> {
  const { rows } = await db.raw<{ rows: { prefix: string }[] }>(
    `(select prefix from api_keys where status = 'active' and secret_hash is null and right(prefix, 4) = ? limit ?)
     union all
     (select prefix from api_keys where status = 'active' and hash_key = any(?) and origin <> 'imported' and right(prefix, 4) = ? limit ?)`,
    [end, MAX_SHAPES, [...dropped], end, MAX_SHAPES],
  );
  return rows.map(({ prefix }) => prefix);
}

/** A shape without a gap matches no key. */
function fits(presented: string, shape: string): boolean {
  const gap = shape.indexOf(GAP);
  if (gap < 0) return false;
  const [head, tail] = [shape.slice(0, gap), shape.slice(gap + GAP.length)];
  return tail.length >= SHOWN_CHARACTERS && presented.startsWith(head) && presented.endsWith(tail);
}
