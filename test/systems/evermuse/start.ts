import { atWorkos } from '../../support/at-workos.ts';
import { startProductApi } from '../product-api.ts';
import { startWorld } from '../world.ts';

export async function start() {
  const world = await startWorld('evermuse');
  const api = await startProductApi(world.service, {
    'POST /api/v1/ingest': { scopes: ['api:write'] },
    'GET /api/v1/batches': { scopes: ['api:read'] },
    'GET /mcp': { scopes: ['mcp:read'] },
    'POST /mcp': { scopes: ['mcp:write'] },
    'POST /api/v1/ingest/many': { scopes: ['api:write'], cost: 301 },
  });
  /** Chooses a default product in the workspace's settings. */
  const chooseProduct = (organizationId: string) =>
    atWorkos(world.service, 'PUT', `/organizations/${organizationId}`, { metadata: { default_product: 'prod_1' } });
  return { ...world, api, chooseProduct };
}

export type World = Awaited<ReturnType<typeof start>>;
