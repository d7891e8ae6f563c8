import { readFileSync } from 'node:fs';

/** Returns what `npm start` runs on Node once the console is built: the flags, then the entry. */
export function npmStartArguments(): string[] {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } };
  const [, launcher, ...args] = scripts.start.split(' && ').at(-1)!.split(' ');
  if (launcher !== 'scripts/node.cjs') throw new Error(`npm start does not begin with the launcher: ${scripts.start}`);
  return args;
}
