import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { PLANTS } from './plants.ts';
import type { Plant } from './plants.ts';

/** By then a fault is found, or the harness is no good. */
const LIMIT = 400;
const RUN = join(import.meta.dirname, '..', 'run.ts');
const PRELOAD = join(import.meta.dirname, 'preload.ts');

const say = (line: string) => process.stdout.write(`${line}\n`);

/** @returns after how many interleavings it was found, and as what; undefined when it was not, with all that was said */
async function look(name: string, only: readonly string[]) {
  const args = [
    '--only',
    only.join(),
    '--limit',
    String(LIMIT),
    '--failures',
    '1',
    '--keep',
    '--stride',
    '1',
    '--twice',
  ];
  const child = spawn(process.execPath, ['--import', PRELOAD, RUN, ...args], {
    env: { ...process.env, PLANT: name },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, complained] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [, number] = /^FAILED number (\d+)/m.exec(said) ?? [];
  const [, finding = ''] = /^ {2}- (.*)/m.exec(said) ?? [];
  return number === undefined ? { said: said + complained } : { after: Number(number), finding };
}

/** @returns how many were not found */
async function work(queue: [string, Plant][]): Promise<number> {
  let missed = 0;
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [name, { only }] = next;
    const found = await look(name, only);
    if (found.after === undefined) missed += 1;
    say(
      found.after === undefined
        ? `NOT FOUND: ${name}\n${found.said}`
        : `found after ${String(found.after).padStart(3)}: ${name} (${found.finding.slice(0, 100)})`,
    );
  }
  return missed;
}

async function run(): Promise<boolean> {
  const { positionals, values } = parseArgs({
    options: { 'at-a-time': { type: 'string', default: '2' } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !PLANTS[name]);
  if (unknown.length > 0)
    throw new Error(`there is no plant '${unknown[0]}'; there are: ${Object.keys(PLANTS).join('; ')}`);
  const queue = Object.entries(PLANTS).filter(([name]) => positionals.length === 0 || positionals.includes(name));
  const count = queue.length;
  const missed = await Promise.all(Array.from({ length: Number(values['at-a-time']) }, () => work(queue)));
  const total = missed.reduce((sum, one) => sum + one, 0);
  say(`${count - total} of ${count} planted faults were found`);
  return total === 0;
}

process.exitCode = (await run()) ? 0 : 1;
