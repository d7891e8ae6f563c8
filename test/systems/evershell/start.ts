import { startProductApi } from '../product-api.ts';
import { startWorld } from '../world.ts';

export async function start() {
  const world = await startWorld('evershell');
  const api = await startProductApi(world.service, {
    'GET /workspaces': { scopes: ['workspace:read'] },
    'POST /workspaces': { scopes: ['workspace:write'] },
    'POST /tasks': { scopes: ['tasks:write'] },
    'POST /caps': { scopes: ['caps:write'] },
    'DELETE /tasks': { scopes: ['tasks:write'] },
  });
  return { ...world, api };
}

export type World = Awaited<ReturnType<typeof start>>;

export const FULL = { permission_set: 'full_access' };
export const LOOK = { permission_set: 'read_only' };
