import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { Counter } from 'prom-client';
import type { Environment } from '../../api-keys/key.ts';
import type { makeFindKey } from '../../api-keys/find-key.ts';
import { makeViewKey } from '../../api-keys/key-schemas.ts';
import { makeRevokePolicyKeys } from '../../api-keys/mirror/revoke-some-keys.ts';
import { makeProvisionKey } from '../../api-keys/provision-key.ts';
import { PURGE_LOOP, makePurgeCiKeys } from '../../api-keys/purge-ci-keys.ts';
import { makeRevokeKey } from '../../api-keys/revoke-key.ts';
import { makeAssertRequirements } from '../../api-keys/rules/assert-requirements.ts';
import type { KeyRepository } from '../../api-keys/rows/key-repository.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import { makeAuditRepository } from '../../audit/audit-repository.ts';
import type { PersonNames } from '../../auth/person-names.ts';
import type { ItemsOf } from '../../background/items.ts';
import type { Loop } from '../../background/loop.ts';
import { makeExchangeBody } from '../../ci/exchange/exchange-schemas.ts';
import { exchangeRoute } from '../../ci/exchange/exchange-routes.ts';
import { makeIssueKey } from '../../ci/exchange/issue-key.ts';
import { explainRoute } from '../../ci/exchange/explain-routes.ts';
import { makeExplainJob, makeProveJob } from '../../ci/exchange/prove-job.ts';
import { makeJudgeDraft } from '../../ci/judge/judge-draft.ts';
import { judgeRoute } from '../../ci/judge/judge-routes.ts';
import { makeRecordRefusals } from '../../ci/exchange/record-refusals.ts';
import { makeTokenUses } from '../../ci/exchange/token-uses-repository.ts';
import { makeUseToken } from '../../ci/exchange/use-token.ts';
import { makeVerifyCiToken } from '../../ci/exchange/verify-token.ts';
import { issuerUrl, makeConfiguredIssuers } from '../../ci/issuers/configured-issuers.ts';
import type { ConfiguredIssuers } from '../../ci/issuers/configured-issuers.ts';
import { makeFetchJson } from '../../ci/issuers/fetch-json.ts';
import { makeIssuerKeys } from '../../ci/issuers/issuer-keys.ts';
import { makeChangePolicies } from '../../ci/policies/change-policies.ts';
import { makeDeletePolicy } from '../../ci/policies/delete-policy.ts';
import { policyFacts } from '../../ci/policies/policy-facts.ts';
import { makePolicyRepository } from '../../ci/policies/policy-repository.ts';
import type { PolicyRepository } from '../../ci/policies/policy-repository.ts';
import type { Policy } from '../../ci/policies/policy.ts';
import { policyRoutes } from '../../ci/policies/policy-routes.ts';
import { makePolicySchemas, viewPolicy } from '../../ci/policies/policy-schemas.ts';
import { makeRevokeByToken } from '../../ci/revoke/revoke-by-token.ts';
import { revokeRoute } from '../../ci/revoke/revoke-routes.ts';
import { makeRevokeTokens } from '../../ci/revoke/revoke-tokens.ts';
import { makeCreateSessionKey } from '../../ci/sessions/create-session-key.ts';
import { makeFindCiSession } from '../../ci/sessions/find-session.ts';
import { makeIssueSession } from '../../ci/sessions/issue-session.ts';
import { makeSessionRepository } from '../../ci/sessions/session-repository.ts';
import type { SessionRepository } from '../../ci/sessions/session-repository.ts';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import type { Route } from '../../http/route.ts';
import type { RunOnce } from '../../idempotency/run-once.ts';
import type { FailedCredentials } from '../../limits/guesses/failed-credentials.ts';
import type { Limiter } from '../../limits/limiter.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import type { Product } from '../../product/product.ts';
import { deriveKeys, makeOpaqueTokens } from '../../secrets.ts';
import type { OpaqueTokens } from '../../secrets.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { WorkosGateway } from '../../workos/gateway.ts';
import type { BillingParts } from '../billing.ts';
import type { Budgets } from './budgets.ts';

type Provisioning = Omit<
  Parameters<typeof makeProvisionKey>[0] & Parameters<typeof makeRevokeKey>[0],
  'keyChanges' | 'assertRequirements'
>;
type Deps = Provisioning & {
  config: Config;
  product: Pick<Product, 'ci'>;
  /** The WorkOS environments that are configured. */
  environments: readonly Environment[];
  localIssuers: string | undefined;
  keys: KeyRepository;
  findKey: ReturnType<typeof makeFindKey>;
  catalogue: Catalogue;
  gate: BillingParts['gate'];
  budgets: Pick<Budgets, 'keyChanges'>;
  names: Pick<PersonNames, 'nameOf'>;
  workos: Pick<WorkosGateway, 'organizationMetadata'>;
  limiter: Limiter;
  audit: AuditLog;
  metrics: Pick<Metrics, 'registry'>;
  itemsOf: ItemsOf;
  db: Knex;
  clock: Clock;
  log: Logger;
};

const REFUSALS_LOOP = 'record_ci_refusals';
const REFUSALS_MS = 10_000;
const PURGE_MS = 10 * 60_000;

export type CiParts = ReturnType<typeof makeCiParts>;

/** Wires keyless CI: policies, the exchange of tokens, CI sessions, and the loops that record refusals and purge keys. */
export function makeCiParts(deps: Deps) {
  const uses = makeTokenUses(deps.db);
  const refusals = makeRecordRefusals(deps);
  const purged = deps.itemsOf(PURGE_LOOP);
  const issuers = makeConfiguredIssuers(deps.product.ci, deps.localIssuers);
  const policies = makePolicyRepository(deps.db);
  const sessions = makeSessionRepository(deps.db);
  const sessionTokens = makeOpaqueTokens('lkcs_', deriveKeys(deps.config, 'ci session token'));
  const making = {
    ...deps,
    keyChanges: deps.budgets.keyChanges,
    admit: deps.gate.admitKey,
    countKeys: deps.keys.countOfCi,
  };
  const assertRequirements = makeAssertRequirements({
    requirementsOf: deps.catalogue.requirementsOf,
    workos: deps.workos,
  });
  const provision = makeProvisionKey({ ...making, assertRequirements });
  const shared = { ...making, issuers, policies, sessions, sessionTokens, provision, uses, refusals };
  return {
    uses,
    sessions,
    findSession: makeFindCiSession({ ...shared, tokens: sessionTokens }),
    createSessionKey: makeCreateSessionKey(shared),
    refusalsLoop: {
      name: REFUSALS_LOOP,
      everyMs: REFUSALS_MS,
      step: refusals.flush,
      bulk: 'Refusals that cannot be written stay counted, and hold up nothing else.',
    } satisfies Loop,
    purgeLoop: {
      name: PURGE_LOOP,
      everyMs: PURGE_MS,
      step: makePurgeCiKeys({ ...deps, items: purged }),
      items: purged.deadLetters,
    } satisfies Loop,
    /** Writes the last counted refusals at shutdown. */
    close: refusals.flush,
    facts: policyFacts({ ...deps, rules: deps.product.ci, issuers }),
    routes: (guards: Guards): Route[] => (issuers.size === 0 ? [] : ciRoutes({ ...shared, ...guards })),
  };
}

type Guards = { failures: FailedCredentials; runOnce: RunOnce };
type Making = Omit<Parameters<typeof makeIssueKey>[0], 'useToken'> & Parameters<typeof makeRevokeKey>[0];

type RouteDeps = Omit<Deps, 'keyChanges'> &
  Guards &
  Making & {
    issuers: ConfiguredIssuers;
    policies: PolicyRepository;
    sessions: SessionRepository;
    sessionTokens: OpaqueTokens;
    uses: ReturnType<typeof makeTokenUses>;
    refusals: ReturnType<typeof makeRecordRefusals>;
    keyChanges: Budgets['keyChanges'];
  };

function ciRoutes(deps: RouteDeps): Route[] {
  const { product, catalogue, issuers, policies } = deps;
  const audienceOf = (organizationId: string) => `${product.ci.audience}/ci/${organizationId}`;
  const deletionsPerSecond = deps.config.workos.settlementsPerSecond;
  const schemas = makePolicySchemas({ catalogue, issuers });
  return [
    ...policyRoutes({
      schemas,
      policies,
      changePolicies: makeChangePolicies(deps),
      deletePolicy: makeDeletePolicy({ ...deps, revokeKeys: makeRevokePolicyKeys({ deletionsPerSecond }) }),
      view: makeViewPolicies(deps, audienceOf),
    }),
    judgeRoute({ ...deps, schemas, judgeDraft: makeJudgeDraft({ ...deps, readPast: pastOf(deps) }) }),
    ...jobRoutes({ ...deps, audienceOf }),
  ];
}

/** Shows policies with their last exchanges, which the audit log has. */
function makeViewPolicies({ db, issuers }: Pick<RouteDeps, 'db' | 'issuers'>, audienceOf: (id: string) => string) {
  const events = makeAuditRepository(db);
  return async (organizationId: string, policies: readonly Policy[]) => {
    const ids = policies.map(({ id }) => id);
    const last = await events.lastByActors(organizationId, 'ci.exchanged', ids);
    return policies.map((policy) => {
      const issuer = issuers.get(policy.issuer);
      return viewPolicy(policy, {
        issuerUrl: issuer && issuerUrl(issuer, policy.issuerOrganization),
        audience: audienceOf(organizationId),
        lastExchangedAt: last.get(policy.id),
      });
    });
  };
}

/** Reads past exchanges and refusals from the audit log. */
function pastOf({ db }: Pick<Deps, 'db'>): Parameters<typeof makeJudgeDraft>[0]['readPast'] {
  const events = makeAuditRepository(db);
  return async ({ organizationId, policyId, since, limit }) => {
    const filter = { actions: ['ci.exchanged', 'ci.refused'] as const, targetId: policyId, from: since };
    return (await events.list(organizationId, filter, { limit: limit + 1 })).data;
  };
}

/** The routes that give keys and CI sessions to jobs, and end them. */
function jobRoutes(deps: RouteDeps & { audienceOf: (organizationId: string) => string }): Route[] {
  const { catalogue, keys, localIssuers, issuers, clock } = deps;
  const localOrigin = localIssuers === undefined ? undefined : new URL(localIssuers).origin;
  const keysOf = makeIssuerKeys({ ...deps, fetchJson: makeFetchJson({ localOrigin }) });
  const revokeTokens = makeRevokeTokens(deriveKeys(deps.config, 'ci revoke token'));
  const useToken = makeUseToken(deps);
  const proving = { ...deps, verifyToken: makeVerifyCiToken({ keysOf, clock }) };
  return [
    explainRoute({ explainJob: makeExplainJob(proving) }),
    exchangeRoute({
      body: makeExchangeBody(catalogue),
      proveJob: makeProveJob(proving),
      issueKey: makeIssueKey({ ...deps, useToken }),
      issueSession: makeIssueSession({ ...deps, useToken, tokens: deps.sessionTokens }),
      runOnce: deps.runOnce,
      findKey: deps.findKey,
      viewKey: makeViewKey(catalogue, deps.names.nameOf),
      revokeTokens,
      catalogue,
      count: counterOf(deps.metrics, [...issuers.keys()]),
      clock,
    }),
    revokeRoute({
      revokeByToken: makeRevokeByToken({
        ...deps,
        tokens: revokeTokens,
        findKey: ({ organizationId, rowId }) => keys.findRow(organizationId, rowId),
        revoke: makeRevokeKey(deps),
      }),
    }),
  ];
}

const OUTCOMES = ['exchanged', 'refused'] as const;

function counterOf({ registry }: Deps['metrics'], issuers: readonly string[]) {
  const counter = new Counter({
    name: 'latchkey_ci_exchanges_total',
    help: 'Exchanges of CI tokens by jobs that a policy trusts, by issuer and outcome.',
    labelNames: ['issuer', 'outcome'] as const,
    registers: [registry],
  });
  for (const issuer of issuers) for (const outcome of OUTCOMES) counter.inc({ issuer, outcome }, 0);
  return (issuer: string, outcome: (typeof OUTCOMES)[number]) => counter.inc({ issuer, outcome });
}
