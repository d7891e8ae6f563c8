import { call } from '../support/api.ts';
import type { Service } from '../support/service.ts';
import { createPolicy, exchange, jobToken } from './ci.ts';

export const SESSION_TYPE = 'urn:latchkey:token-type:session';

/** Makes an organization with a policy that issues CI sessions. */
export async function setUpSessions(service: Service, body: object = {}) {
  const acme = await service.organizations.add();
  const owner = await acme.session('owner', { permissions: ['apikeys:write', 'audit:read', 'tasks:write'] });
  const policy = await createPolicy(service, owner, { issue: 'session', max_active_keys: 20, ...body });
  const send = async (more: object = {}) =>
    exchange(service, { policy, token: await jobToken(service, acme), body: more });
  const session = async () => {
    const { body: made } = await send();
    const { id } = made['session'] as { id: string };
    return { id, token: String(made['access_token']), revoke: String(made['revoke_token']) };
  };
  return { acme, owner, policy, send, session };
}

/** Creates a key with a session's token, and returns any answer. */
export const createIn = (service: Service, token: string, body: object = {}, idempotencyKey?: string) =>
  call(service, 'POST', '/v1/api-keys', {
    token,
    body: { label: 'runner', permission_set: 'submit_observe', ...body },
    ...(idempotencyKey !== undefined && { headers: { 'idempotency-key': idempotencyKey } }),
  });

export const auditOf = async (service: Service, token: string, action: string) =>
  (await call(service, 'GET', `/v1/audit-events?action=${action}&limit=100`, { token })).body.data;
