import { randomBytes } from 'node:crypto';
import { call } from '../../support/api.ts';
import type { Answer } from '../../support/api.ts';
import type { Service } from '../../support/service.ts';

export const PASSWORD = 'correct horse battery staple';

/** Somebody with a password, in so many organizations. */
export async function addPerson(service: Pick<Service, 'organizations' | 'workos'>, organizations = 1) {
  const name = randomBytes(6).toString('hex');
  const userId = `user_${name}`;
  const email = `${name}@people.test`;
  const joined = await Promise.all(Array.from({ length: organizations }, () => service.organizations.add()));
  service.workos.seed({
    people: [{ id: userId, email, password: PASSWORD }],
    memberships: joined.map(({ id }) => ({ userId, organizationId: id, role: 'owner' })),
  });
  return { userId, email, organizations: joined.map(({ id }) => id) };
}

export const login = (service: Pick<Service, 'url'>, body: object): Promise<Answer> =>
  call(service, 'POST', '/v1/auth/login', { body });

export const refresh = (service: Pick<Service, 'url'>, body: object): Promise<Answer> =>
  call(service, 'POST', '/v1/auth/refresh', { body });

export const logout = (service: Pick<Service, 'url'>, token: string): Promise<Answer> =>
  call(service, 'POST', '/v1/auth/logout', { token });

export type Tokens = { access_token: string; refresh_token: string; organization_id: string };

export const tokensOf = ({ body }: Answer): Tokens => body as unknown as Tokens;
