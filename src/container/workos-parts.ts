import type { Knex } from 'knex';
import { makeTestOrganizations } from '../billing/test-organizations.ts';
import type { TestOrganizations } from '../billing/test-organizations.ts';
import type { Config } from '../config.ts';
import type { Environment } from '../keys/key.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { WorkosFailure } from '../workos/failure.ts';
import type { WorkosGateway } from '../workos/gateway.ts';
import { makeSdkGateway } from '../workos/sdk-gateway.ts';
import { makeTestGateway } from '../workos/test-gateway.ts';
import type { KeyGateway, TestGateway } from '../workos/test-gateway.ts';

type Deps = { config: Pick<Config, 'workos'>; db: Knex; metrics: Pick<Metrics, 'workosCalls'> };

/** The gateway for keys of an environment; each has a breaker of its own, so that one that is down stops no other. */
export type WorkosOf = (environment: Environment) => KeyGateway;

/** WorkOS's test environment: as keys are asked for there in our ids, and as it is in its own. */
export type TestWorkos = { gateway: TestGateway; workos: WorkosGateway; organizations: TestOrganizations };

/** WorkOS: the environment of the product, and that of its test keys if there is one. */
export function makeWorkosParts({ config, db, metrics: { workosCalls } }: Deps) {
  const { test: testConfig, ...live } = config.workos;
  const workos: WorkosGateway = makeSdkGateway({ ...live, workosCalls });
  const test = testConfig && makeTest({ ...live, ...testConfig }, { db, workosCalls });
  const workosOf: WorkosOf = (environment) => {
    if (environment === 'live') return workos;
    // Keys from when there was one are left as they are until there is one again.
    if (!test) throw new WorkosFailure('unavailable', {}, { outcome: 'refused' });
    return test.gateway;
  };
  const environments: readonly Environment[] = test ? ['live', 'test'] : ['live'];
  return { workos, workosOf, testWorkos: test, environments };
}

function makeTest(
  options: Omit<Parameters<typeof makeSdkGateway>[0], 'workosCalls'>,
  { db, workosCalls }: Pick<Deps, 'db'> & Pick<Metrics, 'workosCalls'>,
): TestWorkos {
  const workos = makeSdkGateway({ ...options, workosCalls });
  const organizations = makeTestOrganizations({ db, workos });
  return { gateway: makeTestGateway(workos, organizations), workos, organizations };
}
