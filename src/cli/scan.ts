import { readArguments, runCommand, toStderr, toStdout } from './command.ts';
import { usageOf } from './commands.ts';
import { StartError } from '../errors.ts';
import { packageFile } from '../config/package-file.ts';
import { readProduct } from '../product/read-product.ts';
import { makeFindKeys } from '../scan/key-pattern.ts';
import { jsonOf, lineOf, problemOf } from '../scan/print.ts';
import { scanPaths } from '../scan/scan-paths.ts';

const NOTHING = 0;
const FOUND = 1;
const PROBLEM = 2;

/** `npm run scan`: needs neither a database nor the network, and prints no key whole. */
async function run(): Promise<number> {
  const { paths, json } = readPaths();
  const product = readProduct(process.env['LATCHKEY_CONFIG'] || packageFile('config/evershell.yaml'));
  const { keys, problems } = await scanPaths(paths, {
    findKeys: makeFindKeys(product.api_keys),
    stdin: () => process.stdin,
    onFound(found) {
      // Set here: a closed pipe may end the process before the scan is over.
      process.exitCode = FOUND;
      toStdout(`${json ? jsonOf(found) : lineOf(found)}\n`);
    },
    onProblem: (path, problem) => toStderr(`${problemOf(path, problem)}\n`),
  });
  if (problems > 0) return PROBLEM;
  return keys > 0 ? FOUND : NOTHING;
}

/** @throws StartError with the usage */
function readPaths() {
  const { values, positionals: paths } = readArguments('scan');
  if (paths.length === 0) throw new StartError(usageOf('scan'));
  return { paths, json: values.json };
}

await runCommand(run, { failed: 'The scan failed', exitCode: PROBLEM });
