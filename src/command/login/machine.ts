import type { Meta } from '../../client/shapes.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import { readObject } from '../read-object.ts';
import type { StoredMachine } from './profiles.ts';

const TIMEOUT_MS = 10_000;
/** WorkOS's token endpoint, at the AuthKit domain of the environment. */
const TOKEN_PATH = '/oauth2/token';

type Client = Pick<StoredMachine, 'tokenUrl' | 'clientId' | 'clientSecret'>;

/** Signs a machine in: an M2M application of WorkOS, by its client credentials. */
export async function signInMachine(
  context: Context,
  { workos }: Meta,
  { clientId, clientSecret }: Pick<Client, 'clientId' | 'clientSecret'>,
): Promise<StoredMachine> {
  if (workos.authkit_url === null)
    throw new CommandFailure(EXIT.usage, 'This Latchkey takes no machine tokens: it has no AuthKit domain.');
  const client = { tokenUrl: tokenUrlAt(workos.authkit_url), clientId, clientSecret };
  return { kind: 'machine', ...client, accessToken: await machineToken(context, client) };
}

/** The secret goes encrypted, or to this machine. */
function tokenUrlAt(authkitUrl: string): string {
  const url = new URL(TOKEN_PATH, authkitUrl);
  const isLocal = url.hostname === 'localhost' || /^127(?:\.\d+){3}$/.test(url.hostname);
  if (url.protocol !== 'https:' && !isLocal)
    throw new CommandFailure(EXIT.failed, `${url.origin}, where machine tokens are issued, is not encrypted.`);
  return url.href;
}

/** @throws CommandFailure with exit code 4 where WorkOS refuses the client */
export async function machineToken({ fetch, signal }: Context, client: Client): Promise<string> {
  const { tokenUrl, clientId, clientSecret } = client;
  const response = await fetch(tokenUrl, {
    method: 'POST',
    redirect: 'error',
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
    }).toString(),
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new CommandFailure(EXIT.failed, `WorkOS cannot be reached at ${tokenUrl}.`, { cause: error });
  });
  const answer = await readObject(response);
  if (response.ok && typeof answer['access_token'] === 'string') return answer['access_token'];
  const reason = typeof answer['error'] === 'string' ? answer['error'] : `status ${response.status}`;
  const code = response.status === 400 || response.status === 401 ? EXIT.signIn : EXIT.failed;
  throw new CommandFailure(code, `WorkOS gave the machine ${clientId} no token (${reason}).`);
}
