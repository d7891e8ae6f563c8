import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import { withLock } from './lock.ts';
import { machineToken } from './machine.ts';
import { readProfile, writeProfile } from './profiles.ts';
import type { Credential, StoredProfile } from './profiles.ts';
import { openCredential, sealAs } from './sealed-credential.ts';
import { endOf, renewTokens } from './workos.ts';

/** A token that ends sooner than this is renewed first, so that it does not end on its way. */
const MARGIN_MS = 30_000;

/** Returns what gives the token of a profile; one that is about to end is renewed first, once for all commands. */
export function currentToken(context: Context, name: string, stored: StoredProfile): () => Promise<string> {
  let opened: Credential | undefined;
  return async () => {
    opened ??= await openCredential(context, name, stored);
    if (!isFresh(context, opened)) opened = await renew(context, name);
    return opened.kind === 'token' ? opened.token : opened.accessToken;
  };
}

async function renew(context: Context, name: string): Promise<Credential> {
  return withLock(context, async () => {
    // Another command may have renewed it meanwhile: a refresh token works once.
    const stored = await readProfile(context.folder, name);
    const credential = stored && (await openCredential(context, name, stored));
    if (!credential || credential.kind === 'token')
      throw new CommandFailure(EXIT.signIn, `Profile ${name} was signed out meanwhile. Run latchkey login.`);
    if (isFresh(context, credential)) return credential;
    const renewed = await renewedBy(context, credential);
    await writeProfile(context.folder, name, await sealAs(context, name, stored, renewed));
    return renewed;
  });
}

async function renewedBy(context: Context, credential: Exclude<Credential, { kind: 'token' }>): Promise<Credential> {
  if (credential.kind === 'machine') return { ...credential, accessToken: await machineToken(context, credential) };
  const { accessToken, refreshToken } = await renewTokens(context, credential, credential.refreshToken);
  return { ...credential, accessToken, refreshToken };
}

function isFresh({ now }: Context, credential: Credential): boolean {
  return credential.kind === 'token' || endOf(credential.accessToken) - now().getTime() > MARGIN_MS;
}
