import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import { AppError } from '../errors.ts';
import { callerId } from '../http/caller.ts';
import type { ActingCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import { invalidFields } from '../http/validate.ts';
import { ulid } from '../ids.ts';
import type { IdempotencyRecord, IdempotencyRepository, RecordId } from './idempotency-repository.ts';
import type { RecordSecret, RecordSecrets } from './record-secrets.ts';
import type { Sealing } from './sealing.ts';

type Deps = {
  db: Knex;
  records: IdempotencyRepository;
  secrets: RecordSecrets;
  /** Fails the key row of a request that died before it answered. */
  endRow: (trx: Knex.Transaction, id: { organizationId: string; rowId: string }, now: Date) => Promise<void>;
  /** How long an answer is replayed. */
  windowMs: number;
  /** How long a request may run before a retry takes its record over. */
  lockMs: number;
  clock: Clock;
};

type Request = { caller: ActingCaller; context: RequestContext; route: string; sent: unknown };

/** What the work must do to be repeatable: insert the row `rowId`, and call `complete` in the transaction that commits. */
export type Repeatable<T> = { rowId?: string; complete: (trx: Knex.Transaction, made: T) => Promise<void> };

type Work<T, A> = {
  view: (made: T) => A;
  run: (repeatable: Repeatable<T>) => Promise<T>;
  /** Adds the fields that answers have gained since this one was stored. */
  renew: (stored: A) => Promise<A>;
};

export type RunOnce = ReturnType<typeof makeRunOnce>;

const PRINTABLE = /^[\x20-\x7e]{1,255}$/;
const WAIT_MS = 3_000;
const WAIT_STEP_MS = 100;

/**
 * Runs a request once for its `Idempotency-Key`: the same caller, route, key and body get the same answer again. Stores
 * successes only; a failed request may be retried at once.
 * @throws AppError `validation_error`, `idempotency_key_reused`, `request_in_progress`
 */
export function makeRunOnce(deps: Deps) {
  return async function runOnce<T, A>(request: Request, work: Work<T, A>): Promise<A> {
    const clientKey = request.context.idempotencyKey;
    if (clientKey === undefined) return work.view(await work.run({ complete: async () => undefined }));
    if (!PRINTABLE.test(clientKey) || clientKey.trim() === '') {
      throw invalidFields({ 'idempotency-key': 'Give 1 to 255 printable ASCII characters.' });
    }
    const entry = await enter(deps, slotsOf(deps.secrets, request, clientKey), hashOf(request.sent));
    const { id, sealing } = entry.slot;
    if (entry.kind === 'replay') {
      request.context.setHeader('idempotency-replayed', 'true');
      return work.renew(sealing.unseal(entry.sealed, clientKey, id.keyHash) as A);
    }
    return runAndStore(deps, work, { ...entry.slot, clientKey, rowId: entry.rowId });
  };
}

async function runAndStore<T, A>(
  { records }: Deps,
  { view, run }: Work<T, A>,
  { id, sealing, clientKey, rowId }: Slot & { clientKey: string; rowId: string },
): Promise<A> {
  try {
    const made = await run({
      rowId,
      async complete(trx, result) {
        const sealed = sealing.seal(view(result), clientKey, id.keyHash);
        if (!(await records.complete(trx, id, rowId, sealed))) throw inProgress();
      },
    });
    return view(made);
  } catch (error) {
    // If this fails too, the record is free once its lock expires.
    await records.release(id, rowId).catch(() => undefined);
    throw error;
  }
}

/** Where one of the service's secrets puts the record of a request, and how it seals the answer. */
type Slot = { id: RecordId; sealing: Sealing };
type Slots = readonly [Slot, ...Slot[]];
type Entry = { slot: Slot } & ({ kind: 'run'; rowId: string } | { kind: 'replay'; sealed: Buffer });

async function enter(deps: Deps, slots: Slots, requestHash: Buffer): Promise<Entry> {
  const giveUpAt = performance.now() + WAIT_MS;
  for (;;) {
    const entry = await tryEnter(deps, slots, requestHash);
    if (entry) return entry;
    if (performance.now() >= giveUpAt) throw inProgress();
    await sleep(WAIT_STEP_MS);
  }
}

/** @returns undefined while another request with this key runs */
function tryEnter(deps: Deps, slots: Slots, requestHash: Buffer): Promise<Entry | undefined> {
  const { db, records, clock, windowMs, lockMs } = deps;
  return transaction(db, async (trx) => {
    const now = clock();
    const mine: IdempotencyRecord = {
      requestHash,
      rowId: ulid(now),
      lockedUntil: new Date(now.getTime() + lockMs),
      sealed: undefined,
      expiresAt: new Date(now.getTime() + windowMs),
    };
    const slot = await chooseSlot(records, trx, slots);
    const { id } = slot;
    if (await records.insert(trx, id, mine)) return { kind: 'run', slot, rowId: mine.rowId };
    const stored = await records.lock(trx, id);
    if (!stored) return undefined;
    const isExpired = stored.expiresAt <= now;
    if (!isExpired && !timingSafeEqual(stored.requestHash, requestHash)) throw reused();
    if (!isExpired && stored.sealed) return { kind: 'replay', slot, sealed: stored.sealed };
    if (!stored.sealed && stored.lockedUntil > now) return undefined;
    // The earlier request died, or its answer has expired: its half-made key is ended before this one starts.
    if (!stored.sealed) await deps.endRow(trx, { organizationId: id.organizationId, rowId: stored.rowId }, now);
    await records.replace(trx, id, mine);
    return { kind: 'run', slot, rowId: mine.rowId };
  });
}

/** Finds the record under whichever secret stored it; a new one goes under the current secret. */
async function chooseSlot(records: Deps['records'], trx: Knex.Transaction, slots: Slots): Promise<Slot> {
  const [current, ...earlier] = slots;
  if (earlier.length === 0) return current;
  const hashes = slots.map(({ id }) => id.keyHash);
  // While a secret is being replaced, two replicas may disagree on the current one and insert under different ids.
  await records.lockIds(trx, hashes);
  const existing = await records.findExisting(trx, current.id.organizationId, hashes);
  return slots.find(({ id }) => existing?.equals(id.keyHash)) ?? current;
}

function slotsOf([current, ...earlier]: RecordSecrets, request: Request, clientKey: string): Slots {
  const slotOf = ({ idKey, sealing }: RecordSecret): Slot => ({ id: recordIdOf(idKey, request, clientKey), sealing });
  return [slotOf(current), ...earlier.map(slotOf)];
}

function recordIdOf(idKey: Buffer, { caller, route }: Request, clientKey: string): RecordId {
  const name = JSON.stringify([caller.organizationId, caller.kind, ...actorOf(caller), route, clientKey]);
  return { organizationId: caller.organizationId, keyHash: createHmac('sha256', idKey).update(name).digest() };
}

/** An impersonator never gets an answer that the person got, nor a CI session or staff that of another, nor the other way round. */
function actorOf(caller: ActingCaller): string[] {
  const as = actsAs(caller);
  return as === undefined ? [callerId(caller)] : [callerId(caller), as];
}

function actsAs(caller: ActingCaller): string | undefined {
  if (caller.kind === 'ci') return caller.sessionId;
  if (caller.kind === 'staff') return caller.staffId;
  return caller.kind === 'user' ? caller.impersonator : undefined;
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
  return new AppError(
    'idempotency_key_reused',
    'This Idempotency-Key was used with another request. Choose a new one for each request.',
  );
}

function inProgress(): AppError {
  return new AppError(
    'request_in_progress',
    'A request with this Idempotency-Key is still running. Retry in a second.',
  );
}
