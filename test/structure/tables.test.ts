import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readModules } from './modules.ts';
import type { Module } from './modules.ts';

// A table is written by one room, so that its invariants have one place. A room is a folder below src/.
const schema = readFileSync(new URL('../../migrations/schema.sql', import.meta.url), 'utf8');
const TABLES = [...schema.matchAll(/^create table (\w+) \(/gm)].map(([, name]) => name!);

const SQL = /\b(?:insert\s+into|delete\s+from|update|merge\s+into|truncate(?:\s+table)?)\s+(?:only\s+)?(\w+)/gi;
/** A table that a query builder begins with, up to the end of the statement. */
const BUILDER = /(?:\b\w+(?:<[^()]*>)?|\.(?:into|table|from))\(\s*['"](\w+)(?: as \w+)?['"]\s*\)([^;]*)/g;
const WRITES = /\.(?:insert|update|delete|del|increment|decrement|truncate|upsert)\(/;
/** A table that is given a name, whose uses are then looked for. */
const NAMED = /\bconst (\w+) = [^;]*?\(\s*['"](\w+)(?: as \w+)?['"]\s*\)[^;]*;/g;

/** The tables that a source writes. */
function tablesWrittenBy({ text }: Pick<Module, 'text'>): Set<string> {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g, '');
  const builders = [...code.matchAll(BUILDER)].filter(([, , chain]) => WRITES.test(chain!));
  const named = [...code.matchAll(NAMED)].filter(([, name]) =>
    new RegExp(`\\b${name}\\b(?:\\([^;{}]*?\\))?\\s*(?:\\.\\w+\\([^;]*?\\)\\s*)*\\.(?:insert|update|delete)\\(`).test(
      code,
    ),
  );
  const found = [...[...code.matchAll(SQL), ...builders].map(([, name]) => name!), ...named.map(([, , name]) => name!)];
  return new Set(found.filter((name) => TABLES.includes(name)));
}

/** Every table that more than one room writes. */
function contested(modules: readonly Module[]): string[] {
  const writers = new Map<string, Set<string>>();
  for (const module of modules) {
    const room = module.path.split('/')[0]!;
    for (const table of tablesWrittenBy(module))
      writers.set(table, (writers.get(table) ?? new Set<string>()).add(room));
  }
  return [...writers]
    .filter(([, rooms]) => rooms.size > 1)
    .map(([table, rooms]) => `${table} is written by ${[...rooms].toSorted().join(', ')}`);
}

// The local WorkOS has a database of its own.
const modules = readModules().filter(({ path }) => !/^(?:emulator|client)\//.test(path));
const planted = (path: string, text: string): Module => ({ path, text, imports: [], packages: [] });

test('writes each table in one room', () => {
  expect(contested(modules)).toEqual([]);
});

test('finds the writers of most tables', () => {
  const written = new Set(modules.flatMap((module) => [...tablesWrittenBy(module)]));
  for (const table of ['api_keys', 'tenants', 'hook_inbox', 'outbox', 'outbox_lanes', 'members', 'usage_counts'])
    expect(written).toContain(table);
});

describe('a planted second writer is found:', () => {
  test.each([
    ['SQL that inserts', 'await db.raw(`insert into tenants (id) values (1)`);'],
    ['SQL that updates', "await db.raw('update tenants set plan = null');"],
    ['SQL that deletes', "await db.raw('delete from only tenants');"],
    ['a data-modifying CTE', 'await db.raw(`with gone as (delete\n from tenants returning *) select 1`);'],
    ['a query builder', "await trx<Row>('tenants').where({ id }).update({ plan });"],
    ['a query builder with an alias', "await db('tenants as tenant')\n  .where({ id })\n  .delete();"],
    ['a builder that names its table later', "await db.insert(rows).into('tenants').onConflict().ignore().update({});"],
    [
      'a query with a name',
      "const rows = (id: string) => db<Row>('tenants').where({ id });\nawait rows(id).update({ plan });",
    ],
  ])('%s', (_how, text) => {
    expect(contested([...modules, planted('usage/planted.ts', text)])).toEqual([
      'tenants is written by tenants, usage',
    ]);
  });

  test.each([
    ['a query that reads', "const row = await db('tenants').where({ id }).first();"],
    ['a lock', "await trx('tenants').where({ id }).forUpdate().first('id');"],
    ['a comment', '// update tenants: another room does it\n'],
  ])('%s is none', (_how, text) => {
    expect(contested([...modules, planted('usage/planted.ts', text)])).toEqual([]);
  });
});
