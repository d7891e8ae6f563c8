import type { Meta } from '../../client/shapes.ts';
import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import type { StoredSession } from './profiles.ts';
import { postToWorkos, readTokens, renewTokens } from './workos.ts';
import type { SignInServer, Tokens } from './workos.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
/** RFC 8628: how much longer to wait after `slow_down`. */
const SLOWER_SECONDS = 5;
const LONGEST_WAIT_SECONDS = 900;

type Device = {
  device_code: string;
  user_code: string;
  verification_uri: string;
  expires_in: number;
  interval: number;
};

/** Signs a person in by the device flow of WorkOS: the person confirms a code in a browser, on any device. */
export async function signInByDevice(
  context: Context,
  { workos }: Meta,
  organizationId: string | undefined,
): Promise<StoredSession> {
  const server = { workosUrl: workos.api_url, clientId: workos.client_id };
  const started = await postToWorkos(context, server, '/user_management/authorize/device', {
    client_id: server.clientId,
  });
  if ('refusal' in started)
    throw new CommandFailure(EXIT.failed, `WorkOS did not start the sign-in (${started.refusal.error}).`);
  const device = started.answer as Device & { verification_uri_complete?: string };
  const page = device.verification_uri_complete ?? device.verification_uri;
  toStderr(context, `Open ${page}\nand confirm that it shows ${device.user_code}. Deny any other code.\n`);
  const tokens = await waitForConfirmation(context, server, device);
  const chosen = await inOrganization(context, server, tokens, organizationId);
  return { kind: 'session', ...server, accessToken: chosen.accessToken, refreshToken: chosen.refreshToken };
}

async function waitForConfirmation(context: Context, server: SignInServer, device: Device): Promise<Tokens> {
  const end = context.now().getTime() + Math.min(device.expires_in, LONGEST_WAIT_SECONDS) * 1_000;
  let interval = device.interval;
  while (context.now().getTime() < end) {
    await context.sleep(interval * 1_000);
    const polled = await postToWorkos(context, server, '/user_management/authenticate', {
      grant_type: GRANT,
      client_id: server.clientId,
      device_code: device.device_code,
    });
    if ('answer' in polled) return readTokens(polled.answer);
    const { error } = polled.refusal;
    if (error === 'slow_down') interval += SLOWER_SECONDS;
    else if (error !== 'authorization_pending')
      throw new CommandFailure(EXIT.signIn, REFUSED[error] ?? `WorkOS refused (${error}).`);
  }
  throw new CommandFailure(EXIT.signIn, REFUSED['expired_token']!);
}

const REFUSED: Readonly<Record<string, string>> = {
  access_denied: 'The sign-in was denied in the browser.',
  expired_token: 'The code has expired. Run latchkey login again.',
};

/** A sign-in may name no organization, or another one than is wanted: a renewal chooses it. */
async function inOrganization(
  context: Context,
  server: SignInServer,
  tokens: Tokens,
  wanted: string | undefined,
): Promise<Tokens> {
  if (wanted === undefined || wanted === tokens.organizationId) {
    if (tokens.organizationId !== undefined || wanted !== undefined) return tokens;
    throw new CommandFailure(EXIT.usage, 'The session names no organization. Run latchkey login --org ID.');
  }
  return renewTokens(context, server, tokens.refreshToken, wanted);
}
