import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DefaultTheme } from 'vitepress';

const ROOT = join(import.meta.dirname, '..', '..');

/** The order in which the tutorials build on each other; other pages are in the order of their titles. */
const TUTORIALS = [
  'first-key',
  'a-key-in-the-console',
  'ci-without-secrets',
  'guard-an-api',
  'bill-with-stripe',
  'run-in-production',
  'deploy-with-compose',
];

/** What to do when something larger than an alert happens. */
const PROCEDURES = ['failover', 'rollback', 'new-secret', 'region-loss'].map(
  (name) => `docs/runbooks/procedures/${name}.md`,
);

/** Returns the pages of each kind, named by their first heading. */
export function sidebar(): DefaultTheme.SidebarItem[] {
  return [
    { text: 'Tutorials', items: TUTORIALS.map((name) => pageOf(`docs/tutorials/${name}.md`)) },
    group('How-to guides', 'docs/how-to'),
    group('Reference', 'docs/reference'),
    group('Explanation', 'docs/explanation'),
    { ...group('Runbooks', 'docs/runbooks', PROCEDURES), collapsed: true },
    { ...group('Contributing', 'docs/how-to/contribute', ['CONTRIBUTING.md', 'docs/glossary.md']), collapsed: true },
    { text: 'Rooms of the code', collapsed: true, items: rooms() },
    { ...group('Decisions', 'docs/decisions'), collapsed: true },
    { text: 'Project', collapsed: true, items: ['CHANGELOG.md', 'SECURITY.md', 'bench/README.md'].map(pageOf) },
  ];
}

/** The rooms of the code that describe themselves, by their folders. */
function rooms(): DefaultTheme.SidebarItem[] {
  const pages = globSync('src/**/README.md', { cwd: ROOT }).map((path) => path.replaceAll('\\', '/'));
  return pages
    .toSorted()
    .map((path) => ({ text: path.slice('src/'.length, -'/README.md'.length), link: pageOf(path).link }));
}

function group(text: string, folder: string, first: readonly string[] = []): DefaultTheme.SidebarItem {
  const pages = existsSync(join(ROOT, folder)) ? globSync(`${folder}/*.md`, { cwd: ROOT }) : [];
  const items = pages.filter((path) => !path.endsWith('README.md')).map(pageOf);
  if (!folder.endsWith('decisions')) items.sort((a, b) => a.text.localeCompare(b.text));
  else items.sort((a, b) => a.link.localeCompare(b.link));
  return { text, items: [...first.map(pageOf), ...items] };
}

function pageOf(path: string): { text: string; link: string } {
  const [, title = path] = /^# (.+)$/m.exec(readFileSync(join(ROOT, path), 'utf8')) ?? [];
  const text = title.replaceAll('`', '').replace(/^How to (\w)/, (_whole, first: string) => first.toUpperCase());
  return { text, link: `/${path.replaceAll('\\', '/').replace(/\.md$/, '')}` };
}
