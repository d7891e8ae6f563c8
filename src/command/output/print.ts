import { CommandFailure, EXIT } from '../failure.ts';
import { toStdout } from '../context.ts';
import type { Context } from '../context.ts';
import type { OutputFlags } from '../flags.ts';
import { tabSeparated, tableOf } from './table.ts';
import type { Column } from './table.ts';

export type Shown = { columns: readonly Column[]; rows: readonly object[]; empty?: string };

/** Prints the answer of a list as it is with `--json`, as a table to a person, and as tab-separated lines otherwise. */
export function printList(context: Context, flags: OutputFlags, answer: object, shown: Shown): void {
  if (flags.json) return printJson(context, answer);
  const columns = flags.fields === undefined ? shown.columns : chosenColumns(flags.fields, shown.rows);
  if (shown.rows.length > 0)
    toStdout(context, `${(context.isTerminal ? tableOf : tabSeparated)(columns, shown.rows)}\n`);
  else if (context.isTerminal) context.process.stderr.write(`${shown.empty ?? 'None.'}\n`);
}

/** Prints one thing: its fields one below the other to a person and to programs. */
export function printOne(context: Context, flags: OutputFlags, answer: object, shown: Shown['columns']): void {
  if (flags.json) return printJson(context, answer);
  const columns = flags.fields === undefined ? shown : chosenColumns(flags.fields, [answer]);
  const rows = columns.map(([title, valueOf]) => ({ title, value: valueOf(answer) }));
  const pair: readonly Column[] = [
    ['', (row) => (row as { title: string }).title],
    ['', (row) => (row as { value: string }).value],
  ];
  const lines = context.isTerminal ? tableOf(pair, rows).replace(/^\n/, '') : tabSeparated(pair, rows);
  toStdout(context, `${lines}\n`);
}

export function printJson(context: Context, answer: object): void {
  toStdout(context, `${JSON.stringify(answer, undefined, context.isTerminal ? 2 : undefined)}\n`);
}

/** Columns by the API's names of fields; `list.after` is a field within a field. */
function chosenColumns(fields: string, rows: readonly object[]): readonly Column[] {
  const names = fields.split(',').map((name) => name.trim());
  const [first] = rows;
  const unknown = first && names.find((name) => fieldOf(first, name) === undefined);
  if (first && unknown !== undefined) {
    const known = Object.keys(first).join(', ');
    throw new CommandFailure(EXIT.usage, `There is no field ${unknown}. Fields are ${known}.`);
  }
  return names.map((name) => [name.toUpperCase(), (row) => textOf(fieldOf(row, name))] as const);
}

export function fieldOf(row: object, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | null)?.[name], row);
}

/** What a value reads like in a cell. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (Array.isArray(value)) return value.map(textOf).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A column that shows a field as it is. */
export const column = (title: string, path: string): Column => [title, (row) => textOf(fieldOf(row, path))];
