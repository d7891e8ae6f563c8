import { access, mkdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { confirm } from '../confirm.ts';
import { serviceUrl } from '../connection.ts';
import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';
import type { ConfirmFlags, ConnectionFlags } from '../flags.ts';
import { replaceFile } from '../replace-file.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { readText, withVariable } from '../sinks/dotenv.ts';
import { starterClient, starterProduct } from './starter.ts';

const LOCAL_URL = 'http://127.0.0.1:3000';
const USUAL = 0o644;

export type InitFlags = ConfirmFlags & Pick<ConnectionFlags, 'url' | 'profile'> & { folder?: string; name?: string };
/** Without a mode the file keeps its own; a new one is its owner's alone. */
type Planned = { name: string; text: string; mode?: number };

/** Writes what a newcomer begins with. Nothing that is there is replaced unasked, and nothing is written before that is clear. */
export const init = command(
  async (context: Context, flags: InitFlags, part: 'client' | 'product' = 'client'): Promise<Outcome> => {
    const folder = resolve(context.workingFolder, flags.folder ?? '.');
    const [file, next] = part === 'client' ? await planClient(folder) : planProduct(flags, folder);
    if (await exists(join(folder, file.name))) await confirm(context, flags, `Replace ${file.name}?`);
    await mkdir(folder, { recursive: true });
    const files = [file, ...(part === 'client' ? await planEnvironment(context, flags, folder) : [])];
    context.signal.throwIfAborted();
    for (const { name, text, mode } of files) await replaceFile(join(folder, name), text, mode);
    toStderr(context, `Wrote ${files.map(({ name }) => name).join(', ')}.\n${next}\n`);
    return undefined;
  },
);

async function planClient(folder: string): Promise<[Planned, string]> {
  const isTypeScript = await exists(join(folder, 'tsconfig.json'));
  const name = isTypeScript ? 'latchkey.ts' : 'latchkey.mjs';
  return [
    { name, text: starterClient(isTypeScript), mode: USUAL },
    'Next: npm install latchkey, and put a service token into LATCHKEY_TOKEN of .env.',
  ];
}

function planProduct({ name }: InitFlags, folder: string): [Planned, string] {
  const text = starterProduct(name ?? basename(folder));
  return [{ name: 'latchkey.yaml', text, mode: USUAL }, 'Next: latchkey config lint latchkey.yaml'];
}

/** Variables that are missing in .env, and .env in .gitignore where Git would take it along. Every other line stays. */
async function planEnvironment(context: Context, flags: InitFlags, folder: string): Promise<Planned[]> {
  const old = await readText(join(folder, '.env'));
  const url = await serviceUrl(context, flags, LOCAL_URL);
  const text = withMissing(withMissing(old, 'LATCHKEY_URL', url), 'LATCHKEY_TOKEN', '');
  const planned = text === old ? [] : [{ name: '.env', text }];
  // Exits with 1 for a file that is not ignored, and with 128 outside of a repository.
  const asked = await context.runProgram('git', ['-C', folder, 'check-ignore', '-q', '.env']).catch(() => undefined);
  if (asked?.code !== 1) return planned;
  const ignored = await readText(join(folder, '.gitignore'));
  const gap = ignored === '' || ignored.endsWith('\n') ? '' : '\n';
  return [...planned, { name: '.gitignore', text: `${ignored}${gap}.env\n`, mode: USUAL }];
}

const withMissing = (text: string, name: string, value: string) =>
  new RegExp(`^(?:export\\s+)?${name}\\s*=`, 'm').test(text) ? text : withVariable(text, name, value);

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
