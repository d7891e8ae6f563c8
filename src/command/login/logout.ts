import { connect, profileNameOf } from '../connection.ts';
import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';
import { failureOf } from '../failure.ts';
import type { ConnectionFlags } from '../flags.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { withLock } from './lock.ts';
import { readProfile, writeProfile } from './profiles.ts';

/** Ends the session, at WorkOS, too, and forgets the profile. A stored token is only forgotten. */
export const logout = command(async (context: Context, flags: ConnectionFlags): Promise<Outcome> => {
  const name = profileNameOf(context, flags);
  const profile = await readProfile(context.folder, name);
  if (profile?.credential.kind === 'session') await endSession(context, flags);
  await withLock(context, async () => writeProfile(context.folder, name, undefined));
  toStderr(context, profile ? `Signed out of ${profile.url}.\n` : `Profile ${name} was not signed in.\n`);
  return undefined;
});

async function endSession(context: Context, flags: ConnectionFlags): Promise<void> {
  try {
    const client = await connect({ ...context, env: { ...context.env, LATCHKEY_TOKEN: undefined } }, flags);
    await client.auth.logout({ signal: context.signal });
  } catch (error) {
    toStderr(context, `The session could not be ended at the service: ${failureOf(error).message}\n`);
  }
}
