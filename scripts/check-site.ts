import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// The last step of `npm run docs:build`: the site loads nothing from elsewhere, has its search index, and has every page.
const SITE = join(import.meta.dirname, '..', 'docs', '.vitepress', 'dist');
const LOADS = [
  /<(?:script|img|iframe|source)[^>]*\ssrc="((?:https?:)?\/\/[^"]+)"/g,
  /<link(?![^>]*rel="canonical")[^>]*\shref="((?:https?:)?\/\/[^"]+)"/g,
  /url\(["']?((?:https?:)?\/\/[^)"']+)/g,
  /@import\s*["']((?:https?:)?\/\/[^"']+)/g,
];

const files = globSync('**/*.{html,css}', { cwd: SITE });
const foreign = files.flatMap((file) => {
  const text = readFileSync(join(SITE, file), 'utf8');
  return LOADS.flatMap((pattern) => Array.from(text.matchAll(pattern), ([, address]) => `${file} loads ${address}`));
});
const problems = [
  ...foreign,
  ...(files.some((file) => file.endsWith('first-key.html')) ? [] : ['The site has no tutorial.']),
  ...(globSync('assets/chunks/*localSearchIndex*', { cwd: SITE }).length > 0 ? [] : ['The site has no search index.']),
];
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length === 0) process.stdout.write(`${files.length} files of the site load nothing from elsewhere.\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
