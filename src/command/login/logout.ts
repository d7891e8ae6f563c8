import { connect, profileNameOf } from '../connection.ts';
import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';
import { failureOf } from '../failure.ts';
import type { ConnectionFlags } from '../flags.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { withLock } from './lock.ts';
import { readProfile, readProfiles, writeProfile } from './profiles.ts';
import type { StoredProfile } from './profiles.ts';
import { forgetKey, openCredential } from './sealed-credential.ts';

/** Ends the session, at WorkOS, too, and forgets the profile. A stored token is only forgotten. */
export const logout = command(async (context: Context, flags: ConnectionFlags): Promise<Outcome> => {
  const name = profileNameOf(context, flags);
  const profile = await readProfile(context.folder, name);
  if (profile && (await isSession(context, name, profile))) await endSession(context, flags);
  await withLock(context, async () => writeProfile(context.folder, name, undefined));
  if (profile && 'sealed' in profile && !(await hasSealed(context))) await forgetKey(context);
  toStderr(context, profile ? `Signed out of ${profile.url}.\n` : `Profile ${name} was not signed in.\n`);
  return undefined;
});

/** A credential that does not open any more is forgotten as it is. */
async function isSession(context: Context, name: string, profile: StoredProfile): Promise<boolean> {
  const credential = await openCredential(context, name, profile).catch((error: unknown) => {
    toStderr(context, `${failureOf(error).message}\n`);
  });
  return credential?.kind === 'session';
}

async function hasSealed({ folder }: Context): Promise<boolean> {
  return Object.values(await readProfiles(folder)).some((profile) => 'sealed' in profile);
}

async function endSession(context: Context, flags: ConnectionFlags): Promise<void> {
  try {
    const client = await connect({ ...context, env: { ...context.env, LATCHKEY_TOKEN: undefined } }, flags);
    await client.auth.logout({ signal: context.signal });
  } catch (error) {
    toStderr(context, `The session could not be ended at the service: ${failureOf(error).message}\n`);
  }
}
