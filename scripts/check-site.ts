import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// The last step of `npm run docs:build`: the site loads nothing from elsewhere, and has its search index, a tutorial, and
// every anchor that a page links to.
const SITE = join(import.meta.dirname, '..', 'docs', '.vitepress', 'dist');
const LOADS = [
  /<(?:script|img|iframe|source)[^>]*\ssrc="((?:https?:)?\/\/[^"]+)"/g,
  /<link(?![^>]*rel="canonical")[^>]*\shref="((?:https?:)?\/\/[^"]+)"/g,
  /url\(["']?((?:https?:)?\/\/[^)"']+)/g,
  /@import\s*["']((?:https?:)?\/\/[^"']+)/g,
];

const files = new Map(
  globSync('**/*.{html,css}', { cwd: SITE }).map((file) => [
    file.replaceAll('\\', '/'),
    readFileSync(join(SITE, file), 'utf8'),
  ]),
);
const foreign = [...files].flatMap(([file, text]) =>
  LOADS.flatMap((pattern) => Array.from(text.matchAll(pattern), ([, address]) => `${file} loads ${address}`)),
);
const dangling = [...files].flatMap(([file, text]) =>
  Array.from(
    text.matchAll(/<a\b[^>]*\shref="(?![a-z]+:)([^"]*#[^"]+)"/g),
    ([, link]) => new URL(link!, `site:/${file}`),
  )
    .filter(
      ({ pathname, hash }) => !files.get(pathname.slice(1))?.includes(` id="${decodeURIComponent(hash.slice(1))}"`),
    )
    .map(({ pathname, hash }) => `${file} links to ${pathname}${hash}, which is not there`),
);
const problems = [
  ...foreign,
  ...dangling,
  ...([...files.keys()].some((file) => file.endsWith('first-key.html')) ? [] : ['The site has no tutorial.']),
  ...(globSync('assets/chunks/*localSearchIndex*', { cwd: SITE }).length > 0 ? [] : ['The site has no search index.']),
];
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length === 0)
  process.stdout.write(`${files.size} files of the site load nothing from elsewhere, and every anchor is there.\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
