import { afterAll } from 'vitest';
import { demoProductOf } from '../../../src/embedded/demo-product.ts';
import { demoTestSeedOf } from '../../../src/emulator/demo.ts';
import type { RouteOptions } from '../../../src/client/express.ts';
import { readProduct } from '../../../src/product/read-product.ts';
import { startLocalWorkos } from '../../support/local-workos.ts';
import { startProductApi } from '../product-api.ts';
import type { ProductRoute } from '../product-api.ts';
import { startWorld } from '../world.ts';
import { PERMISSIONS } from './permissions.ts';

const FILE = new URL('../../../examples/systems/memsolus.yaml', import.meta.url);

/** Starts Latchkey with an environment of WorkOS for test keys. */
export async function startWithTestKeys({ passwords = false } = {}) {
  const test = await startTestEnvironment();
  const world = await startWorld('memsolus', {
    passwords,
    env: { WORKOS_API_KEY_TEST: test.apiKey, WORKOS_CLIENT_ID_TEST: test.clientId, WORKOS_API_URL_TEST: test.url },
  });
  return { ...world, test };
}

export async function start({ passwords = false } = {}) {
  const world = await startWithTestKeys({ passwords });
  const routes = Object.fromEntries(
    PERMISSIONS.map(({ scope, route }): [ProductRoute, RouteOptions] => [route, { scopes: [scope] }]),
  );
  return { ...world, api: await startProductApi(world.service, routes) };
}

export type World = Awaited<ReturnType<typeof start>>;

/** Starts another environment of WorkOS, with the product's permissions and without people. */
async function startTestEnvironment() {
  const workos = await startLocalWorkos({ seed: demoTestSeedOf(demoProductOf(readProduct(FILE))) });
  afterAll(() => workos.close());
  return workos;
}
