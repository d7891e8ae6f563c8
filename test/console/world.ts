import { call } from '../support/api.ts';
import { startService } from '../support/service.ts';
import type { Options, Service } from '../support/service.ts';

const PASSWORD = 'a password of the stories';

export type World = Awaited<ReturnType<typeof startWorld>>;

/** A service with the console, to which people with a password can be added. */
export async function startWorld(env: Readonly<Record<string, string>> = {}, options: Options = {}) {
  return withPeople(await startService(env, options));
}

/** A service that was started otherwise, to which people can be added. */
export function withPeople(service: Service) {
  return { ...service, addPerson: (role?: string) => addPerson(service, role) };
}

/** Adds an organization of its own, and a person of it. */
async function addPerson(service: Service, role = 'owner') {
  const organization = await service.organizations.add();
  const { id: organizationId, name } = organization;
  const id = `user_${name}_${role}_in_person`;
  const email = `${role}.person@${name}.test`;
  service.workos.seed({
    people: [{ id, email, password: PASSWORD }],
    memberships: [{ id: `om_${name}_${role}_in_person`, userId: id, organizationId, role }],
  });
  const keys = async () => {
    const { body } = await call(service, 'GET', '/v1/api-keys?limit=100', { token: await organization.session() });
    return body.data;
  };
  return { organization, id, credentials: { email, password: PASSWORD }, keys };
}
