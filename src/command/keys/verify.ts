import { readFile } from 'node:fs/promises';
import { connect } from '../connection.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import type { CallFlags } from '../flags.ts';
import { column, printOne } from '../output/print.ts';
import { check } from '../run.ts';
import type { Outcome } from '../run.ts';

/** More than any key has. */
const LONGEST_KEY = 4_096;

export type VerifyFlags = CallFlags & {
  keyFile?: string;
  scopes?: readonly string[];
  environment?: 'live' | 'test' | 'any';
};

const FACTS = [
  column('VALID', 'valid'),
  column('CODE', 'code'),
  column('ID', 'id'),
  column('LABEL', 'label'),
  column('ORGANIZATION', 'organization_id'),
  column('SCOPES', 'scopes'),
  column('EXPIRES', 'expires_at'),
];

/** Verifies a key from standard input or a file: a key on a command line is in the shell's history. */
export const verifyKey = check(async (context: Context, flags: VerifyFlags): Promise<Outcome> => {
  const text =
    flags.keyFile === undefined ? await context.readStdin(LONGEST_KEY) : await readFile(flags.keyFile, 'utf8');
  const key = text.trim();
  if (key === '' || key.length > LONGEST_KEY)
    throw new CommandFailure(EXIT.usage, 'Give one key on standard input, or in --key-file.');
  const client = await connect(context, flags);
  const { scopes, environment } = flags;
  const verdict = await client.verify({ key, scopes, environment, cost: 0, lease: false }, { signal: context.signal });
  printOne(context, flags, verdict, FACTS);
  return verdict.valid ? EXIT.done : EXIT.failed;
});
