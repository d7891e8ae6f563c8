import { connectOpenly, profileNameOf } from '../connection.ts';
import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import type { ConnectionFlags } from '../flags.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { signInByDevice } from './device-flow.ts';
import { withLock } from './lock.ts';
import { fileOf, writeProfile } from './profiles.ts';
import type { Profile } from './profiles.ts';

const LONGEST_TOKEN = 16_384;

export type LoginFlags = ConnectionFlags & { org?: string; withToken?: boolean };

/** Signs a person in at WorkOS, or stores a service token or machine token from standard input. */
export const login = command(async (context: Context, flags: LoginFlags): Promise<Outcome> => {
  const { client, url } = connectOpenly(context, flags);
  const credential = flags.withToken
    ? await readToken(context)
    : await signInByDevice(context, await client.meta.get({ signal: context.signal }), flags.org);
  const profile: Profile = { url, credential };
  const name = profileNameOf(context, flags);
  await withLock(context, async () => writeProfile(context.folder, name, profile));
  toStderr(context, `Signed in to ${url}. The credential is in ${fileOf(context.folder)}, which only you can read.\n`);
  return undefined;
});

async function readToken(context: Context): Promise<Profile['credential']> {
  const token = (await context.readStdin(LONGEST_TOKEN)).trim();
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new CommandFailure(
      EXIT.usage,
      'Give one token on standard input, such as: echo "$TOKEN" | latchkey login --with-token',
    );
  return { kind: 'token', token };
}
