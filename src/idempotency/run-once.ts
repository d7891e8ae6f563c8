import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import { AppError } from '../errors.ts';
import { callerId } from '../http/caller.ts';
import type { TenantCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import { invalidFields } from '../http/validate.ts';
import { ulid } from '../ids.ts';
import type { Held, IdempotencyRepository, Place } from './idempotency-repository.ts';
import type { Safe, Safes } from './record-secrets.ts';
import type { Sealing } from './sealing.ts';

type Deps = {
  db: Knex;
  places: IdempotencyRepository;
  safes: Safes;
  /** Ends the row that a request left behind when it died. */
  endRow: (trx: Knex.Transaction, id: { organizationId: string; rowId: string }, now: Date) => Promise<void>;
  /** How long an answer can be had again. */
  windowMs: number;
  /** How long a request has before a retry may take its place. */
  lockMs: number;
  clock: Clock;
};

type Request = { caller: TenantCaller; context: RequestContext; route: string; sent: unknown };

/** What the work does so that its answer can be given again: make this row, and call `complete` where it commits. */
export type Repeatable<T> = { rowId?: string; complete: (trx: Knex.Transaction, made: T) => Promise<void> };

type Work<T, A> = {
  view: (made: T) => A;
  run: (repeatable: Repeatable<T>) => Promise<T>;
  /** Adds what an answer has by now to one that was kept, maybe by an earlier version. */
  renew: (kept: A) => Promise<A>;
};

export type RunOnce = ReturnType<typeof makeRunOnce>;

const PRINTABLE = /^[\x20-\x7e]{1,255}$/;
const WAIT_MS = 3_000;
const WAIT_STEP_MS = 100;

/**
 * Runs a request once for its `Idempotency-Key`: the same caller, route, key and body get the same answer again. Only
 * a success is kept; what failed may be tried again at once.
 * @throws AppError `validation_error`, `idempotency_key_reused`, `request_in_progress`
 */
export function makeRunOnce(deps: Deps) {
  return async function runOnce<T, A>(request: Request, work: Work<T, A>): Promise<A> {
    const clientKey = request.context.idempotencyKey;
    if (clientKey === undefined) return work.view(await work.run({ complete: async () => undefined }));
    if (!PRINTABLE.test(clientKey) || clientKey.trim() === '') {
      throw invalidFields({ 'idempotency-key': 'Give 1 to 255 printable ASCII characters.' });
    }
    const entry = await enter(deps, spotsOf(deps.safes, request, clientKey), hashOf(request.sent));
    const { place, sealing } = entry.spot;
    if (entry.kind === 'replay') {
      request.context.setHeader('idempotency-replayed', 'true');
      return work.renew(sealing.unseal(entry.sealed, clientKey, place.keyHash) as A);
    }
    return runHolding(deps, work, { ...entry.spot, clientKey, rowId: entry.rowId });
  };
}

async function runHolding<T, A>(
  { places }: Deps,
  { view, run }: Work<T, A>,
  { place, sealing, clientKey, rowId }: Spot & { clientKey: string; rowId: string },
): Promise<A> {
  try {
    const made = await run({
      rowId,
      async complete(trx, result) {
        const sealed = sealing.seal(view(result), clientKey, place.keyHash);
        if (!(await places.complete(trx, place, rowId, sealed))) throw inProgress();
      },
    });
    return view(made);
  } catch (error) {
    // Should this fail too, the place is free when its lock runs out.
    await places.release(place, rowId).catch(() => undefined);
    throw error;
  }
}

/** A place, and what its answer is sealed with. */
type Spot = { place: Place; sealing: Sealing };
type Spots = readonly [Spot, ...Spot[]];
type Entry = { spot: Spot } & ({ kind: 'run'; rowId: string } | { kind: 'replay'; sealed: Buffer });

async function enter(deps: Deps, spots: Spots, requestHash: Buffer): Promise<Entry> {
  const giveUpAt = performance.now() + WAIT_MS;
  for (;;) {
    const entry = await tryEnter(deps, spots, requestHash);
    if (entry) return entry;
    if (performance.now() >= giveUpAt) throw inProgress();
    await sleep(WAIT_STEP_MS);
  }
}

/** @returns undefined while another request holds the place. */
function tryEnter(deps: Deps, spots: Spots, requestHash: Buffer): Promise<Entry | undefined> {
  const { db, places, clock, windowMs, lockMs } = deps;
  return transaction(db, async (trx) => {
    const now = clock();
    const mine: Held = {
      requestHash,
      rowId: ulid(now),
      lockedUntil: new Date(now.getTime() + lockMs),
      sealed: undefined,
      expiresAt: new Date(now.getTime() + windowMs),
    };
    const spot = await chooseSpot(places, trx, spots);
    const { place } = spot;
    if (await places.take(trx, place, mine)) return { kind: 'run', spot, rowId: mine.rowId };
    const held = await places.lock(trx, place);
    if (!held) return undefined;
    const over = held.expiresAt <= now;
    if (!over && !timingSafeEqual(held.requestHash, requestHash)) throw reused();
    if (!over && held.sealed) return { kind: 'replay', spot, sealed: held.sealed };
    if (!held.sealed && held.lockedUntil > now) return undefined;
    // Whoever held the place is gone, or its answer's time is over: what it left half done ends first.
    if (!held.sealed) await deps.endRow(trx, { organizationId: place.organizationId, rowId: held.rowId }, now);
    await places.retake(trx, place, mine);
    return { kind: 'run', spot, rowId: mine.rowId };
  });
}

/** Where a request is noted already, under whichever secret; else where it is noted from now on. */
async function chooseSpot(places: Deps['places'], trx: Knex.Transaction, spots: Spots): Promise<Spot> {
  const [current, ...earlier] = spots;
  if (earlier.length === 0) return current;
  const hashes = spots.map(({ place }) => place.keyHash);
  // Two processes may take different secrets for the current one, and would not meet in one place.
  await places.holdAll(trx, hashes);
  const taken = await places.findTaken(trx, current.place.organizationId, hashes);
  return spots.find(({ place }) => taken?.equals(place.keyHash)) ?? current;
}

function spotsOf([current, ...earlier]: Safes, request: Request, clientKey: string): Spots {
  const spotOf = ({ secret, sealing }: Safe): Spot => ({ place: placeOf(secret, request, clientKey), sealing });
  return [spotOf(current), ...earlier.map(spotOf)];
}

function placeOf(secret: Buffer, { caller, route }: Request, clientKey: string): Place {
  const name = JSON.stringify([caller.organizationId, caller.kind, ...actorOf(caller), route, clientKey]);
  return { organizationId: caller.organizationId, keyHash: createHmac('sha256', secret).update(name).digest() };
}

/** What a person was answered is nothing for somebody who acts as that person. */
function actorOf(caller: TenantCaller): string[] {
  const as = caller.kind === 'user' ? caller.impersonator : undefined;
  return as === undefined ? [callerId(caller)] : [callerId(caller), as];
}

function hashOf(sent: unknown): Buffer {
  return createHash('sha256').update(JSON.stringify(sent, inOrder)).digest();
}

// The same request may name its fields in any order.
function inOrder(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function reused(): AppError {
  return new AppError('idempotency_key_reused', 'This Idempotency-Key was used with another request. Take a new one.');
}

function inProgress(): AppError {
  return new AppError(
    'request_in_progress',
    'A request with this Idempotency-Key is still running. Try again shortly.',
  );
}
