import { createHash } from 'node:crypto';
import type { Context } from '../context.ts';

/** The system's keychain as its own tool reaches it. It holds one short text for each file of credentials. */
export type Keychain = {
  /** As a sentence names it. */
  name: string;
  /** Returns undefined where the keychain has nothing. @throws Error where it cannot be asked */
  read: (timeoutMs: number) => Promise<string | undefined>;
  write: (text: string, timeoutMs: number) => Promise<void>;
  remove: (timeoutMs: number) => Promise<void>;
};

const SERVICE = 'latchkey';
/** How `security` ends for an item that is not there. */
const NOT_FOUND = 44;

/** @param file the file of credentials, by which the keychain names its text */
export function keychainOf(context: Context, file: string): Keychain | undefined {
  const account = createHash('sha256').update(file).digest('hex').slice(0, 16);
  if (context.platform === 'darwin') return macos(context, account);
  return context.platform === 'linux' ? libsecret(context, account) : undefined;
}

/** The Secret Service of a desktop, such as GNOME's keyring or KWallet. The text goes by standard input. */
function libsecret(context: Context, account: string): Keychain {
  const item = ['service', SERVICE, 'account', account];
  const run = async (timeoutMs: number, args: readonly string[], input?: string) =>
    context.runProgram('secret-tool', args, { timeoutMs, ...(input !== undefined && { input }) });
  return {
    name: 'the keychain',
    async read(timeoutMs) {
      const { code, stdout, stderr } = await run(timeoutMs, ['lookup', ...item]);
      // It ends with 1 for an item that is not there, and then says nothing.
      if (code !== 0 && stderr !== '') throw new Error(`secret-tool: ${firstLine(stderr)}`);
      return code === 0 && stdout !== '' ? stdout.trim() : undefined;
    },
    async write(text, timeoutMs) {
      const label = '--label=Latchkey: key of the stored credentials';
      const { code, stderr } = await run(timeoutMs, ['store', label, ...item], text);
      if (code !== 0) throw new Error(`secret-tool: ${firstLine(stderr)}`);
    },
    async remove(timeoutMs) {
      await run(timeoutMs, ['clear', ...item]);
    },
  };
}

/** macOS's keychain of the login. `security -i` reads its commands, and with them the text, from standard input. */
function macos(context: Context, account: string): Keychain {
  const item = ['-s', SERVICE, '-a', account];
  const run = async (timeoutMs: number, args: readonly string[], input?: string) =>
    context.runProgram('security', args, { timeoutMs, ...(input !== undefined && { input }) });
  return {
    name: 'the keychain',
    async read(timeoutMs) {
      const { code, stdout, stderr } = await run(timeoutMs, ['find-generic-password', ...item, '-w']);
      if (code === NOT_FOUND) return undefined;
      if (code !== 0) throw new Error(`security: ${firstLine(stderr)}`);
      return stdout.trim();
    },
    async write(text, timeoutMs) {
      const { code, stderr } = await run(timeoutMs, ['-i'], `add-generic-password -U ${item.join(' ')} -w ${text}\n`);
      if (code !== 0) throw new Error(`security: ${firstLine(stderr)}`);
    },
    async remove(timeoutMs) {
      await run(timeoutMs, ['delete-generic-password', ...item]);
    },
  };
}

const firstLine = (text: string) =>
  text
    .trim()
    .replace(/^secret-tool: /, '')
    .split('\n')[0] ?? '';
