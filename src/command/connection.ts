import { createLatchkeyClient } from '../client/client.ts';
import type { LatchkeyClient } from '../client/client.ts';
import type { Fetch } from '../client/fetch.ts';
import { toStderr } from './context.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './failure.ts';
import type { ConnectionFlags } from './flags.ts';
import { currentToken } from './login/current-token.ts';
import { DEFAULT_PROFILE, readProfile } from './login/profiles.ts';

const TIMEOUT_SECONDS = 10;

export const profileNameOf = ({ env }: Context, { profile }: ConnectionFlags) =>
  profile ?? (env['LATCHKEY_PROFILE'] || DEFAULT_PROFILE);

/** Connects with LATCHKEY_TOKEN, else with what login stored. @throws CommandFailure without URL or credential */
export async function connect(context: Context, flags: ConnectionFlags): Promise<LatchkeyClient> {
  const name = profileNameOf(context, flags);
  const token = context.env['LATCHKEY_TOKEN'] || undefined;
  const profile = token === undefined ? await readProfile(context.folder, name) : undefined;
  if (token === undefined && !profile)
    throw new CommandFailure(
      EXIT.signIn,
      `Profile ${name} is not signed in. Run latchkey login, or set LATCHKEY_TOKEN.`,
    );
  const url = urlOf(context, flags, profile?.url);
  // A credential goes to the service that it was stored for, and to no other.
  if (profile && url !== profile.url)
    throw new CommandFailure(EXIT.usage, `Profile ${name} is signed in at ${profile.url}, not at ${url}.`);
  return createLatchkeyClient({
    ...transportOf(context, flags, url),
    token: token ?? currentToken(context, name, profile!),
  });
}

/** The URL of the service, by flag, environment, profile or `otherwise`. @throws CommandFailure where there is none */
export async function serviceUrl(context: Context, flags: ConnectionFlags, otherwise?: string): Promise<string> {
  const profile = await readProfile(context.folder, profileNameOf(context, flags));
  return urlOf(context, flags, profile?.url ?? otherwise);
}

/** Connects without a credential, for what is public. */
export function connectOpenly(context: Context, flags: ConnectionFlags): { client: LatchkeyClient; url: string } {
  const url = urlOf(context, flags, undefined);
  return { client: createLatchkeyClient({ ...transportOf(context, flags, url), token: null }), url };
}

function transportOf(context: Context, { timeout = TIMEOUT_SECONDS, verbose }: ConnectionFlags, baseUrl: string) {
  return { baseUrl, timeoutMs: timeout * 1_000, fetch: verbose ? reporting(context) : context.fetch };
}

function urlOf({ env }: Context, { url }: ConnectionFlags, stored: string | undefined): string {
  const given = url ?? (env['LATCHKEY_URL'] || stored);
  if (given === undefined) throw new CommandFailure(EXIT.usage, 'Give the URL of Latchkey: --url, or LATCHKEY_URL.');
  const parsed = URL.canParse(given) ? new URL(given) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.search !== '')
    throw new CommandFailure(
      EXIT.usage,
      'The URL of Latchkey is not an http or https URL without credentials and query.',
    );
  if (parsed.protocol === 'http:' && !isLoopback(parsed.hostname))
    throw new CommandFailure(EXIT.usage, `${parsed.origin} is not encrypted. Use https.`);
  return parsed.href.replace(/\/+$/, '');
}

const isLoopback = (host: string) => host === 'localhost' || host === '[::1]' || /^127(?:\.\d+){3}$/.test(host);

/** Reports each request without its headers, which hold the credential, and without its query. */
function reporting(context: Context): Fetch {
  return async (url, init) => {
    const { pathname } = new URL(url);
    const response = await context.fetch(url, init);
    const requestId = response.headers.get('x-request-id') ?? '-';
    toStderr(context, `${init.method ?? 'GET'} ${pathname} ${response.status} ${requestId}\n`);
    return response;
  };
}
