import type { LatchkeyClient } from '../../client/client.ts';
import { connectOpenly, profileNameOf } from '../connection.ts';
import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import type { ConnectionFlags } from '../flags.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { signInByDevice } from './device-flow.ts';
import { withLock } from './lock.ts';
import { signInMachine } from './machine.ts';
import { fileOf, writeProfile } from './profiles.ts';
import type { Credential, Profile } from './profiles.ts';
import { sealForLogin } from './sealed-credential.ts';

const LONGEST_TOKEN = 16_384;

export type LoginFlags = ConnectionFlags & {
  org?: string;
  withToken?: boolean;
  machine?: boolean;
  clientId?: string;
  inFile?: boolean;
};

/** Signs a person or a machine in at WorkOS, or stores a token from standard input. */
export const login = command(async (context: Context, flags: LoginFlags): Promise<Outcome> => {
  const { client, url } = connectOpenly(context, flags);
  const profile: Profile = { url, credential: await credentialOf(context, flags, client) };
  const name = profileNameOf(context, flags);
  const note = await withLock(context, async () => store(context, flags, name, profile));
  toStderr(context, `Signed in to ${url}. The credential is in ${fileOf(context.folder)}, ${note}\n`);
  return undefined;
});

/** Stores a credential under a key of the keychain, or plain where there is none. @returns which, as a person reads it */
async function store(context: Context, { inFile }: LoginFlags, name: string, profile: Profile): Promise<string> {
  const sealed = inFile
    ? 'as you asked'
    : await sealForLogin(context, name, profile).catch((error: unknown) => {
        context.signal.throwIfAborted();
        return `because there is no keychain: ${(error as Error).message}`;
      });
  const isSealed = typeof sealed !== 'string';
  await writeProfile(context.folder, name, isSealed ? sealed : profile);
  return isSealed ? 'sealed with a key in the keychain.' : `which only you can read, ${sealed}.`;
}

async function credentialOf(context: Context, flags: LoginFlags, client: LatchkeyClient): Promise<Credential> {
  const { withToken, machine, clientId } = flags;
  if (withToken && machine) throw new CommandFailure(EXIT.usage, 'Give --with-token or --machine, not both.');
  if (machine !== (clientId !== undefined ? true : undefined))
    throw new CommandFailure(EXIT.usage, '--machine needs --client-id, and --client-id needs --machine.');
  if (withToken) return { kind: 'token', token: await readSecret(context, TOKEN_USE) };
  const clientSecret = clientId === undefined ? undefined : await readSecret(context, SECRET_USE);
  const meta = await client.meta.get({ signal: context.signal });
  if (clientId === undefined || clientSecret === undefined) return signInByDevice(context, meta, flags.org);
  return signInMachine(context, meta, { clientId, clientSecret });
}

const TOKEN_USE = 'Give one token on standard input, such as: echo "$TOKEN" | latchkey login --with-token';
const SECRET_USE =
  'Give the secret of the client on standard input, such as: … | latchkey login --machine --client-id ID';

async function readSecret(context: Context, use: string): Promise<string> {
  const secret = (await context.readStdin(LONGEST_TOKEN)).trim();
  if (!/^[\x21-\x7e]+$/.test(secret)) throw new CommandFailure(EXIT.usage, use);
  return secret;
}
