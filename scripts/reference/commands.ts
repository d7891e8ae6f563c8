import { COMMANDS, callOf, describeOption } from '../../src/cli/commands.ts';
import type { Command } from '../../src/cli/commands.ts';
import { codes, makePage, tableOf } from './page.ts';
import type { Entry, Page } from './page.ts';
import { CHECKS, WRITING } from './repository-scripts.ts';
import type { RepositoryScript } from './repository-scripts.ts';

const INTRODUCTION = `All run in a clone after \`npm ci\`. A command that operates Latchkey describes itself with \`--help\`, and writes results to
standard output and all else to standard error.`;
const FORMER = 'Scripts by these names still work; they name the command that took their place.';
const CHECKING = 'CONTRIBUTING.md says which of these a change must pass.';

type Named = Entry & Command;
type Row = Entry & RepositoryScript;

/** Returns the page of every script of package.json: commands by what `--help` prints, the others by their list. */
export function commandsPage(): Promise<Page> {
  const commands = Object.entries<Command>(COMMANDS).map(([name, command]) => ({ ...command, name }));
  const former = commands.flatMap(({ oldName, name }) =>
    oldName === undefined ? [] : [{ name: oldName, meaning: `\`${callOf(name)}\`` }],
  );
  const [writing, checks] = [rowsOf(WRITING), rowsOf(CHECKS)];
  return makePage({
    file: 'commands.md',
    title: 'Commands',
    introduction: INTRODUCTION,
    parts: [
      `## Operate\n\n${tableOf(OVERVIEW, { entries: commands })}`,
      ...commands.map(detailsOf),
      `## Former names\n\n${FORMER}\n\n${tableOf(FORMER_NAMES, { entries: former })}`,
      `## Write and build\n\n${tableOf(SCRIPTS, { entries: writing })}`,
      `## Check a change\n\n${CHECKING}\n\n${tableOf(SCRIPTS, { entries: checks })}`,
    ],
    entries: [...commands, ...former, ...writing, ...checks],
  });
}

const OVERVIEW = {
  command: ({ name }: Named) => `[\`${callOf(name)}\`](#${callOf(name).replaceAll(' ', '-').replaceAll(':', '')})`,
  'what it does': ({ meaning }: Named) => meaning,
  guide: ({ guide }: Named) => guide,
};
const FORMER_NAMES = {
  'former name': ({ name }: Entry) => codes([callOf(name)]),
  command: ({ meaning }: Entry) => meaning,
};
const SCRIPTS = {
  command: ({ name }: Row) => codes([callOf(name)]),
  'what it does': ({ meaning }: Row) => meaning,
  needs: ({ needs = '' }: Row) => needs,
};
const OPTIONS = {
  option: ({ name }: Entry) => codes([`--${name}`]),
  meaning: ({ meaning }: Entry) => meaning,
};
const EXIT_CODES = { 'exit code': ({ name }: Entry) => name, meaning: ({ meaning }: Entry) => meaning };

function detailsOf({ name, usage, options, exitCodes }: Named): string {
  const given = Object.entries(options).map(([option, its]) => ({ name: option, meaning: describeOption(its) }));
  const codesOf = Object.entries(exitCodes).map(([code, meaning]) => ({ name: code, meaning }));
  return [
    `### \`${callOf(name)}\``,
    ...(usage.length > 0 ? [usage.map((way) => `- ${codes([callOf(name, way)])}`).join('\n')] : []),
    ...(given.length > 0 ? [tableOf(OPTIONS, { entries: given })] : []),
    tableOf(EXIT_CODES, { entries: codesOf }),
  ].join('\n\n');
}

function rowsOf(scripts: Readonly<Record<string, RepositoryScript>>): Row[] {
  return Object.entries(scripts).map(([name, script]) => ({ ...script, name }));
}
