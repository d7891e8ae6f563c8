import { createHash, createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { SignJWT, jwtVerify } from 'jose';
import type { JWTPayload } from 'jose';
import type { Clock } from '../clock.ts';
import type { Store } from '../state/store.ts';
import { selfSignedCertificate } from './certificate.ts';

/** Session tokens and machine tokens have different keys. */
export type Purpose = 'session' | 'machine' | `session of ${string}` | `ci ${string}`;

/** Overrides of the header, for tests of refused tokens. */
export type SigningOptions = { kid?: string; typ?: string };

export type SigningKey = {
  kid: string;
  /** Signs the claims without adding an issuer or expiry. */
  sign: (claims: object, options?: SigningOptions) => Promise<string>;
  /** Returns the claims of an unexpired token that this key signed; `undefined` for any other. */
  verify(token: string, clock: Clock): Promise<JWTPayload | undefined>;
  jwks: object;
};

type KeyRow = { purpose: Purpose; kid: string; private_key: string; certificate: string };

const ALGORITHM = 'RS256';
const generate = promisify(generateKeyPair);

/** Makes a private key for RS256, which takes some 0.1 s. */
export async function makePrivateKey(): Promise<KeyObject> {
  return (await generate('rsa', { modulusLength: 2048 })).privateKey;
}

type Deps = { store: Store; clock: Clock; privateKey: () => Promise<KeyObject> };

/** Loads the key, or creates and stores it, so that tokens stay valid after a restart. */
export async function loadSigningKey(deps: Deps, purpose: Purpose): Promise<SigningKey> {
  const row =
    deps.store.get<KeyRow>('select * from signing_keys where purpose = ?', purpose) ?? (await createKey(deps, purpose));
  const privateKey = createPrivateKey(row.private_key);
  const publicKey = createPublicKey(privateKey);
  return {
    kid: row.kid,
    sign: (claims, options = {}) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: ALGORITHM, kid: options.kid ?? row.kid, typ: options.typ ?? 'JWT' })
        .sign(privateKey),
    verify: async (token, clock) => {
      const verified = await jwtVerify(token, publicKey, { algorithms: [ALGORITHM], currentDate: clock() }).catch(
        () => undefined,
      );
      return verified?.payload;
    },
    jwks: { keys: [publicJwk(row, publicKey)] },
  };
}

async function createKey({ store, clock, privateKey: make }: Deps, purpose: Purpose): Promise<KeyRow> {
  const privateKey = await make();
  const certificate = selfSignedCertificate(privateKey, `Local WorkOS ${purpose} key`, clock());
  const row: KeyRow = {
    purpose,
    kid: `${purpose}_${createHash('sha256').update(certificate).digest('hex').slice(0, 24)}`,
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: certificate.toString('base64'),
  };
  store.run(
    'insert into signing_keys (purpose, kid, private_key, certificate) values (?, ?, ?, ?)',
    row.purpose,
    row.kid,
    row.private_key,
    row.certificate,
  );
  return row;
}

function publicJwk(row: KeyRow, publicKey: KeyObject): object {
  const { n, e } = publicKey.export({ format: 'jwk' });
  const thumbprint = createHash('sha256').update(Buffer.from(row.certificate, 'base64')).digest('base64url');
  return { alg: ALGORITHM, kty: 'RSA', use: 'sig', x5c: [row.certificate], n, e, kid: row.kid, 'x5t#S256': thumbprint };
}
