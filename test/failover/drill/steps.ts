import { join } from 'node:path';
import { runChild } from '../../support/child.ts';
import { blocksOf, ROOT } from '../../documents/pages.ts';
import { OWNER, binaries } from '../postgres.ts';

type Env = Readonly<Record<string, string>>;
type Options = { env?: Env; as?: 'operator' | 'database'; at?: Env };

/** The commands of a page that a drill names as its own, in their order. */
export function commandsOf(page: string, drill: string): string[] {
  const own = blocksOf(page).filter(({ marker }) => marker === `checked by: test/failover/${drill}`);
  if (own.length === 0) throw new Error(`${page} has no commands that ${drill} plays`);
  return own.map(({ text }) => text);
}

/**
 * Runs commands of a page as they stand, but for the places (`at`) that are others here.
 * @returns what they print
 * @throws Error unless each succeeds
 */
export async function play(text: string, { env = {}, as = 'operator', at = {} }: Options = {}): Promise<string> {
  const script = Object.entries(at).reduce((all, [place, here]) => replaced(all, place, here), text);
  const command = ['bash', '-euo', 'pipefail', '-c', script];
  const isOther = as === 'database' && process.getuid?.() === 0;
  const [program, ...args] = (isOther ? ['runuser', '-u', OWNER, '--', ...command] : command) as [string, ...string[]];
  const path = [binaries(), join(ROOT, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(':');
  const ran = await runChild(program, args, { cwd: isOther ? '/' : ROOT, env: { ...env, PATH: path } });
  if (ran.code !== 0) throw new Error(`exit code ${ran.code} of\n${script}\n${ran.stdout}\n${ran.stderr}`);
  return ran.stdout;
}

/** The variables that a page sets in a block of their own. */
export async function variablesOf(text: string, env: Env): Promise<Record<string, string>> {
  const names = Array.from(text.matchAll(/^(\w+)=/gm), ([, name]) => name!);
  const shown = await play(`${text}\n${names.map((name) => `printf '%s\\n' "$${name}"`).join('\n')}`, { env });
  const values = shown.split('\n');
  return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
}

function replaced(text: string, place: string, here: string): string {
  if (!text.includes(place)) throw new Error(`the page does not name ${place}`);
  return text.replaceAll(place, here);
}
