import { expect } from 'vitest';
import { DEMO } from '../../../src/emulator/demo.ts';
import { call, outcome } from '../../support/api.ts';
import type { Answer } from '../../support/api.ts';
import { SERVICE_TOKEN } from '../../support/service.ts';
import { startProductApi } from '../product-api.ts';
import { startWorld } from '../world.ts';
import type { Company, Role } from '../world.ts';

const MANAGER = 'svc_account_managers_0123456789';
/** The account managers' token, as `LATCHKEY_SERVICE_TOKENS` names it. */
export const MANAGER_ENTRY = `account-managers=${MANAGER}:staff:keys+staff:addresses`;

export async function start() {
  const env = { TRUST_PROXY: '1', LATCHKEY_SERVICE_TOKENS: `${SERVICE_TOKEN},${MANAGER_ENTRY}` };
  const world = await startWorld('embermind', { env, passwords: true });
  const api = await startProductApi(world.service, {
    'GET /records': { scopes: ['records:read'] },
    'POST /records': { scopes: ['records:write'] },
  });
  let addresses = 0;
  return {
    ...world,
    api,
    /** Sends a request of an account manager. */
    manage: (method: string, path: string, body?: object): Promise<Answer> =>
      call(world.service, method, `${path}?staff_id=anna`, { token: MANAGER, ...(body && { body }) }),
    /** Signs in from an address of its own, so that no earlier attempt counts. */
    async login(acme: Pick<Company, 'email'>, role: Role = 'owner', password: string = DEMO.password) {
      const headers = { 'x-forwarded-for': `198.51.100.${(addresses++ % 250) + 1}` };
      return world.send('POST', '/v1/auth/login', headers, { email: acme.email(role), password });
    },
  };
}

export type World = Awaited<ReturnType<typeof start>>;
export type Session = { access_token: string };

export const ROOT = { permission_set: 'root' };
export const PROFILE = '/v1/me/session';

/** Returns the session of a person who signed in with a password. */
export async function signedIn({ login }: World, acme: Pick<Company, 'email'>, role: Role = 'owner'): Promise<Session> {
  const answer = await login(acme, role);
  expect(outcome(answer)).toEqual([200, undefined]);
  return answer.body as unknown as Session;
}
