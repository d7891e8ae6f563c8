import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import { readObject } from '../read-object.ts';

const TIMEOUT_MS = 10_000;

/** WorkOS as the command signs in there: its API, and the public id of the application. */
export type SignInServer = { workosUrl: string; clientId: string };
export type Tokens = { accessToken: string; refreshToken: string; organizationId: string | undefined };
type Refusal = { error: string; description: string; details: Record<string, unknown> };

/** Posts to WorkOS as a public client, which has no secret. */
export async function postToWorkos(
  { fetch, signal }: Context,
  { workosUrl }: SignInServer,
  path: string,
  body: object,
): Promise<{ answer: Record<string, unknown> } | { refusal: Refusal }> {
  const response = await fetch(`${workosUrl}${path}`, {
    method: 'POST',
    redirect: 'error',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new CommandFailure(EXIT.failed, `WorkOS cannot be reached at ${workosUrl}.`, { cause: error });
  });
  const answer = await readObject(response);
  if (response.ok) return { answer };
  const error = textOf(answer['error']) ?? textOf(answer['code']) ?? `status ${response.status}`;
  const description = textOf(answer['error_description']) ?? textOf(answer['message']) ?? '';
  return { refusal: { error, description, details: answer } };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);

export function readTokens(answer: Record<string, unknown>): Tokens {
  const { access_token: accessToken, refresh_token: refreshToken, organization_id: organizationId } = answer;
  if (typeof accessToken !== 'string' || typeof refreshToken !== 'string')
    throw new CommandFailure(EXIT.failed, 'WorkOS answered without tokens.');
  return { accessToken, refreshToken, organizationId: typeof organizationId === 'string' ? organizationId : undefined };
}

/** Uses the refresh token up, and returns its successor. @throws CommandFailure with exit code 4 for an ended session */
export async function renewTokens(
  context: Context,
  server: SignInServer,
  refreshToken: string,
  organizationId?: string,
): Promise<Tokens> {
  const renewed = await postToWorkos(context, server, '/user_management/authenticate', {
    grant_type: 'refresh_token',
    client_id: server.clientId,
    refresh_token: refreshToken,
    ...(organizationId !== undefined && { organization_id: organizationId }),
  });
  if ('answer' in renewed) return readTokens(renewed.answer);
  const { error, description } = renewed.refusal;
  throw new CommandFailure(EXIT.signIn, `WorkOS did not renew the session (${error}). ${description}`.trim());
}

/** When an access token ends, by its own claim, in milliseconds of the epoch. The service judges it; this only plans. */
export function endOf(accessToken: string): number {
  try {
    const { exp } = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as {
      exp?: number;
    };
    return (exp ?? 0) * 1_000;
  } catch {
    return 0;
  }
}
