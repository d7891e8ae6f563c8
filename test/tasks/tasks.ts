import { call, createKey } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import type { Organization } from '../support/organizations.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import type { Service } from '../support/service.ts';

export type KeyPlace = { organization_id: string; api_key_id: string };
type Asked = { name: string; ttl_seconds?: number; token?: string; at?: Pick<Service, 'url'> };

/** Asks for the tasks of a key, as the product's own API does with its service token. */
export function tasksOf(service: Pick<Service, 'url'>, key: KeyPlace) {
  const query = `?${new URLSearchParams(key).toString()}`;
  return {
    key,
    take: ({ at = service, token = SERVICE_TOKEN, ...task }: Asked): Promise<Answer> =>
      call(at, 'POST', '/v1/tasks', { token, body: { ...key, ...task } }),
    renew: ({ name, token = SERVICE_TOKEN, at = service, ...body }: Asked): Promise<Answer> =>
      call(at, 'POST', `/v1/tasks/${name}/renew`, { token, body: { ...key, ...body } }),
    release: (name: string, token = SERVICE_TOKEN): Promise<Answer> =>
      call(service, 'DELETE', `/v1/tasks/${name}${query}`, { token }),
    list: (token = SERVICE_TOKEN): Promise<Answer> => call(service, 'GET', `/v1/tasks${query}`, { token }),
    /** In alphabetical order. */
    names: async (): Promise<string[]> =>
      (await call(service, 'GET', `/v1/tasks${query}`, { token: SERVICE_TOKEN })).body.data
        .map(({ name }) => String(name))
        .toSorted(),
  };
}

/** Creates a key and returns its tasks. */
export async function keyWithTasks(service: Service, acme: Organization, body: object = {}) {
  const { id, value } = await createKey(service, await acme.session(), body);
  return { id, value, ...tasksOf(service, { organization_id: acme.id, api_key_id: id }) };
}
