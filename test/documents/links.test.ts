import { existsSync, readFileSync, statSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join, posix } from 'node:path';
import { expect, test } from 'vitest';
import { anchorsOf, documents, pages, proseOf, readPage, ROOT } from './pages.ts';

type Link = { page: string; path: string; anchor: string | undefined };

const isSite = (address: string) => /^[a-z]+:/.test(address);

function linksOf(page: string): Link[] {
  const prose = proseOf(readPage(page));
  const inline = Array.from(prose.matchAll(/\]\(([^)\s]+)\)/g), ([, address]) => address!);
  const named = Array.from(prose.matchAll(/^\[[^\]]+\]: (\S+)$/gm), ([, address]) => address!);
  return [...inline, ...named]
    .filter((address) => !isSite(address))
    .map((address) => {
      const [path = '', anchor] = address.split('#');
      return { page, path: path === '' ? page : posix.join(dirname(page), path), anchor };
    });
}

test('every link of every page leads to a file, and every anchor to a heading', () => {
  const links = pages().flatMap(linksOf);
  expect(links.length).toBeGreaterThan(300);
  const broken = links.filter(({ path, anchor }) => {
    const file = join(ROOT, path);
    if (!existsSync(file)) return true;
    return anchor !== undefined && !(statSync(file).isFile() && path.endsWith('.md') && anchorsOf(path).has(anchor));
  });
  expect(broken.map(({ page, path, anchor = '' }) => `${page}: ${path}#${anchor}`)).toEqual([]);
});

test('every page of docs that a file names is there', () => {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT })
    .toString()
    .split('\n')
    .filter((path) => /\.(?:ts|js|cjs|mjs|sh|json|yaml|md)$|^\.ci\//.test(path) && path !== 'CHANGELOG.md')
    .filter((path) => existsSync(join(ROOT, path)));
  const named = files.flatMap((file) =>
    Array.from(
      readFileSync(join(ROOT, file), 'utf8').matchAll(/(?<![\w/.])docs\/[\w/-]+\.md/g),
      ([page]) => `${file}: ${page}`,
    ),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((line) => !existsSync(join(ROOT, line.split(': ')[1]!)))).toEqual([]);
});

test('docs/README.md lists every page of each kind', () => {
  const listed = new Set(linksOf('docs/README.md').map(({ path }) => path));
  const kinds = documents().filter((path) =>
    /^docs\/(?:tutorials|how-to|reference|explanation)\/[^/]+\.md$/.test(path),
  );
  expect(kinds.length).toBeGreaterThan(30);
  expect(kinds.filter((path) => !listed.has(path))).toEqual([]);
});
