import { decodeJwt } from 'jose';
import type { JWTPayload } from 'jose';
import { setTimeout as wait } from 'node:timers/promises';
import { COPES } from '../../finding.ts';
import { organizationId } from '../../keys.ts';
import { authenticate, person, signedIn } from '../../people.ts';
import { describe, expectStatus, need, text } from '../../read.ts';
import type { World } from '../../world.ts';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const CODE_GRANT = 'authorization_code';
const REQUIRED = ['sub', 'sid', 'org_id', 'role', 'permissions', 'iat', 'exp'];

/** Verifies an access token of each way to sign in with the real configuration. */
export async function tokens(world: World): Promise<void> {
  await judgeToken(world, 'password', signedIn(world).accessToken);
  await deviceToken(world);
  await browserToken(world);
}

async function judgeToken(world: World, way: string, token: string): Promise<void> {
  const claims = decodeJwt(token);
  const audience = claims.aud === undefined ? '' : ` aud ${[claims.aud].flat().join(', ')};`;
  const names = Object.keys(claims).toSorted().join(', ');
  world.note(`${way}: iss ${claims.iss ?? 'none'};${audience} ${Buffer.byteLength(token)} bytes; claims ${names}.`);
  const missing = REQUIRED.filter((name) => claims[name] === undefined);
  if (missing.length > 0)
    world.differs({
      name: 'claims-missing',
      breaks: missing.some((name) => name !== 'role'),
      assumes: `the claims ${REQUIRED.join(', ')}`,
      seen: `${way}: without ${missing.join(', ')}`,
      todo: 'Restore the JWT template of the environment to WorkOS’s own.',
    });
  const refusal = await world.judge.verifyToken(token).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  judgeIssuer(world, way, claims, refusal);
}

function judgeIssuer(world: World, way: string, { iss = 'none' }: JWTPayload, refusal: string | undefined): void {
  const { apiUrl, clientIds } = world.target;
  const isUsual = clientIds.some((id) => iss === `${apiUrl}/user_management/${id}`);
  if (refusal === undefined && isUsual) return;
  world.differs({
    name: 'issuer',
    breaks: refusal !== undefined,
    assumes: `that the issuer of sessions is ${apiUrl}/user_management/CLIENT_ID`,
    seen: `${way}: ${iss}${refusal === undefined ? '' : ` (refused: ${refusal})`}`,
    todo: refusal === undefined ? COPES : 'Set WORKOS_AUTHKIT_URL to that domain, or add the issuer to WORKOS_ISSUERS.',
  });
}

async function deviceToken(world: World): Promise<void> {
  const { confirmDevice, waitMs, pauseMs } = world.options;
  if (!confirmDevice) return world.note('device: skipped; it needs a person (--interactive).');
  const clientId = world.target.clientIds[0]!;
  const authorization = await world.call('POST', '/user_management/authorize/device', {
    form: { client_id: clientId },
  });
  if (authorization.status !== 200) return world.note(`device: not offered (${describe(authorization)}).`);
  const deviceCode = need(authorization, 'the device authorization', 'device_code');
  world.secrets.add(deviceCode);
  const { email, password } = person(world);
  const url =
    text(authorization.body, 'verification_uri_complete') ??
    need(authorization, 'the device authorization', 'verification_uri');
  const userCode = need(authorization, 'the device authorization', 'user_code');
  await confirmDevice({ email, password, url, userCode, organizationId: organizationId(world) });
  const deadline = Date.now() + waitMs;
  for (;;) {
    const answer = await authenticate(world, DEVICE_GRANT, { client_secret: undefined, device_code: deviceCode });
    if (answer.status === 200) return judgeToken(world, 'device', need(answer, 'the device', 'access_token'));
    const isWaiting = ['authorization_pending', 'slow_down'].includes(text(answer.body, 'error') ?? '');
    if (!isWaiting || Date.now() > deadline) return world.note(`device: not finished (${describe(answer)}).`);
    await wait(pauseMs, undefined, { signal: world.signal });
  }
}

async function browserToken(world: World): Promise<void> {
  const { browserCode } = world.options;
  if (!browserCode)
    return world.note('browser: skipped; it needs a person and a redirect URI (--interactive --redirect-uri).');
  const { email, password } = person(world);
  const { code, verifier } = await browserCode({ email, password });
  world.secrets.add(code, verifier);
  const fields = { code, ...(verifier !== undefined && { code_verifier: verifier }) };
  const answer = expectStatus(await authenticate(world, CODE_GRANT, fields), 'the code of the browser', 200);
  await judgeToken(world, 'browser', need(answer, 'the sign-in', 'access_token'));
}
