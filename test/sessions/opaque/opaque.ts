import { startService } from '../../support/service.ts';
import type { Service } from '../../support/service.ts';
import { call, outcome } from '../../support/api.ts';
import type { Answer } from '../../support/api.ts';
import { PASSWORD, addPerson, login } from '../sign-in/sign-in.ts';

export const MINUTE_MS = 60_000;
/** A little more than the life of WorkOS's access tokens. */
export const FACTS_MS = 5 * MINUTE_MS + 6_000;
export const OPAQUE = { password_sign_in: true, token: 'opaque', inactivity_minutes: 30 } as const;
export const OK = [200, undefined];
export const OVER = [401, 'credential_expired'];
export const UNKNOWN = [401, 'credential_invalid'];
export const UNAVAILABLE = [503, 'workos_unavailable'];
export const REFRESH = { method: 'POST', path: '/user_management/authenticate' } as const;

export const startOpaque = (env: Record<string, string> = {}) => startService(env, { product: { sessions: OPAQUE } });

/** A person with a session, and requests with its token. */
export async function signedIn(service: Service, organizations = 1) {
  const person = await addPerson(service, organizations);
  const organization_id = person.organizations[0]!;
  const answer = await login(service, { email: person.email, password: PASSWORD, organization_id });
  const token = String(answer.body['access_token']);
  const ask = (at: { url: string } = service): Promise<Answer> =>
    call(at, 'GET', '/v1/permission-sets', { headers: { 'x-access-token': token } });
  return {
    ...person,
    organizationId: organization_id,
    answer,
    token,
    ask,
    outcomeAt: async (at: { url: string } = service) => outcome(await ask(at)),
    row: () => service.db('session_tokens').where({ user_id: person.userId }).first(),
    session: () => service.db('user_sessions').where({ user_id: person.userId }).first(),
  };
}

/** How often Latchkey called WorkOS to sign in or to renew. */
export const callsAt = ({ workos }: Pick<Service, 'workos'>): number =>
  workos.requests().filter(({ path }) => path === REFRESH.path).length;
