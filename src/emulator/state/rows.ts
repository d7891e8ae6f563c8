import type { SQLInputValue } from 'node:sqlite';
import type { Store } from './store.ts';

type Columns = Readonly<Record<string, SQLInputValue>>;

/** Inserts a row. Table and columns come from code, never from a request. */
export function insertRow(store: Store, table: string, row: Columns): void {
  const columns = Object.keys(row);
  const marks = columns.map(() => '?').join(', ');
  store.run(`insert into ${table} (${columns.join(', ')}) values (${marks})`, ...Object.values(row));
}

export function updateRow(store: Store, table: string, id: string, changes: Columns): void {
  const assignments = Object.keys(changes).map((column) => `${column} = ?`);
  store.run(`update ${table} set ${assignments.join(', ')} where id = ?`, ...Object.values(changes), id);
}
