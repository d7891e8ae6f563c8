import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CIRCLECI_ORGANIZATION, CI_NAMES } from '../../src/emulator/ci/ci-routes.ts';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { call, startDemo } from './harness.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo();
});
afterAll(() => emulator.close());

// As a runner of GitHub asks: the address has a question mark already, and the token is a bearer.
const token = (name: string, query: string, headers: Record<string, string> = { authorization: 'bearer of-the-job' }) =>
  call(emulator, 'GET', `/_ci/${name}/token?${query}`, { key: null, headers });

const PATHS = {
  github: 'github',
  gitlab: 'gitlab',
  buildkite: 'buildkite',
  circleci: `circleci/org/${CIRCLECI_ORGANIZATION}`,
  builds: 'builds',
};

describe.each(CI_NAMES)('the issuer of CI tokens of %s', (ci) => {
  const name = PATHS[ci];

  it('is found by its discovery document and signs tokens for the audience that is asked for', async () => {
    const { body } = await call(emulator, 'GET', `/_ci/${name}/.well-known/openid-configuration`, { key: null });
    expect(body).toMatchObject({ issuer: emulator.ciIssuer(ci), jwks_uri: expect.stringMatching(/^http/) });
    const answer = await token(name, 'api-version=2.0&audience=https%3A%2F%2Fkeys.test%2Fci%2Forg_acme');
    const { payload } = await jwtVerify(answer.body.value, createRemoteJWKSet(new URL(body.jwks_uri)), {
      issuer: body.issuer,
      audience: 'https://keys.test/ci/org_acme',
    });
    expect(payload.exp! - payload.iat!).toBe(300);
  });

  it.skipIf(ci === 'buildkite' || ci === 'circleci')('gives every token an id of its own', async () => {
    const [first, second] = await Promise.all([token(name, 'audience=a'), token(name, 'audience=a')]);
    expect(decodeJwt(first.body.value).jti).not.toBe(decodeJwt(second.body.value).jti);
  });

  it('takes claims from the query', async () => {
    const { body } = await token(name, 'audience=a&ref=refs/heads/x&sha=1');
    expect(decodeJwt(body.value)).toMatchObject({ aud: 'a', ref: 'refs/heads/x', sha: '1' });
  });

  it('refuses a request without a bearer token, or without an audience', async () => {
    expect((await token(name, 'audience=a', {})).status).toBe(401);
    expect((await token(name, 'ref=x')).status).toBe(400);
  });
});
