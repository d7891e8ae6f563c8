import { SignJWT, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { makeIssuerKeys } from '../../../src/ci/issuers/issuer-keys.ts';
import { makeTestClock } from '../../support/clock.ts';

const ISSUER = 'https://ci.example.com/group';
const DISCOVERY = `${ISSUER}/.well-known/openid-configuration`;
const JWKS = 'https://ci.example.com/keys';
const { publicKey, privateKey } = await generateKeyPair('ES256');
const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] };
const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(privateKey);

async function verifyWith(pages: Readonly<Record<string, unknown>>) {
  const asked: string[] = [];
  const fetchJson = (address: string) => {
    asked.push(address);
    return Object.hasOwn(pages, address) ? Promise.resolve(pages[address]) : Promise.reject(new Error('not there'));
  };
  const keysOf = makeIssuerKeys({ fetchJson, clock: makeTestClock(), log: pino({ level: 'silent' }) });
  const outcome = await jwtVerify(token, keysOf(ISSUER)).then(
    () => 'good',
    (error: unknown) => (error as { code?: string }).code ?? 'thrown',
  );
  return { outcome, asked, keysOf };
}

describe('the public keys of an issuer', () => {
  test('are found by its discovery document, and remembered', async () => {
    const { outcome, asked, keysOf } = await verifyWith({
      [DISCOVERY]: { issuer: ISSUER, jwks_uri: JWKS },
      [JWKS]: keys,
    });
    expect([outcome, asked]).toEqual(['good', [DISCOVERY, JWKS]]);
    await jwtVerify(token, keysOf(ISSUER));
    expect(asked).toHaveLength(2);
  });

  test.each<[string, object, string[]]>([
    ['is of another issuer', { issuer: 'https://ci.example.com', jwks_uri: JWKS }, [DISCOVERY]],
    ['is of the issuer with a slash', { issuer: `${ISSUER}/`, jwks_uri: JWKS }, [DISCOVERY]],
    ['names keys at another host', { issuer: ISSUER, jwks_uri: 'https://evil.example/keys' }, [DISCOVERY]],
    ['names keys at another port', { issuer: ISSUER, jwks_uri: 'https://ci.example.com:8443/keys' }, [DISCOVERY]],
    ['names keys over plain http', { issuer: ISSUER, jwks_uri: 'http://ci.example.com/keys' }, [DISCOVERY]],
    ['names no keys', { issuer: ISSUER }, [DISCOVERY]],
    ['names keys that are none', { issuer: ISSUER, jwks_uri: `${JWKS}/odd` }, [DISCOVERY, `${JWKS}/odd`]],
  ])('are unavailable where that document %s', async (_what, document, expected) => {
    const { outcome, asked } = await verifyWith({
      [DISCOVERY]: document,
      [JWKS]: keys,
      [`${JWKS}/odd`]: { keys: 'none' },
    });
    expect([outcome, asked]).toEqual(['issuer_unavailable', expected]);
  });

  test('are unavailable while the issuer does not answer', async () => {
    expect((await verifyWith({})).outcome).toBe('issuer_unavailable');
  });
});
