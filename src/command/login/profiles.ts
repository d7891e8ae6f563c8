import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandFailure, EXIT } from '../failure.ts';
import { replaceFile } from '../replace-file.ts';

/** What login stored of a session at WorkOS, which is renewed. */
export type StoredSession = {
  kind: 'session';
  accessToken: string;
  refreshToken: string;
  /** Where the session is renewed: WorkOS's API, and the id of the application there. */
  workosUrl: string;
  clientId: string;
};
/** A service token or a machine token, which is not renewed. */
export type StoredToken = { kind: 'token'; token: string };
/** An M2M application of WorkOS, whose tokens its secret renews. */
export type StoredMachine = {
  kind: 'machine';
  accessToken: string;
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
};
export type Credential = StoredSession | StoredToken | StoredMachine;
export type Profile = { url: string; credential: Credential };
/** A profile in the file: its credential is sealed with a key in the keychain, or plain where there is no keychain. */
export type StoredProfile = Profile | { url: string; sealed: string };
type Profiles = Record<string, StoredProfile>;

const FILE = 'credentials.json';
export const DEFAULT_PROFILE = 'default';

export const fileOf = (folder: string) => join(folder, FILE);

/** Reads all profiles; none, if there is no file. @throws CommandFailure for a file that others can read, or a broken one */
export async function readProfiles(folder: string): Promise<Profiles> {
  const text = await readPrivate(fileOf(folder));
  if (text === undefined) return {};
  try {
    const { profiles } = JSON.parse(text) as { profiles: Profiles };
    return profiles;
  } catch (error) {
    throw new CommandFailure(EXIT.failed, `${fileOf(folder)} is not readable as JSON. Run latchkey login again.`, {
      cause: error,
    });
  }
}

async function readPrivate(path: string): Promise<string | undefined> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { mode } = await file.stat();
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new CommandFailure(EXIT.failed, `Others can read ${path}. Run chmod 600 on it.`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

export async function readProfile(folder: string, name: string): Promise<StoredProfile | undefined> {
  const profiles = await readProfiles(folder);
  return Object.hasOwn(profiles, name) ? profiles[name] : undefined;
}

/** Replaces one profile, or removes it; the others stay. The caller holds the lock. */
export async function writeProfile(folder: string, name: string, profile: StoredProfile | undefined): Promise<void> {
  const { [name]: _, ...others } = await readProfiles(folder);
  const profiles = profile === undefined ? others : { ...others, [name]: profile };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await replaceFile(fileOf(folder), `${JSON.stringify({ profiles }, undefined, 2)}\n`, 0o600);
}
