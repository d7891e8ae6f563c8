import { expect } from 'vitest';
import type { CiName } from '../../src/emulator/ci/ci-routes.ts';
import { call, outcome } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import type { Organization } from '../support/organizations.ts';
import type { Service } from '../support/service.ts';

type At = Pick<Service, 'url'>;

export const JWT = 'urn:ietf:params:oauth:token-type:jwt';
export const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** The audience that a token for this organization names. */
export const audienceOf = ({ id }: Pick<Organization, 'id'>) => `https://keys.evershell.example/ci/${id}`;

export const policyBody = (body: object = {}) => ({
  name: 'deploy',
  issuer: 'github',
  permission_sets: ['submit_observe'],
  when: { repository_id: '987' },
  ...body,
});

/** Creates a policy, and expects 201. */
export async function createPolicy(service: At, token: string, body: object = {}): Promise<string> {
  const answer = await call(service, 'POST', '/v1/ci/policies', { token, body: policyBody(body) });
  expect(outcome(answer)).toEqual([201, undefined]);
  return String(answer.body['id']);
}

/** Signs a job's token for an organization, with other claims than the usual ones. */
export function jobToken(
  { workos }: Pick<Service, 'workos'>,
  organization: Pick<Organization, 'id'>,
  claims: object = {},
  name: CiName = 'github',
): Promise<string> {
  return workos.signCiToken(name, { aud: audienceOf(organization), ...claims });
}

type Exchange = { policy: string; token: string; body?: object; idempotencyKey?: string };

/** Exchanges a token, and returns any answer. */
export function exchange(service: At, { policy, token, body = {}, idempotencyKey }: Exchange): Promise<Answer> {
  return call(service, 'POST', '/v1/ci/exchange', {
    ...(idempotencyKey !== undefined && { headers: { 'idempotency-key': idempotencyKey } }),
    body: { grant_type: GRANT, subject_token: token, subject_token_type: JWT, policy, ...body },
  });
}
