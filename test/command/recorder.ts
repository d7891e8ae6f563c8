import { generateHelpTextForAllCommands } from '@stricli/core';
import type { Application, CommandContext } from '@stricli/core';
import { makeApplication } from '../../src/command/application.ts';
import { openTerminal } from './terminal.ts';
import type { Ran } from './terminal.ts';

type Options = Parameters<typeof openTerminal>[0];
type Recording = Options & {
  /** What stands before the command, such as what it reads. */
  before?: string;
};

/** The commands, such as `latchkey keys list`. */
export const COMMANDS = generateHelpTextForAllCommands(
  makeApplication('0') as unknown as Application<CommandContext>,
).map(([name]) => name);

/** Runs commands for a person at a terminal, and keeps what such a one sees, by the command. */
export function makeRecorder(folder: string, replacements: () => readonly (readonly [string, string])[]) {
  const sessions: Record<string, string> = {};
  const replace = makeReplace();

  /** @returns what the command printed, as it is */
  async function record(args: readonly string[], { before = '', ...options }: Recording = {}): Promise<Ran> {
    let seen = '';
    const onText = (text: string) => void (seen += text);
    const terminal = await openTerminal({ person: 'y', ...options, folder, onText });
    const ran = await terminal.run(...args);
    const end = ran.code === 0 ? '' : `[exit code ${ran.code}]\n`;
    const text = `$ ${before}latchkey ${args.map(quoted).join(' ')}\n${seen}${end}`;
    const name = nameOf(args);
    sessions[name] = `${sessions[name] === undefined ? '' : `${sessions[name]}\n`}${replace(text, replacements())}`;
    return ran;
  }
  return { record, sessions };
}

function nameOf(args: readonly string[]): string {
  const line = `latchkey ${args.join(' ')} `;
  const [name] = COMMANDS.filter((each) => line.startsWith(`${each} `)).toSorted((a, b) => b.length - a.length);
  if (name === undefined) throw new Error(`there is no command ${line}`);
  return name;
}

const quoted = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text}'`);

/** What differs from run to run, by what stands for it: as long as it is, so that columns stay. */
const VARYING: readonly [RegExp, string][] = [
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-11-22T09:00:00.000Z'],
  [/(?<=\b[a-z_]+_)[0-9A-HJKMNP-TV-Z]{26}\b/g, '01M80W7G900000000000000000'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '019a0000-0000-7000-8000-000000000000'],
  [/(?<=\b(?:org|user|session|service|client_ci)_)[0-9a-f]{12}/g, 'acme00000000'],
  [/(?<=\breq_)[0-9a-f]{24}/g, '6ce14bb60000000000000000'],
  [/\b[0-9a-f]{12}(?=@)/g, 'ada000000000'],
  [/\bsk_[A-Za-z0-9_]{20,}/g, 'sk_THE_SECRET_OF_THE_KEY'],
  [/(?<=\bsk_(?:…|\.\.\.))\w{4}/g, 'wxyz'],
  [/\b[A-Z0-9]{4}-[A-Z0-9]{4}\b/g, 'XMGV-DPVV'],
  [/(?<=^CREATED {2,})\S.*$/gm, 'now'],
  // The service has asked WorkOS by then, or not yet.
  [/(?<=ok {7}WorkOS: )unknown/g, 'up'],
  [/(?<=events of WorkOS: )unknown/g, 'ok'],
];

/** Different values stay different: the last characters count them. */
function makeReplace() {
  const known = new Map<string, string>();
  return (text: string, fixed: readonly (readonly [string, string])[]) => {
    const named = fixed.reduce((result, [from, to]) => result.replaceAll(from, to), text);
    return VARYING.reduce(
      (result, [pattern, stands]) =>
        result.replaceAll(pattern, (found) => {
          if (/^(?:sk_|20|XMGV|wxyz|ok|up|now)/.test(stands)) return stands;
          const number = String([...known.keys()].filter((each) => each.length === found.length).length + 1);
          if (!known.has(found)) known.set(found, stands.slice(0, stands.length - number.length) + number);
          return known.get(found)!;
        }),
      named,
    );
  };
}
