import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import { AppError } from '../errors.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import { callerId } from '../http/caller.ts';
import type { TenantCaller } from '../http/caller.ts';
import { ulid } from '../ids.ts';
import { WorkosFailure } from '../workos/failure.ts';
import type { Outcome } from '../workos/failure.ts';
import { invalidFields } from '../http/validate.ts';
import type { IssuedKey } from '../workos/gateway.ts';
import type { KeyGateway } from '../workos/test-environment-gateway.ts';
import type { KeyChanges } from './key-changes.ts';
import type { KeyFormat } from './format/key-format.ts';
import type { KeyRepository } from './rows/key-repository.ts';
import type { Inherited, NewKey } from './rows/key-writer.ts';
import type { Environment, Key, KeptHash, KeyTemplate } from './key.ts';
import type { Marker } from './mirror/marker.ts';
import type { UnsettledKeys } from './rows/unsettled-keys.ts';

type WorkosCalls = 'refuseInVain' | 'createOrganizationKey' | 'createUserKey' | 'deleteKey';

type Deps = {
  db: Knex;
  keys: Pick<KeyRepository, 'insertProvisioning' | 'activate' | 'find'>;
  unsettled: Pick<UnsettledKeys, 'fail' | 'hasten' | 'close'>;
  workosOf: (environment: Environment) => Pick<KeyGateway, WorkosCalls>;
  /** Those that there is a WorkOS for. */
  environments: readonly Environment[];
  format: Pick<KeyFormat, 'prefixes' | 'has' | 'handOut' | 'show' | 'read'>;
  marker: Pick<Marker, 'mark'>;
  hasher: { keep: (secret: string) => KeptHash };
  keyChanges: Pick<KeyChanges, 'admit'>;
  /** How long the maker of a key has before somebody else takes over. */
  settleAfterMs: number;
  at: FaultPoint;
  clock: Clock;
  log: Pick<Logger, 'warn' | 'error'>;
};

export type ProvisionedKey = { key: Key; value: string };

/** When the key ends, by what its organization may have, and what else of the template only the transaction knows. */
export type Reserved = Pick<KeyTemplate, 'expiresAt'> & Partial<KeyTemplate>;

type Activation = Pick<Provision, 'inherit' | 'complete'>;

export type Provision = {
  name: 'create' | 'rotate';
  caller: TenantCaller;
  /** Given when somebody must be able to find the row after a crash. */
  rowId?: string;
  template: KeyTemplate;
  /**
   * Judges, in the transaction that claims the place, and says what only then is known. A refusal that it throws undoes
   * the transaction; one that it returns keeps what it wrote.
   */
  reserve: (trx: Knex.Transaction) => Promise<Reserved | AppError>;
  /**
   * Judges once more, first in the transaction that makes the key active, and returns what it is to have by then. A
   * refusal that it throws undoes the key at WorkOS.
   */
  inherit?: (trx: Knex.Transaction) => Promise<Inherited>;
  /** What belongs to the key's becoming active, in the same transaction. */
  complete: (trx: Knex.Transaction, made: ProvisionedKey) => Promise<void>;
};

/**
 * Makes a key in three steps: a row that claims the place, the key at WorkOS outside any transaction, the row made
 * active. Whatever fails, no key stays at WorkOS that the mirror does not know or cannot find by its marker.
 */
export function makeProvisionKey(deps: Deps) {
  return async function provisionKey({
    name,
    caller,
    rowId,
    template,
    reserve,
    ...activation
  }: Provision): Promise<ProvisionedKey> {
    assertEnvironment(deps, template);
    await deps.workosOf(template.environment).refuseInVain();
    await deps.keyChanges.admit(caller.organizationId);
    const now = deps.clock();
    const wanted: NewKey = {
      ...template,
      organizationId: caller.organizationId,
      rowId: rowId ?? ulid(now),
      createdBy: { kind: caller.kind, id: makerOf(caller) },
      createdAt: now,
      dueAt: new Date(now.getTime() + deps.settleAfterMs),
    };
    await deps.at(`${name}.before_reserve`);
    const key = await transaction(deps.db, async (trx) => {
      const reserved = await reserve(trx);
      if (reserved instanceof AppError) return reserved;
      const row = { ...wanted, ...reserved };
      await deps.keys.insertProvisioning(trx, row);
      return row;
    });
    if (key instanceof AppError) throw key;
    await deps.at(`${name}.reserved`);
    const issued = await issue(deps, key);
    await deps.at(`${name}.issued`);
    const made = await activateOrUndo(deps, key, issued, activation);
    await deps.at(`${name}.activated`);
    return made;
  };
}

/** Of a key that somebody made who acts as another person, whoever acted. */
function makerOf(caller: TenantCaller): string {
  return (caller.kind === 'user' ? caller.impersonator : undefined) ?? callerId(caller);
}

/** @throws AppError `validation_error` for a key that there is no WorkOS or no form for */
function assertEnvironment({ environments, format }: Deps, { environment, ownerUserId }: KeyTemplate): void {
  if (!environments.includes(environment) || !format.has(environment))
    throw invalidFields({ environment: `There is no ${environment} environment here.` });
  // WorkOS knows other people there.
  if (environment === 'test' && ownerUserId !== undefined)
    throw invalidFields({ environment: "A test key is the organization's." });
}

async function issue(deps: Deps, key: NewKey): Promise<IssuedKey> {
  const { organizationId, ownerUserId, rowId, scopes, expiresAt } = key;
  const name = deps.marker.mark(key.label, organizationId, rowId);
  try {
    const workos = deps.workosOf(key.environment);
    const wanted = { organizationId, name, permissions: scopes, expiresAt };
    const issued = await (ownerUserId === undefined
      ? workos.createOrganizationKey(wanted)
      : workos.createUserKey({ ...wanted, userId: ownerUserId }));
    return dress(deps, key, issued);
  } catch (error) {
    const refused = error instanceof WorkosFailure && error.outcome === 'refused';
    // When the outcome is unknown the row stays: the key at WorkOS, if there is one, will be found by it.
    await noteEnd(deps, key, refused ? 'refused' : 'unknown');
    throw error;
  }
}

/** WorkOS's key in the product's form. */
function dress({ format }: Deps, { environment }: NewKey, { id, ...issued }: IssuedKey): IssuedKey {
  const value = format.handOut(issued.value, environment);
  return { id, value, obfuscatedValue: format.show(value, environment, issued.obfuscatedValue) };
}

/** How far the last transaction came: once it is committing, a failure does not say whether it was committed. */
type Progress = { committing: boolean };

async function activateOrUndo(
  deps: Deps,
  key: NewKey,
  issued: IssuedKey,
  activation: Activation,
): Promise<ProvisionedKey> {
  const progress: Progress = { committing: false };
  try {
    return { key: await activate(deps, key, issued, activation, progress), value: issued.value };
  } catch (error) {
    const outcome = progress.committing ? await endUnlessActive(deps, key, issued) : 'ended';
    if (outcome === 'ended') await undo(deps, key, issued);
    else if (outcome !== 'unknown') return { key: outcome, value: issued.value };
    throw error;
  }
}

/**
 * The answer to a commit can be lost, and the commit can still be under way: ending the row waits for it, and then
 * what the row says counts. While that is not known nothing is undone; whoever settles the row will know.
 */
async function endUnlessActive(deps: Deps, key: NewKey, issued: IssuedKey): Promise<Key | 'ended' | 'unknown'> {
  try {
    const now = deps.clock();
    const ended = await deps.unsettled.fail(key, now, new Date(now.getTime() + deps.settleAfterMs));
    const committed = ended ? undefined : await deps.keys.find(key.organizationId, issued.id);
    return committed ?? 'ended';
  } catch (error) {
    deps.log.warn({ err: error, row: key.rowId }, 'whether a key became active is not known and waits to be settled');
    return 'unknown';
  }
}

function activate(
  deps: Deps,
  key: NewKey,
  issued: IssuedKey,
  { inherit, complete }: Activation,
  progress: Progress,
): Promise<Key> {
  const { id: workosId, value, obfuscatedValue: prefix } = issued;
  const read = recognised(deps, value);
  const what = { workosId, prefix, ...deps.hasher.keep(read.secret) };
  return transaction(deps.db, async (trx) => {
    progress.committing = false;
    const inherited = await inherit?.(trx);
    const active = await deps.keys.activate(trx, key, { ...inherited, ...what }, deps.clock());
    if (!active) {
      throw new AppError('workos_unavailable', 'This took too long and was undone. Try again.', {
        details: { retry_after: 1 },
      });
    }
    await complete(trx, { key: active, value: issued.value });
    progress.committing = true;
    return active;
  });
}

/** Refuses a value that verification would not take for a key: nobody could ever use it. */
function recognised({ format, log }: Deps, value: string) {
  const read = format.prefixes.some((prefix) => value.startsWith(prefix)) ? format.read(value) : undefined;
  if (read) return read;
  // Not the value itself, nor all of a prefix that may be part of a secret.
  log.error({ begins: value.slice(0, 3) }, 'WorkOS issued a key that would not be recognised; see api_keys.prefixes');
  throw new AppError('workos_rejected', 'WorkOS issued a key of a form that this service does not know.', {
    details: { workos: { code: 'unknown_key_form' } },
  });
}

/** Takes back a key that did not become active; what cannot be done now is left to whoever settles the row. */
async function undo(deps: Deps, key: NewKey, issued: IssuedKey): Promise<void> {
  try {
    await deps.workosOf(key.environment).deleteKey(issued.id);
  } catch (error) {
    deps.log.warn({ err: error, workos_id: issued.id }, 'a key at WorkOS could not be undone and waits to be settled');
    await noteEnd(deps, key, 'to undo');
    return;
  }
  await noteEnd(deps, key, 'refused');
}

/** Ends the row and what is left to do for it; one whose outcome is unknown is not ended but settled soon. */
async function noteEnd({ unsettled, clock, log }: Deps, key: NewKey, outcome: Outcome | 'to undo'): Promise<void> {
  const now = clock();
  try {
    if (outcome === 'refused') return await unsettled.close(key, now);
    if (outcome === 'to undo') await unsettled.fail(key, now, now);
    await unsettled.hasten(key, now);
  } catch (error) {
    log.warn({ err: error, row: key.rowId }, 'a row could not be ended and waits to be settled');
  }
}
