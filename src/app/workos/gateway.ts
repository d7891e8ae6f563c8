import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { makeTestOrganizations } from '../../tenants/test-organizations.ts';
import type { TestOrganizations } from '../../tenants/test-organizations.ts';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import type { Environment } from '../../api-keys/key.ts';
import { addGauge } from '../../telemetry/metrics.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { WorkosFailure } from '../../workos/failure.ts';
import type { WorkosGateway } from '../../workos/gateway.ts';
import { makeSharedHoldOff } from '../../workos/hold-off.ts';
import { makeSdkGateway } from '../../workos/sdk-gateway.ts';
import type { HoldOffs } from '../../workos/sdk-gateway.ts';
import { makeTestGateway } from '../../workos/test-environment-gateway.ts';
import type { KeyGateway, TestGateway } from '../../workos/test-environment-gateway.ts';

type Deps = {
  config: Pick<Config, 'workos'>;
  db: Knex;
  /** Whether no other process asks WorkOS beside this one. */
  alone: boolean;
  metrics: Pick<Metrics, 'workosCalls' | 'registry'>;
  /** Sits out the times in which WorkOS wants fewer requests, instead of failing. */
  isPatient: boolean;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
};

/** The gateway for keys of an environment; each has a breaker of its own, so that one that is down stops no other. */
export type WorkosOf = (environment: Environment) => KeyGateway;

/** WorkOS's test environment: as keys are asked for there in our ids, and as it is in its own. */
export type TestWorkos = { gateway: TestGateway; workos: WorkosGateway; organizations: TestOrganizations };

/** WorkOS: the environment of the product, and that of its test keys if there is one. */
export function makeWorkosParts(deps: Deps) {
  const { config, isPatient, metrics } = deps;
  const { test: testConfig, ...live } = config.workos;
  const holdOffs = { live: holdOffsOf(deps, 'live'), ...(testConfig && { test: holdOffsOf(deps, 'test') }) };
  addHoldOffGauge(metrics, holdOffs);
  const calls = { isPatient, workosCalls: metrics.workosCalls };
  const workos: WorkosGateway = makeSdkGateway({ ...live, ...calls, holdOffs: holdOffs.live });
  const test = testConfig && makeTest({ ...live, ...testConfig, ...calls, holdOffs: holdOffs.test }, deps);
  const workosOf: WorkosOf = (environment) => {
    if (environment === 'live') return workos;
    // Keys from when there was one are left as they are until there is one again.
    if (!test) throw new WorkosFailure('unavailable', {}, { outcome: 'refused' });
    return test.gateway;
  };
  const environments: readonly Environment[] = test ? ['live', 'test'] : ['live'];
  return { workos, workosOf, testWorkos: test, environments };
}

function makeTest(options: Parameters<typeof makeSdkGateway>[0], { db }: Pick<Deps, 'db'>): TestWorkos {
  const workos = makeSdkGateway(options);
  const organizations = makeTestOrganizations({ db, workos });
  return { gateway: makeTestGateway(workos, organizations), workos, organizations };
}

function holdOffsOf({ config, db, alone, clock, log }: Deps, environment: Environment): HoldOffs {
  const shared = { db: alone ? undefined : db, defaultMs: config.workos.holdOffMs, clock, log };
  return {
    general: makeSharedHoldOff(environment, shared),
    auditLogs: makeSharedHoldOff(`${environment}_audit_logs`, shared),
  };
}

function addHoldOffGauge(metrics: Deps['metrics'], holdOffs: Partial<Record<Environment, HoldOffs>>): void {
  const gauge = {
    name: 'latchkey_workos_hold_off_seconds',
    help: 'For how long this process does not ask WorkOS, which answered 429, by budget of requests.',
    label: 'budget',
  };
  addGauge(metrics, gauge, () =>
    Object.fromEntries(
      Object.entries(holdOffs).flatMap(([environment, { general, auditLogs }]) => [
        [environment, general.knownMs() / 1_000],
        [`${environment}_audit_logs`, auditLogs.knownMs() / 1_000],
      ]),
    ),
  );
}
