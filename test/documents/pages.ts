import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { anchorOf } from '../../docs/.vitepress/anchor.ts';

export const ROOT = join(import.meta.dirname, '..', '..');

/** A fenced block, and the comment above it that says how it is checked. */
export type Block = { page: string; line: number; language: string; marker: string | undefined; text: string };

/** Returns the paths of the README, of what stands beside it, and of everything below docs/. */
export function documents(): string[] {
  return globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT }).map((path) => path.replaceAll('\\', '/'));
}

const isInstalled = (path: string) => path.split(/[\\/]/).includes('node_modules');

/** Returns the paths of all pages of the repository: the documents, and the READMEs of rooms and examples. */
export function pages(): string[] {
  const folders = '{bench,deploy,examples,scripts,src,test}/**/README.md';
  return [
    ...documents(),
    ...globSync(folders, { cwd: ROOT, exclude: isInstalled }).map((path) => path.replaceAll('\\', '/')),
  ];
}

export function readPage(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Returns the page without its fenced blocks, in which a hash and brackets mean something else. */
export function proseOf(text: string): string {
  return text.replaceAll(/^( *)```.*?\n[^]*?^\1```$/gm, '');
}

export function blocksOf(page: string): Block[] {
  const text = readPage(page);
  const found = text.matchAll(/(?:<!-- ([^\n]*) -->\n\s*)?^( *)```(\w*)\n([^]*?)^\2```$/gm);
  return Array.from(found, ({ 1: marker, 2: indent = '', 3: language = '', 4: body = '', index }) => ({
    page,
    line: text.slice(0, index).split('\n').length,
    language,
    marker,
    text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));
}

/** Returns the anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(page: string): Set<string> {
  const headings = Array.from(proseOf(readPage(page)).matchAll(/^#{1,6} (.+)$/gm), ([, heading]) => heading!);
  const anchors = new Set<string>();
  for (const heading of headings) {
    const anchor = anchorOf(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1'));
    let name = anchor;
    for (let count = 1; anchors.has(name); count += 1) name = `${anchor}-${count}`;
    anchors.add(name);
  }
  return anchors;
}
