import type { ParseArgsOptionsConfig } from 'node:util';

/** What `--help` prints of a command, and docs/reference/commands.md. */
export type Command = {
  /** What it does, as one sentence that begins with a verb. */
  meaning: string;
  /** What stands after `npm run NAME --`, one way of use each; empty where nothing does. */
  usage: readonly string[];
  options: ParseArgsOptionsConfig & Readonly<Record<string, { meaning: string }>>;
  exitCodes: Readonly<Record<number, string>>;
  /** The page that says when to run it. */
  guide: string;
  /** The npm script's former name, which still works. */
  oldName?: string;
};

/** The commands that operate Latchkey, by their npm script. */
export const COMMANDS = {
  start: {
    meaning: 'Starts Latchkey on loopback with an embedded database and a local WorkOS.',
    usage: [],
    options: {},
    exitCodes: { 0: 'stopped by a signal', 1: 'did not start' },
    guide: 'docs/tutorials/first-key.md',
  },
  workos: {
    meaning: 'Starts the local WorkOS alone.',
    usage: ['[--seed FILE]'],
    options: {
      seed: { type: 'string', meaning: 'a YAML file with the world to begin with; else `LOCAL_WORKOS_SEED`' },
    },
    exitCodes: { 0: 'stopped by a signal', 1: 'did not start' },
    guide: 'docs/how-to/use-the-local-workos.md',
  },
  migrate: {
    meaning: 'Migrates the database of `DATABASE_URL`, as its owner.',
    usage: [],
    options: {},
    exitCodes: { 0: 'up to date', 1: 'failed' },
    guide: 'docs/tutorials/run-in-production.md',
  },
  doctor: {
    meaning: 'Tests in a throwaway organization what Latchkey relies on at the configured WorkOS, and cleans up.',
    usage: [
      '--workos [--report FILE] [--timeout SECONDS] [--email-domain DOMAIN] [--webhook-url URL --webhook-port PORT]',
      '--workos --interactive [--redirect-uri URI]',
      '--workos --burst',
    ],
    options: {
      workos: { type: 'boolean', default: false, meaning: 'examines WorkOS; required' },
      report: { type: 'string', default: 'latchkey-doctor.md', meaning: 'where the report is written' },
      timeout: { type: 'string', meaning: 'seconds to wait for events and webhooks, 1 to 600; 30 unless given' },
      patience: { type: 'string', meaning: 'the former name of `--timeout`' },
      'email-domain': {
        type: 'string',
        meaning: 'a domain under which people may be made; `example.com` unless given',
      },
      'webhook-url': { type: 'string', meaning: 'the public address of a tunnel to this machine' },
      'webhook-port': { type: 'string', default: '8089', meaning: 'the port to which that tunnel leads' },
      interactive: { type: 'boolean', default: false, meaning: 'asks you to confirm a sign-in on a device' },
      'redirect-uri': { type: 'string', meaning: 'with `--interactive`: signs in with a browser, too' },
      burst: {
        type: 'boolean',
        default: false,
        meaning: 'uses up the rate limit of the secret key in `LATCHKEY_DOCTOR_BURST_KEY`',
      },
    },
    exitCodes: {
      0: 'all is as Latchkey assumes, or Latchkey copes',
      1: 'something will not work',
      2: 'could not start, was interrupted, or left something behind, which it names',
    },
    guide: 'docs/how-to/run-the-doctor.md',
  },
  reconcile: {
    meaning: 'Compares the mirror with each configured environment of WorkOS, and repairs the differences.',
    usage: ['[--organization ID] [--dry-run] [--json]'],
    options: {
      organization: { type: 'string', meaning: 'compares one organization' },
      'dry-run': { type: 'boolean', default: false, meaning: 'prints differences only' },
      json: { type: 'boolean', default: false, meaning: 'prints for programs' },
    },
    exitCodes: { 0: 'no difference', 1: 'something could not be read', 2: 'some differences, repaired or not' },
    guide: 'docs/how-to/reconcile.md',
  },
  'workos:events': {
    meaning: 'Lists or retries events of WorkOS that Latchkey stored because it could not read them.',
    usage: ['list [--json] [--limit N]', 'retry'],
    options: {
      json: { type: 'boolean', default: false, meaning: 'prints for programs' },
      limit: { type: 'string', default: '50', meaning: 'how many to list at most, 1 to 10,000' },
    },
    exitCodes: { 0: 'none left', 1: 'some left', 2: 'failed' },
    guide: 'docs/explanation/workos.md',
  },
  webhooks: {
    meaning: 'Lists outgoing webhooks that wait or were given up, oldest first, or sends one again.',
    usage: ['list [--dead] [--organization ID]', 'replay ID'],
    options: {
      dead: { type: 'boolean', default: false, meaning: 'lists only those that were given up' },
      organization: { type: 'string', meaning: 'lists those of one organization' },
    },
    exitCodes: { 0: 'done', 1: 'failed, or there is no such delivery' },
    guide: 'docs/how-to/send-webhooks.md',
    oldName: 'notices',
  },
  'webhooks:incoming': {
    meaning: 'Lists incoming billing webhooks, newest first, or applies one again by the same rules.',
    usage: ['list [--outcome OUTCOME] [--source SOURCE] [--limit N]', 'replay ID'],
    options: {
      outcome: { type: 'string', meaning: 'lists those with this outcome' },
      source: { type: 'string', meaning: 'lists those of one sender: `stripe` or `billing`' },
      limit: { type: 'string', default: '50', meaning: 'how many to list at most, 1 to 10,000' },
    },
    exitCodes: { 0: 'done', 1: 'failed, or the webhook was refused', 2: 'there is no such webhook' },
    guide: 'docs/how-to/receive-billing-webhooks.md',
    oldName: 'hooks',
  },
  import: {
    meaning: 'Imports API keys of another system by their hashes, or plans, shows and undoes an import.',
    usage: [
      'plan NAME --mapping FILE [--report FILE] [--json] SOURCE | --database',
      'apply NAME --mapping FILE [--report FILE] [--json] SOURCE | --database',
      'status [NAME] [--json]',
      'undo NAME',
      'hash NAME --mapping FILE SOURCE',
    ],
    options: {
      mapping: { type: 'string', meaning: 'the YAML file that says how rows become keys' },
      database: {
        type: 'boolean',
        default: false,
        meaning:
          'reads the table of the mapping in the PostgreSQL of `LATCHKEY_IMPORT_DATABASE_URL`, instead of a file',
      },
      report: {
        type: 'string',
        meaning: 'writes each row that becomes no key to this file: line, category, id, reason',
      },
      json: { type: 'boolean', default: false, meaning: 'prints for programs' },
    },
    exitCodes: {
      0: 'done; every row becomes a key or was imported before',
      1: 'failed',
      2: 'done, and some rows become no key',
      3: 'stopped between batches; run it again to go on',
    },
    guide: 'docs/how-to/import-keys.md',
  },
  'dead-letters': {
    meaning: 'Lists the dead letters of background loops, or makes one due now.',
    usage: ['list [--loop NAME] [--organization ID] [--limit N]', 'retry --loop NAME ITEM'],
    options: {
      loop: { type: 'string', meaning: 'the loop; `retry` needs it' },
      organization: { type: 'string', meaning: 'lists those of one organization' },
      limit: { type: 'string', default: '100', meaning: 'how many to list at most, 1 to 10,000' },
    },
    exitCodes: { 0: 'done', 1: 'failed', 2: 'there is no such dead letter' },
    guide: 'docs/how-to/retry-dead-letters.md',
  },
  'audit:verify': {
    meaning: 'Verifies the audit log, and prints each place where it is broken.',
    usage: ['[--organization ID] [--seals FILE …] [--max-seal-age MINUTES] [--workos-export FILE …]'],
    options: {
      organization: { type: 'string', meaning: 'verifies one organization' },
      seals: {
        type: 'string',
        multiple: true,
        meaning: 'reads seals from this file instead of that of `LATCHKEY_AUDIT_SEALS`; may be repeated',
      },
      'max-seal-age': { type: 'string', meaning: 'reports a newest seal that is older than so many minutes' },
      'workos-export': {
        type: 'string',
        multiple: true,
        meaning: 'compares with an export of WorkOS Audit Logs; may be repeated',
      },
    },
    exitCodes: {
      0: 'sound',
      1: 'could not be read: no database, no secret, a wrong option',
      2: 'broken',
      3: 'not proven: events without a key after some with one, while the upgrade is open',
    },
    guide: 'docs/how-to/verify-the-audit-log.md',
  },
  'audit:close-upgrade': {
    meaning: 'Ends the upgrade to keyed links: refuses audit events without a key from now on.',
    usage: [],
    options: {},
    exitCodes: { 0: 'closed, now or before', 1: 'failed' },
    guide: 'docs/how-to/verify-the-audit-log.md',
  },
  'audit:schemas': {
    meaning: 'Registers the missing schemas of audit events in WorkOS Audit Logs.',
    usage: [],
    options: {},
    exitCodes: {
      0: 'WorkOS accepts events of every action',
      1: 'some schemas need attention',
      2: 'WorkOS could not be reached',
    },
    guide: 'docs/how-to/forward-to-workos-audit-logs.md',
  },
  'config:lint': {
    meaning: 'Checks product files as the start of the service does, offline, and prints each fault with its line.',
    usage: ['[--json] FILE [FILE…]'],
    options: { json: { type: 'boolean', default: false, meaning: 'prints for programs' } },
    exitCodes: { 0: 'no faults', 1: 'faults', 2: 'a file could not be read' },
    guide: 'docs/how-to/run-another-product.md',
  },
  scan: {
    meaning: 'Finds API keys of the product in files, folders and standard input (`-`), offline.',
    usage: ['[--json] PATH [PATH…]'],
    options: { json: { type: 'boolean', default: false, meaning: 'prints for programs' } },
    exitCodes: { 0: 'no keys', 1: 'keys', 2: 'something could not be read; standard error names it' },
    guide: 'docs/how-to/find-leaked-keys.md',
  },
} as const satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;
export type CommandOptions<Name extends CommandName> = (typeof COMMANDS)[Name]['options'];

/** Returns how a command is called, one line a way of use. */
export function usageOf(name: CommandName): string {
  const ways: readonly string[] = COMMANDS[name].usage;
  const calls = ways.length === 0 ? [callOf(name)] : ways.map((way) => callOf(name, way));
  return `Usage: ${calls.join('\n       ')}`;
}

/** Returns what a command prints with `--help`. */
export function helpOf(name: CommandName): string {
  const { meaning, options, exitCodes }: Command = COMMANDS[name];
  const given = Object.entries(options).map(([option, its]) => [`--${option}`, describeOption(its)] as const);
  return [
    usageOf(name),
    meaning,
    ...(given.length > 0 ? [linesOf('Options', given)] : []),
    linesOf('Exit codes', Object.entries(exitCodes)),
  ]
    .join('\n\n')
    .replaceAll('`', '');
}

/** Returns what an option means, with its default. */
export function describeOption({ meaning, default: value }: Command['options'][string]): string {
  return typeof value === 'string' ? `${meaning}; \`${value}\` unless given` : meaning;
}

type Call = (name: string, rest?: string) => string;

const byNpm: Call = (name, rest) => {
  const call = name === 'start' || name === 'test' ? `npm ${name}` : `npm run ${name}`;
  return rest === undefined ? call : `${call} -- ${rest}`;
};
let calling = byNpm;

/** Lets usages name the installed program instead of npm. */
export function callAs(program: string): void {
  calling = (name, rest) => [program, name.replace(':', ' '), ...(rest === undefined ? [] : [rest])].join(' ');
}

/** Returns a command as it is typed. */
export function callOf(name: string, rest?: string): string {
  return calling(name, rest);
}

function linesOf(title: string, entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return [`${title}:`, ...entries.map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`)].join('\n');
}
