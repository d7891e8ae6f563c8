import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatted } from '../../scripts/reference/formatted.ts';
import { readFailovers } from './failovers.ts';
import { ROOT } from '../start-server.ts';
import { blocks } from './blocks.ts';
import { charts } from './charts/charts.ts';
import { readme } from './readme.ts';
import { readResult } from './results.ts';

/** Pages with parts that are made of what is stored. */
const PAGES = ['docs/explanation/scale-and-failover.md', 'docs/explanation/scaling.md'];

export async function writeReport(): Promise<void> {
  for (const { path, text } of await reportFiles()) {
    const file = join(ROOT, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

/** Returns every file that is made of what the benchmark and the failovers stored, with its path in the repository. */
export async function reportFiles(): Promise<{ path: string; text: string }[]> {
  const stored = { section: readResult, failovers: readFailovers() };
  const drawn = charts(stored);
  const parts = blocks(stored, drawn);
  const pages = PAGES.map(async (path) => {
    const text = filled(readFileSync(join(ROOT, path), 'utf8'), parts);
    return { path, text: await formatted(path, text) };
  });
  return [
    { path: 'bench/README.md', text: await readme() },
    ...drawn.map(({ name, svg }) => ({ path: `docs/images/charts/${name}.svg`, text: svg })),
    ...(await Promise.all(pages)),
  ];
}

/** Puts each part between its two comments. @throws Error when a page asks for a part that there is not */
export function filled(text: string, parts: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /(<!-- written by `npm run docs:bench`: (.+?) -->).*?(<!-- end -->)/gs,
    (_, begin: string, name: string, end: string) => {
      const part = parts[name];
      if (part === undefined) throw new Error(`nothing is measured of ${name}`);
      return `${begin}\n\n${part}\n\n${end}`;
    },
  );
}
