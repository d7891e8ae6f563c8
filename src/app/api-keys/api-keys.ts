import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import type { FaultPoint } from '../../process/fault-point.ts';
import type { CiCaller } from '../../http/caller.ts';
import type { Route } from '../../http/route.ts';
import type { RunOnce } from '../../idempotency/run-once.ts';
import { makeCreateKey } from '../../api-keys/create-key.ts';
import type { CreateKey } from '../../api-keys/create-key.ts';
import { makeExpireAtWorkos } from '../../api-keys/expire-at-workos.ts';
import type { makeFindKey } from '../../api-keys/find-key.ts';
import { makeAssertRequirements } from '../../api-keys/rules/assert-requirements.ts';
import { makeCheckOwner } from '../../api-keys/rules/check-owner.ts';
import { keyScopes } from '../../api-keys/rules/key-access.ts';
import type { KeyRepository } from '../../api-keys/rows/key-repository.ts';
import type { KeyFormat } from '../../api-keys/format/key-format.ts';
import type { Environment } from '../../api-keys/key.ts';
import { makeJudgeKey } from '../../api-keys/judge-key.ts';
import { keyRoutes } from '../../api-keys/key-routes.ts';
import { makeKeySchemas, makeViewKey } from '../../api-keys/key-schemas.ts';
import type { Marker } from '../../api-keys/mirror/marker.ts';
import { makeProvisionKey } from '../../api-keys/provision-key.ts';
import { makeRevokeKey } from '../../api-keys/revoke-key.ts';
import { makeRotateKey } from '../../api-keys/rotate-key.ts';
import { makeResumeKey } from '../../api-keys/suspension/resume-key.ts';
import { makeSuspendKey } from '../../api-keys/suspension/suspend-key.ts';
import { suspensionRoutes } from '../../api-keys/suspension/suspension-routes.ts';
import type { UnsettledKeys } from '../../api-keys/rows/unsettled-keys.ts';
import { staffKeyRoutes } from '../../staff/staff-key-routes.ts';
import type { AdmitStaff } from '../../staff/admit-staff.ts';
import { makeUpdateKey } from '../../api-keys/update-key.ts';
import { makePermissionsOf } from '../../members/member-reader.ts';
import type { MirrorMembers } from '../../members/mirror-members.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import type { KeyHasher } from '../../verification/hmac/key-hasher.ts';
import type { PersonNames } from '../../auth/person-names.ts';
import type { BillingParts } from '../billing.ts';
import type { Budgets } from './budgets.ts';
import type { WebhooksParts } from '../webhooks.ts';
import type { UsageParts } from './usage.ts';
import type { WorkosGateway } from '../../workos/gateway.ts';
import type { WorkosOf } from '../workos/gateway.ts';

type Deps = {
  config: Config;
  db: Knex;
  keys: KeyRepository;
  unsettled: UnsettledKeys;
  findKey: ReturnType<typeof makeFindKey>;
  runOnce: RunOnce;
  admitStaff: AdmitStaff;
  workosOf: WorkosOf;
  workos: Pick<WorkosGateway, 'organizationMetadata'>;
  environments: readonly Environment[];
  marker: Marker;
  hasher: KeyHasher;
  format: KeyFormat;
  catalogue: Catalogue;
  gate: BillingParts['gate'];
  webhooks: Pick<WebhooksParts, 'publishLimitReached'>;
  budgets: Pick<Budgets, 'keyChanges'>;
  ci: { createSessionKey: CreateKey<CiCaller> };
  usage: Pick<UsageParts, 'lastUsesOf'>;
  mirrorMembers: Pick<MirrorMembers, 'sawSession'>;
  names: Pick<PersonNames, 'nameOf'>;
  audit: AuditLog;
  settleAfterMs: number;
  at: FaultPoint;
  clock: Clock;
  log: Logger;
};

/** Wires the routes that create, show and change keys. */
export function makeKeyRoutes(deps: Deps): Route[] {
  const { keys, catalogue, gate, clock } = deps;
  const { keyChanges } = deps.budgets;
  const assertRequirements = makeAssertRequirements({ requirementsOf: catalogue.requirementsOf, workos: deps.workos });
  const provision = makeProvisionKey({ ...deps, keyChanges, assertRequirements });
  const admit = gate.admitKey;
  const expireAtWorkos = makeExpireAtWorkos(deps);
  const checkOwner = makeCheckOwner(deps.mirrorMembers.sawSession);
  const making = { ...deps, admit, provision, checkOwner };
  const creating = {
    ...making,
    admitCounting: gate.admitKeyAnd,
    keysPerUser: catalogue.keysPerUser,
    scopesOf: catalogue.scopesOf,
    publishLimitReached: deps.webhooks.publishLimitReached,
  };
  const createKey = makeCreateKey(creating);
  const { createSessionKey } = deps.ci;
  const schemas = makeKeySchemas(catalogue, clock);
  const scopes = keyScopes(catalogue.keyOwners);
  const viewing = {
    lastUsesOf: deps.usage.lastUsesOf,
    permissionsOf: makePermissionsOf(deps.db),
    viewKey: makeViewKey(catalogue, deps.names.nameOf),
    clock,
  };
  const suspending = suspensionRoutes({
    ...viewing,
    schemas,
    mayWrite: scopes.mayWrite,
    suspendKey: makeSuspendKey(deps),
    resumeKey: makeResumeKey({ ...deps, keyChanges }),
  });
  const revokeKey = makeRevokeKey({ ...deps, keyChanges });
  const shared = { ...viewing, schemas, revokeKey, runOnce: deps.runOnce, findKey: deps.findKey, keys };
  const others = keyRoutes({
    ...shared,
    createKey: (caller, ...rest) =>
      caller.kind === 'ci' ? createSessionKey(caller, ...rest) : createKey(caller, ...rest),
    judgeKey: makeJudgeKey({ ...creating, keyChanges, assertRequirements }),
    rotateKey: makeRotateKey({ ...making, expireAtWorkos }),
    updateKey: makeUpdateKey({ ...deps, keyChanges, admit, expireAtWorkos, extendsKeys: catalogue.extendsKeys }),
    scopes,
  });
  return [...others, ...suspending, ...staffKeyRoutes({ ...shared, createKey, admitStaff: deps.admitStaff })];
}
