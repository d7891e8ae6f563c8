import type { VerifyApiKey } from '../../client/shapes.ts';
import { makeFindKeys } from '../../scan/key-pattern.ts';
import { jsonOf, lineOf, problemOf } from '../../scan/print.ts';
import { rulesOf } from '../../scan/rules.ts';
import type { Scanner } from '../../scan/rules.ts';
import { DIFF_ARGUMENTS } from '../../scan/scan-diff.ts';
import { scanAdded, scanPaths } from '../../scan/scan-paths.ts';
import type { Counts, ScanOptions } from '../../scan/scan-paths.ts';
import type { Finding } from '../../scan/scan-stream.ts';
import { connect } from '../connection.ts';
import { toStderr, toStdout } from '../context.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import type { ConnectionFlags } from '../flags.ts';
import { makeProgress } from '../output/progress.ts';
import { check } from '../run.ts';
import type { Outcome } from '../run.ts';
import { formOf } from './key-form.ts';
import type { FormFlags } from './key-form.ts';

/** How many keys one request verifies, and one scan. */
const BATCH = 100;
const MOST_VERIFIED = 10_000;

export type ScanFlags = ConnectionFlags &
  FormFlags & { staged?: boolean; rules?: Scanner; verify?: boolean; json?: boolean };

/** Finds keys in files, standard input or what Git has staged. Without `--verify` no key leaves this machine. */
export const scan = check(async (context: Context, flags: ScanFlags, ...paths: string[]): Promise<Outcome> => {
  if (flags.staged && paths.length > 1)
    throw new CommandFailure(EXIT.usage, '--staged takes one folder: that of the repository.');
  const form = await formOf(context, flags);
  if (flags.rules) {
    toStdout(context, rulesOf(form, flags.rules));
    return undefined;
  }
  const verdicts = flags.verify ? makeVerdicts(context, flags) : undefined;
  const counts = await look(context, flags, paths, { findKeys: makeFindKeys(form), verdicts });
  await verdicts?.print();
  if (counts.problems > 0) return EXIT.usage;
  return counts.keys > 0 ? EXIT.failed : EXIT.done;
});

type Verdicts = { add: (found: Finding, key: string) => void; print: () => Promise<void> };

async function look(
  context: Context,
  flags: ScanFlags,
  paths: readonly string[],
  { findKeys, verdicts }: Pick<ScanOptions, 'findKeys'> & { verdicts: Verdicts | undefined },
): Promise<Counts> {
  const progress = makeProgress(context);
  const options: ScanOptions = {
    findKeys,
    signal: context.signal,
    onFound(found, key) {
      // Set here: a closed pipe may end the process before the scan is over.
      context.process.exitCode = EXIT.failed;
      if (verdicts) return verdicts.add(found, key);
      progress.clear();
      toStdout(context, `${flags.json ? jsonOf(found) : lineOf(found)}\n`);
    },
    onProblem(path, problem) {
      progress.clear();
      toStderr(context, `${problemOf(path, problem)}\n`);
    },
    onProgress: ({ files, keys }) => progress.show(() => `Scanning: ${files} files, ${keys} keys`),
  };
  const { stdin, workingFolder: folder } = context;
  try {
    if (!flags.staged) return await scanPaths(paths.length > 0 ? paths : ['.'], { ...options, stdin, folder });
    return await scanAdded(stagedBy(context, paths[0]), options);
  } finally {
    progress.clear();
  }
}

/** What the next commit changes. @throws Error outside of a repository */
function stagedBy({ readProgram, workingFolder }: Context, path: string | undefined): AsyncIterable<Uint8Array> {
  const folder = path === undefined ? [] : ['-C', path];
  return readProgram('git', ['-C', workingFolder, ...folder, ...DIFF_ARGUMENTS, '--cached']);
}

/** Keeps the findings until the service has said which keys are good. */
function makeVerdicts(context: Context, flags: ScanFlags): Verdicts {
  const found: { finding: Finding; key: string }[] = [];
  return {
    add: (finding, key) => void found.push({ finding, key }),
    async print() {
      const keys = [...new Set(found.map(({ key }) => key))];
      if (keys.length > MOST_VERIFIED)
        throw new CommandFailure(EXIT.usage, `${keys.length} keys are too many to verify; scan fewer files.`);
      const codes = keys.length > 0 ? await verify(context, flags, keys) : new Map<string, string>();
      for (const { finding, key } of found)
        toStdout(context, `${(flags.json ? jsonOf : lineOf)(finding, codes.get(key))}\n`);
    },
  };
}

async function verify(context: Context, flags: ScanFlags, keys: readonly string[]): Promise<Map<string, string>> {
  const client = await connect(context, flags);
  const codes = new Map<string, string>();
  for (let at = 0; at < keys.length; at += BATCH) {
    const batch = keys.slice(at, at + BATCH);
    const asked = batch.map((key): VerifyApiKey => ({ key, environment: 'any', cost: 0, lease: false }));
    const answers = await client.verifyMany(asked, { signal: context.signal });
    for (const [i, { code }] of answers.entries()) codes.set(batch[i]!, code);
  }
  return codes;
}
