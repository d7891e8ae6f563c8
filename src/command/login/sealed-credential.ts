import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import { keychainOf } from './keychain.ts';
import { fileOf } from './profiles.ts';
import type { Credential, Profile, StoredProfile } from './profiles.ts';

// The keychain holds a key of 32 bytes, and the file the credential that it seals: tokens are longer than what the tools of some
// systems take, and the file is replaced at once and under a lock.
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** A keychain that does not answer sooner at a login is taken for none. */
const PROBE_MS = 2_000;
/** A person may have to unlock it. */
const UNLOCK_MS = 30_000;

/** Seals a new credential. @throws Error with the reason why there is no keychain for it */
export async function sealForLogin(context: Context, name: string, profile: Profile): Promise<StoredProfile> {
  const keychain = keychainOf(context, fileOf(context.folder));
  if (!keychain) throw new Error('this system has none that the command knows');
  const known = readKey(await keychain.read(PROBE_MS).catch(missingTool));
  const key = known ?? randomBytes(KEY_BYTES);
  if (!known) {
    await keychain.write(key.toString('base64url'), PROBE_MS);
    if (readKey(await keychain.read(PROBE_MS))?.equals(key) !== true)
      throw new Error('it does not give back what it got');
  }
  return seal(name, profile, key);
}

/** Stores a renewed credential as the one before was: sealed, or plain. */
export async function sealAs(
  context: Context,
  name: string,
  before: StoredProfile,
  credential: Credential,
): Promise<StoredProfile> {
  const profile = { url: before.url, credential };
  return 'sealed' in before ? seal(name, profile, await keyFor(context)) : profile;
}

/** @throws CommandFailure where the keychain does not have the key, or another one */
export async function openCredential(context: Context, name: string, stored: StoredProfile): Promise<Credential> {
  if ('credential' in stored) return stored.credential;
  const key = await keyFor(context);
  try {
    const bytes = Buffer.from(stored.sealed, 'base64url');
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(placeOf(name, stored.url));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    return JSON.parse(text.toString()) as Credential;
  } catch (error) {
    throw new CommandFailure(
      EXIT.signIn,
      `Profile ${name} was sealed with another key, or changed. Run latchkey login again.`,
      { cause: error },
    );
  }
}

/** Forgets the key, once no credential needs it. */
export async function forgetKey(context: Context): Promise<void> {
  await keychainOf(context, fileOf(context.folder))
    ?.remove(PROBE_MS)
    .catch(() => undefined);
}

function seal(name: string, { url, credential }: Profile, key: Buffer): StoredProfile {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(placeOf(name, url));
  const sealed = [nonce, cipher.update(JSON.stringify(credential)), cipher.final(), cipher.getAuthTag()];
  return { url, sealed: Buffer.concat(sealed).toString('base64url') };
}

/** A sealed credential opens in its own profile alone: a changed URL must not send it elsewhere. */
const placeOf = (name: string, url: string) => Buffer.from(JSON.stringify([name, url]));

async function keyFor(context: Context): Promise<Buffer> {
  const keychain = keychainOf(context, fileOf(context.folder));
  const text = await keychain?.read(UNLOCK_MS).catch((error: unknown) => {
    context.signal.throwIfAborted();
    throw new CommandFailure(
      EXIT.signIn,
      `The keychain does not open (${(error as Error).message}). Unlock it, or run latchkey login --in-file.`,
      { cause: error },
    );
  });
  const key = readKey(text);
  if (!key)
    throw new CommandFailure(EXIT.signIn, 'The keychain has no key for the credential. Run latchkey login again.');
  return key;
}

function readKey(text: string | undefined): Buffer | undefined {
  const key = Buffer.from(text ?? '', 'base64url');
  return key.length === KEY_BYTES ? key : undefined;
}

function missingTool(error: unknown): never {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  const { path } = error as NodeJS.ErrnoException;
  throw new Error(`${path ?? 'its tool'} is not installed`, { cause: error });
}
