#!/usr/bin/env node
import { COMMANDS, callAs } from './commands.ts';
import type { CommandName } from './commands.ts';

// `latchkey-server NAME [ARGUMENT ...]` of the installed package: serves, or runs a command that operates Latchkey. A name of two
// parts is written with a space or a colon: `audit verify`.
const NEEDED_MAJOR = 24;
const PROGRAM = 'latchkey-server';

type Start = () => Promise<unknown>;
const STARTS: Readonly<Record<'serve' | 'dev' | Exclude<CommandName, 'start'>, Start>> = {
  serve: async () => import('../main.ts'),
  dev: async () => import('../embedded.ts'),
  workos: async () => import('./local-workos.ts'),
  migrate: async () => import('./migrate.ts'),
  doctor: async () => import('./doctor.ts'),
  reconcile: async () => import('./reconcile.ts'),
  'workos:events': async () => import('./workos-events.ts'),
  webhooks: async () => import('./webhooks.ts'),
  'webhooks:incoming': async () => import('./incoming-webhooks.ts'),
  import: async () => import('./keys/import.ts'),
  'dead-letters': async () => import('./dead-letters.ts'),
  'audit:verify': async () => import('./audit-verify.ts'),
  'audit:close-upgrade': async () => import('./audit-close-upgrade.ts'),
  'audit:schemas': async () => import('./audit-schemas.ts'),
  'config:lint': async () => import('./config-lint.ts'),
  scan: async () => import('./scan.ts'),
};
const OWN = {
  serve: 'Starts Latchkey on PostgreSQL, as the environment says.',
  dev: COMMANDS.start.meaning,
};

const [first = '', second = '', ...others] = process.argv.slice(2);
const start = namedStart([`${first}:${second}`, others], [first, process.argv.slice(3)]);

if (Number(process.versions.node.split('.')[0]) < NEEDED_MAJOR)
  fail(`Latchkey needs Node ${NEEDED_MAJOR} or newer; this is ${process.version}.`);
else if (start) {
  callAs(PROGRAM);
  await start();
} else if (first === '--help' || first === '-h') process.stdout.write(`${overview()}\n`);
else fail(overview());

/** Finds the command, and leaves its own arguments in `process.argv`. */
function namedStart(...ways: (readonly [name: string, rest: readonly string[]])[]): Start | undefined {
  for (const [name, rest] of ways) {
    if (!Object.hasOwn(STARTS, name)) continue;
    process.argv.splice(2, Infinity, ...rest);
    return STARTS[name as keyof typeof STARTS];
  }
  return undefined;
}

function overview(): string {
  const names = Object.keys(STARTS) as (keyof typeof STARTS)[];
  const width = Math.max(...names.map((name) => name.length));
  const meaningOf = (name: keyof typeof STARTS) =>
    name === 'serve' || name === 'dev' ? OWN[name] : COMMANDS[name].meaning;
  const lines = names.map(
    (name) => `  ${name.replace(':', ' ').padEnd(width)}  ${meaningOf(name).replaceAll('`', '')}`,
  );
  return [
    `Usage: ${PROGRAM} COMMAND [ARGUMENT ...]`,
    '',
    ...lines,
    '',
    `${PROGRAM} COMMAND --help describes a command.`,
  ].join('\n');
}

function fail(text: string): void {
  process.stderr.write(`${text}\n`);
  process.exitCode = 2;
}
