import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { makeTestOrganizations } from '../../tenants/test-organizations.ts';
import type { TestOrganizations } from '../../tenants/test-organizations.ts';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import type { Environment } from '../../api-keys/key.ts';
import { addGauge } from '../../telemetry/metrics.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Tracing } from '../../telemetry/tracing.ts';
import { WorkosFailure } from '../../workos/failure.ts';
import type { KeyGateway, WorkosGateway } from '../../workos/gateway.ts';
import { makeSharedHoldOff } from '../../workos/hold-off.ts';
import { makeSdkGateway } from '../../workos/sdk-gateway.ts';
import type { HoldOffs } from '../../workos/sdk-gateway.ts';
import { makeTestGateway } from '../../workos/test-environment-gateway.ts';
import type { TestGateway } from '../../workos/test-environment-gateway.ts';

type Deps = {
  config: Pick<Config, 'workos'>;
  db: Knex;
  /** Whether no other process calls WorkOS. */
  alone: boolean;
  metrics: Pick<Metrics, 'workosCalls' | 'registry'>;
  tracing: Tracing | undefined;
  /** Waits until a hold-off ends instead of failing. */
  waitsOutHoldOffs: boolean;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
};

/** Returns the gateway for keys of an environment. Each has its own breaker, so that an outage of one stops no other. */
export type WorkosOf = (environment: Environment) => KeyGateway;

/** The test environment: `gateway` takes live organization ids, `workos` its own. */
export type TestWorkos = { gateway: TestGateway; workos: WorkosGateway; organizations: TestOrganizations };

type GatewayOptions = Parameters<typeof makeSdkGateway>[0];

/** Wires the gateways of the live environment and, if there is one, of the test environment. */
export function makeWorkosParts(deps: Deps) {
  const { config, waitsOutHoldOffs, metrics, tracing } = deps;
  const { test: testConfig, ...live } = config.workos;
  const holdOffs = { live: holdOffsOf(deps, 'live'), ...(testConfig && { test: holdOffsOf(deps, 'test') }) };
  addHoldOffGauge(metrics, holdOffs);
  const calls = { waitsOutHoldOffs, workosCalls: metrics.workosCalls, traceCall: tracing && traceCalls(tracing) };
  const workos: WorkosGateway = makeSdkGateway({ ...live, ...calls, holdOffs: holdOffs.live });
  const test = testConfig && makeTest({ ...live, ...testConfig, ...calls, holdOffs: holdOffs.test }, deps);
  const workosOf: WorkosOf = (environment) => {
    if (environment === 'live') return workos;
    // Test keys stay as they are while no test environment is configured.
    if (!test) throw new WorkosFailure('unavailable', {}, { outcome: 'refused' });
    return test.gateway;
  };
  const environments: readonly Environment[] = test ? ['live', 'test'] : ['live'];
  return { workos, workosOf, testWorkos: test, environments };
}

// Nothing of the trace is sent: WorkOS is a third party.
function traceCalls({ span }: Tracing): NonNullable<GatewayOptions['traceCall']> {
  return (operation, run) =>
    span(`WorkOS ${operation}`, run, { isOutgoing: true, attributes: { 'latchkey.workos.operation': operation } });
}

function makeTest(options: GatewayOptions, { db }: Pick<Deps, 'db'>): TestWorkos {
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
    help: 'Seconds for which this process sends WorkOS no requests after a 429, by budget of requests.',
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
