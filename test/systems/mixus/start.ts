import { createLatchkeyClient } from '../../../src/client/client.ts';
import type { NamedTask } from '../../../src/client/client.ts';
import type { VerifiedKey } from '../../../src/client/express.ts';
import { SERVICE_TOKEN } from '../../support/service.ts';
import { startProductApi } from '../product-api.ts';
import { startWorld } from '../world.ts';

export async function start() {
  const world = await startWorld('mixus');
  const evals = makeEvals(world.service);
  const api = await startProductApi(
    world.service,
    {
      'POST /evals': { scopes: ['eval:create'] },
      'GET /evals': { scopes: ['eval:read'] },
      'PATCH /evals': { scopes: ['eval:manage'] },
      'DELETE /evals': { scopes: ['eval:manage'] },
      'POST /evals/tasks': { scopes: ['eval:create'] },
    },
    { 'POST /evals/tasks': evals.begin },
  );
  return { ...world, api, evals, replica: await world.service.replica() };
}

export type World = Awaited<ReturnType<typeof start>>;

/** The product's evaluations, each of which begins with a request and runs on after its answer. */
function makeEvals({ url }: { url: string }) {
  const { tasks } = createLatchkeyClient({ baseUrl: url, token: SERVICE_TOKEN });
  const running = new Map<string, NamedTask>();
  let begun = 0;
  return {
    async begin({ id, organizationId }: VerifiedKey) {
      const task = { organization_id: organizationId, api_key_id: id, name: `eval-${++begun}` };
      await tasks.take(task);
      running.set(task.name, task);
      return { task: task.name };
    },
    /** What a worker does while evaluations run. */
    renewAll: () => Promise.all([...running.values()].map((task) => tasks.renew(task))),
    async end(name: string) {
      await tasks.release(running.get(name)!);
      running.delete(name);
    },
  };
}

export const bearer = ({ value }: { value: string }) => ({ authorization: `Bearer ${value}` });
export const CREATE = { scopes: ['eval:create'] };
