import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import { AppError } from '../errors.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import { callerId } from '../http/caller.ts';
import type { ActingCaller } from '../http/caller.ts';
import { ulid } from '../ids.ts';
import { WorkosFailure } from '../workos/failure.ts';
import type { Outcome } from '../workos/failure.ts';
import { invalidFields } from '../http/validate.ts';
import type { IssuedKey, KeyGateway } from '../workos/gateway.ts';
import type { AssertRequirements } from './rules/assert-requirements.ts';
import type { KeyChanges } from './rules/key-changes.ts';
import type { KeyFormat } from './format/key-format.ts';
import type { KeyRepository } from './rows/key-repository.ts';
import type { NewKey } from './rows/key-writer.ts';
import type { Environment, Key, KeptHash, KeySettings, KeyTemplate } from './key.ts';
import type { Marker } from './mirror/marker.ts';
import type { UnsettledKeys } from './rows/unsettled-keys.ts';

type WorkosCalls = 'assertCallable' | 'createOrganizationKey' | 'createUserKey' | 'deleteKey';

type Deps = {
  db: Knex;
  keys: Pick<KeyRepository, 'insertProvisioning' | 'activate' | 'find'>;
  unsettled: Pick<UnsettledKeys, 'fail' | 'hasten' | 'close'>;
  workosOf: (environment: Environment) => Pick<KeyGateway, WorkosCalls>;
  /** Those with a WorkOS configured. */
  environments: readonly Environment[];
  format: Pick<KeyFormat, 'prefixes' | 'has' | 'handOut' | 'show' | 'read'>;
  marker: Pick<Marker, 'mark'>;
  hasher: { keep: (secret: string) => KeptHash };
  keyChanges: Pick<KeyChanges, 'admit'>;
  /** Each activation is recorded: its chain is locked with the statement. */
  audit: Pick<AuditLog, 'afterwards'>;
  assertRequirements: AssertRequirements;
  /** How long a provisioning may take before the settler ends it. */
  settleAfterMs: number;
  at: FaultPoint;
  clock: Clock;
  log: Pick<Logger, 'warn' | 'error'>;
};

export type ProvisionedKey = { key: Key; value: string };

/** The expiry that the plan allows, and what else of the template only a read under a lock gives. */
export type Reserved = Pick<KeyTemplate, 'expiresAt'> & Partial<KeyTemplate>;

type Activation = Pick<Provision, 'inherit' | 'complete'>;

export type Provision = {
  name: 'create' | 'rotate';
  caller: ActingCaller;
  /** Chosen by the caller when an idempotency record has to name the row before it exists. */
  rowId?: string;
  template: KeyTemplate;
  /**
   * Runs in the transaction that inserts the row, before it. A refusal that it throws undoes the transaction; one that
   * it returns keeps what it wrote.
   */
  reserve: (trx: Knex.Transaction) => Promise<Reserved | AppError>;
  /**
   * Runs first in the transaction that makes the key active, and returns its settings; without it they are the
   * template's. A refusal that it throws undoes the key at WorkOS.
   */
  inherit?: (trx: Knex.Transaction) => Promise<KeySettings>;
  /** Runs last in the transaction that makes the key active. */
  complete: (trx: Knex.Transaction, made: ProvisionedKey) => Promise<void>;
};

/**
 * Provisions a key in three steps: insert the row, have WorkOS issue the key outside any transaction, activate the row.
 * Whatever fails, no key stays at WorkOS that the mirror does not have or cannot find by its marker.
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
    await deps.workosOf(template.environment).assertCallable();
    await deps.keyChanges.admit(caller.organizationId);
    // A successor gets nothing that the old key has not.
    if (name === 'create') await deps.assertRequirements(caller.organizationId, template);
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

/** For an impersonated session, the impersonator. */
function makerOf(caller: ActingCaller): string {
  return (caller.kind === 'user' ? caller.impersonator : undefined) ?? callerId(caller);
}

/** @throws AppError `validation_error` for an environment without a WorkOS or a key format */
function assertEnvironment({ environments, format }: Deps, { environment, ownerUserId }: KeyTemplate): void {
  if (!environments.includes(environment) || !format.has(environment))
    throw invalidFields({ environment: `This product has no ${environment} environment.` });
  // The people of WorkOS's test environment are others.
  if (environment === 'test' && ownerUserId !== undefined)
    throw invalidFields({ environment: 'A personal key cannot be a test key.' });
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
    return toProductFormat(deps, key, issued);
  } catch (error) {
    const refused = error instanceof WorkosFailure && error.outcome === 'refused';
    // When the outcome is unknown the row stays: by it the settler finds the key at WorkOS, if there is one.
    await endRow(deps, key, refused ? 'refused' : 'unknown');
    throw error;
  }
}

/** Puts WorkOS's key into the product's format. */
function toProductFormat(deps: Deps, { environment }: NewKey, { id, ...issued }: IssuedKey): IssuedKey {
  const value = deps.format.handOut(issued.value, environment);
  return { id, value, obfuscatedValue: deps.format.show(value, environment, issued.obfuscatedValue) };
}

/** Once a transaction is committing, its failure does not say whether it was committed. */
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
 * Finds out whether a commit without an answer took place. Failing the row waits for a commit that is still under way;
 * afterwards the row says. If that cannot be read either, nothing is undone and the settler decides.
 */
async function endUnlessActive(deps: Deps, key: NewKey, issued: IssuedKey): Promise<Key | 'ended' | 'unknown'> {
  try {
    const now = deps.clock();
    const ended = await deps.unsettled.fail(key, now, new Date(now.getTime() + deps.settleAfterMs));
    const committed = ended ? undefined : await deps.keys.find(key.organizationId, issued.id);
    return committed ?? 'ended';
  } catch (error) {
    deps.log.warn({ err: error, row: key.rowId }, 'key activation outcome unknown; leaving it to the settler');
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
  const stored = { workosId, prefix, ...deps.hasher.keep(read.secret) };
  return transaction(deps.db, async (trx) => {
    progress.committing = false;
    const settings = (await inherit?.(trx)) ?? key;
    const active = await deps.keys.activate(trx, key, stored, settings, deps.clock(), deps.audit.afterwards);
    if (!active) {
      throw new AppError('workos_unavailable', 'Creating the key took too long and was undone. Retry the request.', {
        details: { retry_after: 1 },
      });
    }
    await complete(trx, { key: active, value: issued.value });
    progress.committing = true;
    return active;
  });
}

/** Refuses a key that verification would not recognise as one. */
function recognised({ format, log }: Deps, value: string) {
  const read = format.prefixes.some((prefix) => value.startsWith(prefix)) ? format.read(value) : undefined;
  if (read) return read;
  // Not the value itself, nor all of a prefix that may be part of a secret.
  log.error({ begins: value.slice(0, 3) }, 'WorkOS issued a key that would not be recognised; check api_keys.prefixes');
  throw new AppError('workos_rejected', 'The key was issued in an unexpected form and was undone. Contact support.', {
    details: { workos: { code: 'unknown_key_form' } },
  });
}

/** Deletes a key that did not become active at WorkOS. A deletion that fails is left to the settler. */
async function undo(deps: Deps, key: NewKey, issued: IssuedKey): Promise<void> {
  try {
    await deps.workosOf(key.environment).deleteKey(issued.id);
  } catch (error) {
    deps.log.warn(
      { err: error, workos_id: issued.id },
      'failed to delete unused key at WorkOS; leaving it to the settler',
    );
    await endRow(deps, key, 'to undo');
    return;
  }
  await endRow(deps, key, 'refused');
}

/** Ends the row, or has the settler look at it now: for an unknown outcome, and for a key that is to be undone. */
async function endRow({ unsettled, clock, log }: Deps, key: NewKey, outcome: Outcome | 'to undo'): Promise<void> {
  const now = clock();
  try {
    if (outcome === 'refused') return await unsettled.close(key, now);
    if (outcome === 'to undo') await unsettled.fail(key, now, now);
    await unsettled.hasten(key, now);
  } catch (error) {
    log.warn({ err: error, row: key.rowId }, 'failed to end provisioning row; leaving it to the settler');
  }
}
