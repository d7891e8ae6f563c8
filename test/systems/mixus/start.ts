import { startProductApi } from '../product-api.ts';
import { startWorld } from '../world.ts';

export async function start() {
  const world = await startWorld('mixus');
  const api = await startProductApi(world.service, {
    'POST /evals': { scopes: ['eval:create'] },
    'GET /evals': { scopes: ['eval:read'] },
    'PATCH /evals': { scopes: ['eval:manage'] },
    'DELETE /evals': { scopes: ['eval:manage'] },
    'POST /evals/wait': { scopes: ['eval:create'] },
  });
  return { ...world, api, replica: await world.service.replica() };
}

export type World = Awaited<ReturnType<typeof start>>;

export const bearer = ({ value }: { value: string }) => ({ authorization: `Bearer ${value}` });
export const CREATE = { scopes: ['eval:create'] };
