import { StartError } from '../errors.ts';
import { checkProduct, readText } from '../product/read-product.ts';
import type { Checked, Fault } from '../product/read-product.ts';
import { readArguments, runCommand, toStderr, toStdout } from './command.ts';
import { usageOf } from './commands.ts';

const FAULTS = 1;
const UNREADABLE = 2;

type Found = Fault & { path: string };

/** `npm run config:lint`: needs neither a database nor the network nor a variable. */
async function run(): Promise<number> {
  const { values, positionals: paths } = readArguments('config:lint');
  if (paths.length === 0) throw new StartError(usageOf('config:lint'));
  const files = paths.map((path) => ({ path, ...checkProduct(readText(path, path)) }));
  const found = files.flatMap(({ path, faults }) => faults.map((fault): Found => ({ path, ...fault })));
  for (const each of files) warn(each);
  if (values.json) toStdout(`${JSON.stringify({ data: found.map(viewOf) })}\n`);
  else for (const each of found) toStdout(`${lineOf(each)}\n`);
  return found.length > 0 ? FAULTS : 0;
}

/** An old name is no fault: the service starts with it. */
function warn({ path, oldNames }: Checked & { path: string }): void {
  for (const { old, name, line } of oldNames) toStderr(`${path}:${line}: ${old} is now called ${name}; rename it\n`);
}

function lineOf({ path, line, field, message }: Found): string {
  return `${path}:${line}: ${field === undefined ? '' : `${field}: `}${message}`;
}

function viewOf({ path, line, field, message }: Found) {
  return { path, line, field: field ?? null, message };
}

await runCommand(run, { failed: 'The check failed', exitCode: UNREADABLE });
