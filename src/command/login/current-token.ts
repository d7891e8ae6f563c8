import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import { withLock } from './lock.ts';
import { readProfile, writeProfile } from './profiles.ts';
import type { Profile, StoredSession } from './profiles.ts';
import { endOf, renewTokens } from './workos.ts';

/** A token that ends sooner than this is renewed first, so that it does not end on its way. */
const MARGIN_MS = 30_000;

/** Returns the credential of a profile; a session that is about to end is renewed first, once for all commands. */
export async function currentToken(context: Context, name: string, { credential }: Profile): Promise<string> {
  if (credential.kind === 'token') return credential.token;
  return isFresh(context, credential) ? credential.accessToken : renew(context, name);
}

async function renew(context: Context, name: string): Promise<string> {
  return withLock(context, async () => {
    // Another command may have renewed it meanwhile: a refresh token works once.
    const profile = await readProfile(context.folder, name);
    const stored = profile?.credential;
    if (!profile || stored?.kind !== 'session')
      throw new CommandFailure(EXIT.signIn, `Profile ${name} was signed out meanwhile. Run latchkey login.`);
    if (isFresh(context, stored)) return stored.accessToken;
    const { accessToken, refreshToken } = await renewTokens(context, stored, stored.refreshToken);
    await writeProfile(context.folder, name, { ...profile, credential: { ...stored, accessToken, refreshToken } });
    return accessToken;
  });
}

function isFresh({ now }: Context, { accessToken }: StoredSession): boolean {
  return endOf(accessToken) - now().getTime() > MARGIN_MS;
}
