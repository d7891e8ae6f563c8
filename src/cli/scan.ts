import { parseArgs } from 'node:util';
import { StartError } from '../errors.ts';
import { packageFile } from '../config/package-file.ts';
import { readProduct } from '../product/read-product.ts';
import { makeFindKeys } from '../api-keys/format/key-pattern.ts';
import { scanPaths, shown } from '../scan/scan-paths.ts';
import type { Finding } from '../scan/scan-paths.ts';

const NOTHING = 0;
const FOUND = 1;
const PROBLEM = 2;
const USAGE = 'Usage: npm run scan -- [--json] PATH [PATH…]     - is what comes in by the standard input';
// A name may hold anything, also what a terminal takes for a command.
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const toStdout = (text: string) => void process.stdout.write(text);
const toStderr = (text: string) => void process.stderr.write(text);

/**
 * `npm run scan -- PATH`: looks for API keys of the configured product in files, folders and standard input, without a
 * database or the network. A key is never shown whole. Exit code 0: there is none; 1: some were found; 2: something
 * could not be looked at.
 */
async function run(): Promise<number> {
  const { paths, json } = readArguments();
  const product = readProduct(process.env['LATCHKEY_CONFIG'] || packageFile('config/evershell.yaml'));
  const { keys, problems } = await scanPaths(paths, {
    findKeys: makeFindKeys(product.api_keys),
    stdin: process.stdin,
    onFound: (found) => toStdout(`${json ? jsonOf(found) : lineOf(found)}\n`),
    onProblem: (path, problem) => toStderr(`${printable(path)}: ${problem}\n`),
  });
  if (problems > 0) return PROBLEM;
  return keys > 0 ? FOUND : NOTHING;
}

/** @throws StartError that says how the command is used */
function readArguments() {
  try {
    const options = { json: { type: 'boolean', default: false } } as const;
    const { values, positionals: paths } = parseArgs({ options, strict: true, allowPositionals: true });
    if (paths.length > 0) return { paths, json: values.json };
  } catch (error) {
    throw new StartError(USAGE, { cause: error });
  }
  throw new StartError(USAGE);
}

function lineOf({ path, line, column, environment, sureness, ...key }: Finding): string {
  return `${printable(path)}:${line}:${column}  ${shown(key)}  ${environment ?? 'unknown'}  ${sureness}`;
}

function jsonOf({ path, line, column, environment, sureness, ...key }: Finding): string {
  return JSON.stringify({ path, line, column, key: shown(key), environment: environment ?? null, sureness });
}

function printable(path: string): string {
  return path.replaceAll(CONTROL, '?');
}

try {
  process.exitCode = await run();
} catch (error) {
  toStderr(error instanceof StartError ? `${error.message}\n` : `The scan ended early: ${(error as Error).message}\n`);
  process.exitCode = PROBLEM;
}
