import { generateHelpTextForAllCommands } from '@stricli/core';
import type { Application, CommandContext } from '@stricli/core';
import { makeApplication } from '../../src/command/application.ts';
import { makePage } from './page.ts';
import type { Page } from './page.ts';

const INTRODUCTION = `\`latchkey\` calls a running Latchkey. Each command describes itself with \`--help\`. Unknown commands, flags and values suggest the
nearest. [How to use it](../how-to/use-the-command.md).`;
const OUTPUT = `Results go to standard output, all else to standard error: to a terminal as a table, otherwise as lines of cells separated by tabs
and without a header. \`--json\` prints the API's answer as it is, and the API's error envelope for an error. \`--fields\` chooses fields by the API's
names; \`list_metadata.after\` is a field within a field.`;
const CODES = `| exit code | \`keys verify\`, \`ci policy diff\`, \`config lint\`, \`scan\`, \`doctor\` | every other command |
| --- | --- | --- |
| 0 | valid; no change; no fault; no key; no problem | done |
| 1 | not valid; a change; a fault; a key; a problem | failed: no answer, or something broke; an answer \`no\` to the question |
| 2 | could not look | wrong arguments, or refused input (400) |
| 3 | | refused: 403, 409, 423, 429 |
| 4 | | not signed in: 401 |
| 5 | | not found: 404 |
| 130 | interrupted | interrupted |`;
const VARIABLES = `| variable | meaning |
| --- | --- |
| \`LATCHKEY_URL\` | URL of Latchkey, where \`--url\` is not given |
| \`LATCHKEY_TOKEN\` | a service token, machine token, session's access token or API key; before any profile |
| \`LATCHKEY_PROFILE\` | profile that \`latchkey login\` stored; \`default\` unless set |
| \`LATCHKEY_CONFIG_HOME\` | folder of the profiles; \`latchkey\` in \`XDG_CONFIG_HOME\` or \`~/.config\` unless set |`;

/** Returns the page of the command \`latchkey\`: what its \`--help\` prints. */
export function latchkeyPage(): Promise<Page> {
  // To describe a command needs nothing of what it runs with.
  const application = makeApplication('0') as unknown as Application<CommandContext>;
  const commands = generateHelpTextForAllCommands(application);
  return makePage({
    file: 'latchkey.md',
    title: 'The command latchkey',
    introduction: INTRODUCTION,
    parts: [
      `## Output\n\n${OUTPUT}`,
      `## Exit codes\n\n${CODES}`,
      `## Variables\n\n${VARIABLES}`,
      '## Commands',
      ...commands.map(([name, help]) => `### \`${name}\`\n\n\`\`\`text\n${help.trim()}\n\`\`\``),
    ],
    entries: commands.map(([name, help]) => ({ name, meaning: help })),
  });
}
