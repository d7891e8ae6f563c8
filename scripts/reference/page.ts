import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { markdownTable } from '../../test/support/markdown-table.ts';
import { formatted } from './formatted.ts';

const FOLDER = 'docs/reference';
const ROOT = new URL('../../', import.meta.url);

/** A thing that a page documents; a test refuses one without a meaning. */
export type Entry = { name: string; meaning: string };
export type Page = { file: string; entries: readonly Entry[]; text: string };

type Section<E extends Entry> = { title?: string; introduction?: string; entries: readonly E[] };
type Columns<E extends Entry> = Readonly<Record<string, (entry: E) => string>>;

/** Returns a page with a table in each section, formatted as it is committed. */
export async function tablesPage<E extends Entry>(
  { file, title, introduction }: { file: string; title: string; introduction: string },
  columns: Columns<E>,
  sections: readonly Section<E>[],
): Promise<Page> {
  const parts = sections.map((section) =>
    [...(section.title === undefined ? [] : [`## ${section.title}`]), section.introduction, tableOf(columns, section)]
      .filter((part) => part !== undefined)
      .join('\n\n'),
  );
  return makePage({ file, title, introduction, parts, entries: sections.flatMap(({ entries }) => entries) });
}

type Parts = { file: string; title: string; introduction: string; parts: readonly string[]; entries: readonly Entry[] };

export async function makePage({ file, title, introduction, parts, entries }: Parts): Promise<Page> {
  const text = [`# ${title}`, linked(introduction), WRITTEN, ...parts.map(linked)].join('\n\n');
  return { file: `${FOLDER}/${file}`, entries, text: await formatted(file, text) };
}

const WRITTEN = '_Written by `npm run docs:reference`; a test compares this page with the code._';

export function tableOf<E>(
  columns: Readonly<Record<string, (entry: E) => string>>,
  { entries }: { entries: readonly E[] },
): string {
  const rows = entries.map((entry) => Object.values(columns).map((column) => cell(column(entry))));
  return markdownTable([Object.keys(columns), ...rows]);
}

function cell(text: string): string {
  return text
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll('|', String.raw`\|`);
}

/** Returns the values as code, separated by commas. */
export function codes(values: Iterable<string | number>): string {
  return [...values].map((value) => `\`${value}\``).join(', ');
}

/** Replaces the name of a document, such as `docs/glossary.md`, with a link that shows the document's title. */
function linked(text: string): string {
  return text.replaceAll(
    /(?<!\]\(|[[/\w.])(?:docs\/[\w./-]+?|bench\/README|CONTRIBUTING|SECURITY)\.md\b/g,
    (path) => `[${titleOf(path)}](${hrefOf(path)})`,
  );
}

/** @throws Error when there is no such document */
function titleOf(path: string): string {
  return /^# (.+)$/m.exec(readFileSync(new URL(path, ROOT), 'utf8'))?.[1] ?? path;
}

function hrefOf(path: string): string {
  return relative(FOLDER, path).replaceAll('\\', '/');
}
