import { randomUUID } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, test } from 'vitest';
import { CIRCLECI_ORGANIZATION } from '../../src/emulator/ci/ci-routes.ts';
import type { CiName } from '../../src/emulator/ci/ci-routes.ts';
import { outcome, verifyKey } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { createPolicy, exchange, jobToken } from './ci.ts';

const service = await startService(
  {},
  {
    product: {
      ci: {
        audience: 'https://keys.evershell.example',
        issuers: [
          'github',
          'buildkite',
          'circleci',
          { name: 'builds', url: 'https://builds.test', pins: ['project'], algorithm: 'ES256' },
        ],
      },
    },
  },
);
const acme = await service.organizations.add();
const owner = await acme.session();

const BUILDKITE = {
  organization_id: '0184990a-477b-4fa8-9968-496074483cee',
  pipeline_id: '0184990a-4782-42b5-afc1-16715b10b8ff',
};
const PROJECT = { 'oidc.circleci.com/project-id': '7e2c1f0a-0000-4000-8000-000000000987' };
const POLICIES: Record<'buildkite' | 'circleci' | 'builds', object> = {
  buildkite: { issuer: 'buildkite', when: { ...BUILDKITE, build_branch: 'main' } },
  circleci: { issuer: 'circleci', issuer_organization: CIRCLECI_ORGANIZATION, when: PROJECT },
  builds: { issuer: 'builds', when: { project: '987' } },
};
let made = 0;
const policyOf = (body: object) => createPolicy(service, owner, { name: `policy ${++made}`, ...body });
const send = async (policy: string, name: CiName, claims: object = {}) =>
  exchange(service, { policy, token: await jobToken(service, acme, claims, name) });
const told = ({ status, body }: Answer) => [status, body.error.code, body.error.details?.['mismatch']];

describe.each(Object.keys(POLICIES) as (keyof typeof POLICIES)[])('a token of %s', (name) => {
  test('is exchanged for a key, once', async () => {
    const policy = await policyOf(POLICIES[name]);
    const token = await jobToken(service, acme, {}, name);
    const answer = await exchange(service, { policy, token });
    expect(outcome(answer)).toEqual([200, undefined]);
    expect((await verifyKey(service, { key: answer.body['access_token'] })).body).toMatchObject({ valid: true });
    expect(outcome(await exchange(service, { policy, token }))).toEqual([409, 'ci_token_used']);
  });

  test('says nothing to a stranger', async () => {
    const policy = await policyOf(POLICIES[name]);
    const other = { pipeline_id: 'x', 'oidc.circleci.com/project-id': 'x', project: 'x' };
    expect(told(await send(policy, name, other))).toEqual([401, 'credential_invalid', undefined]);
  });
});

describe('Buildkite', () => {
  test('refuses another branch, and a token without the claims that only --claims gives', async () => {
    const policy = await policyOf(POLICIES.buildkite);
    expect(told(await send(policy, 'buildkite', { build_branch: 'next' }))).toEqual([
      403,
      'permission_denied',
      [{ claim: 'build_branch', value: 'next' }],
    ]);
    expect(told(await send(policy, 'buildkite', { pipeline_id: undefined }))).toEqual([
      401,
      'credential_invalid',
      undefined,
    ]);
  });

  test('uses up a token without an id, also when its signature is written in another way', async () => {
    const policy = await policyOf(POLICIES.buildkite);
    // Another job of the same second has the same token, but for its id.
    const token = await jobToken(service, acme, { job_id: randomUUID() }, 'buildkite');
    expect(decodeJwt(token).jti).toBeUndefined();
    expect(outcome(await exchange(service, { policy, token }))).toEqual([200, undefined]);
    // The last character of an RS256 signature has four bits that nothing reads.
    const [head, last] = [token.slice(0, -1), token.at(-1)!];
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twin = `${head}${alphabet[alphabet.indexOf(last) ^ 1]!}`;
    expect(outcome(await exchange(service, { policy, token: twin }))).toEqual([409, 'ci_token_used']);
  });
});

describe('CircleCI', () => {
  test('refuses a job that a person reran with SSH, unless the policy lists it', async () => {
    const rerun = { 'oidc.circleci.com/ssh-rerun': true };
    expect(told(await send(await policyOf(POLICIES.circleci), 'circleci', rerun))).toEqual([
      403,
      'permission_denied',
      [{ claim: 'oidc.circleci.com/ssh-rerun', value: 'true' }],
    ]);
    const when = { ...PROJECT, 'oidc.circleci.com/ssh-rerun': [true, false] };
    const listing = await policyOf({ ...POLICIES.circleci, when });
    expect(outcome(await send(listing, 'circleci', rerun))).toEqual([200, undefined]);
  });

  test("refuses another organization's issuer, and the default audience", async () => {
    const other = { issuer_organization: '4f2e8d10-0000-4000-8000-000000000002' };
    const policy = await policyOf({ ...POLICIES.circleci, ...other });
    expect(told(await send(policy, 'circleci'))).toEqual([401, 'credential_invalid', undefined]);
    const own = await policyOf(POLICIES.circleci);
    expect(told(await send(own, 'circleci', { aud: CIRCLECI_ORGANIZATION }))).toEqual([
      401,
      'credential_invalid',
      undefined,
    ]);
  });
});

describe('an issuer of the operator with ES256', () => {
  test('signs with ES256, and is refused at a policy of an issuer with RS256', async () => {
    const token = await jobToken(service, acme, {}, 'builds');
    expect(decodeProtectedHeader(token).alg).toBe('ES256');
    const github = await policyOf({});
    const iss = service.workos.ciIssuer('github');
    const claims = { iss, repository_id: '987' };
    const forged = await jobToken(service, acme, claims, 'builds');
    expect(told(await exchange(service, { policy: github, token: forged }))).toEqual([
      401,
      'credential_invalid',
      undefined,
    ]);
    const builds = await policyOf(POLICIES.builds);
    const rs256 = await jobToken(service, acme, { iss: service.workos.ciIssuer('builds'), project: '987' }, 'github');
    expect(told(await exchange(service, { policy: builds, token: rs256 }))).toEqual([
      401,
      'credential_invalid',
      undefined,
    ]);
  });
});
