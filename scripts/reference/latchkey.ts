import { readFileSync } from 'node:fs';
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
const CREDENTIALS = `\`latchkey login\` stores one credential for each profile in \`credentials.json\`, a file that its owner alone can read and that is replaced at
once. The credential is sealed in it (AES-256-GCM) with a key in the system's keychain: on Linux the Secret Service, by libsecret's
\`secret-tool\`; on macOS the keychain of the login, by \`security\`. Where there is none, or it does not answer within two seconds, \`login\` says so, and the credential is plain
in the file; \`--in-file\` asks for that. The kind of storage stays when a session is renewed.

- The command uses the systems' own tools because the package has no dependency: a native module for each platform would be
  larger than the whole command. The key goes by standard input, never on a command line.
- The keychain holds the key instead of the credential because \`security\` takes 4,096 characters, and sessions are longer. A keychain protects
  from copies of the file, such as backups; programs of the same user can ask it, too.
- A sealed credential opens for its own profile and URL alone, so that a changed file sends it nowhere else.
- \`--machine\` stores the id and the secret of an M2M application, and renews its tokens by them.`;
const SESSIONS_ARE_RUN = `Below the help of a command stands a session of it at a terminal. A test runs each against a service, and compares; ids, times and
secrets are replaced.`;
const VARIABLES = `| variable | meaning |
| --- | --- |
| \`LATCHKEY_URL\` | URL of Latchkey, where \`--url\` is not given |
| \`LATCHKEY_TOKEN\` | a service token, machine token, session's access token or API key; before any profile |
| \`LATCHKEY_PROFILE\` | profile that \`latchkey login\` stored; \`default\` unless set |
| \`LATCHKEY_CONFIG_HOME\` | folder of the profiles; \`latchkey\` in \`XDG_CONFIG_HOME\` or \`~/.config\` unless set |`;

/** By the command: what a person sees who runs it, as `npm run docs:sessions` recorded it. */
const SESSIONS = JSON.parse(readFileSync(new URL('latchkey-sessions.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;
const fenced = (text: string) => `\`\`\`text\n${text.trim()}\n\`\`\``;

/** Returns the page of the command `latchkey`: what its `--help` prints, and a session of each. */
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
      `## Stored credentials\n\n${CREDENTIALS}`,
      `## Variables\n\n${VARIABLES}`,
      '## Commands',
      SESSIONS_ARE_RUN,
      ...commands.map(([name, help]) => {
        const session = SESSIONS[name];
        return [`### \`${name}\``, fenced(help), ...(session === undefined ? [] : [fenced(session)])].join('\n\n');
      }),
    ],
    entries: commands.map(([name, help]) => ({ name, meaning: help })),
  });
}
