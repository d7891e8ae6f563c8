import { createHmac } from 'node:crypto';
import { SignJWT, decodeProtectedHeader, exportJWK, exportSPKI, generateKeyPair, importJWK } from 'jose';
import type { JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { createPolicy, exchange, jobToken } from './ci.ts';

const service = await startService();
const acme = await service.organizations.add();
const policy = await createPolicy(service, await acme.session(), { max_active_keys: 100 });

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const partsOf = (token: string) => token.split('.') as [string, string, string];

const good = await jobToken(service, acme);
const [header, payload, signature] = partsOf(good);
const own = await generateKeyPair('RS256', { extractable: true });
const [jwk] = ((await (await fetch(`${service.workos.ciIssuer('github')}/jwks`)).json()) as { keys: JWK[] }).keys;
const spki = await exportSPKI((await importJWK(jwk!, 'RS256')) as typeof own.publicKey);
const signedBy = (key: typeof own.privateKey, extra: object) =>
  new SignJWT(JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>)
    .setProtectedHeader({ ...decodeProtectedHeader(good), alg: 'RS256', ...extra })
    .sign(key);
const ownJwk = await exportJWK(own.publicKey);
const hs256 = (secret: string) => {
  const input = `${part({ ...decodeProtectedHeader(good), alg: 'HS256' })}.${payload}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
};

const FORGED: [string, string][] = [
  ['alg none without a signature', `${part({ alg: 'none', typ: 'JWT' })}.${payload}.`],
  ['alg none with a key id', `${part({ ...decodeProtectedHeader(good), alg: 'none' })}.${payload}.${signature}`],
  ['HS256 with the public key', hs256(spki)],
  ['HS256 with the JWK', hs256(JSON.stringify(jwk))],
  ['a key of its own under the known id', await signedBy(own.privateKey, {})],
  ['a foreign key id', await signedBy(own.privateKey, { kid: 'foreign' })],
  ['no key id', await signedBy(own.privateKey, { kid: undefined })],
  ['a key in its header (jwk)', await signedBy(own.privateKey, { jwk: ownJwk })],
  ['an address of keys in its header (jku)', await signedBy(own.privateKey, { jku: 'http://169.254.169.254/' })],
  ['an address of certificates (x5u)', await signedBy(own.privateKey, { x5u: 'http://169.254.169.254/' })],
  ['an unknown extension', `${part({ ...decodeProtectedHeader(good), crit: ['x'], x: 1 })}.${payload}.${signature}`],
  [
    'changed claims',
    `${header}.${part({ ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object), repository_id: '987', extra: 1 })}.${signature}`,
  ],
  ['a session token', await acme.session()],
  ['no token at all', 'eyJ'],
  ['text', 'not a token, but text'],
];

describe('POST /v1/ci/exchange refuses a forged token:', () => {
  test.each(FORGED)('%s', async (_what, token) => {
    expect(outcome(await exchange(service, { policy, token }))).toEqual([401, 'credential_invalid']);
  });

  test('but takes the token that they were made of', async () => {
    expect(outcome(await exchange(service, { policy, token: good }))).toEqual([200, undefined]);
  });
});
