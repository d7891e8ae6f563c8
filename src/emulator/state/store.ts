// oxlint-disable typescript/no-unnecessary-type-parameters -- the one place where rows get their types: a query's author knows its columns, SQLite's binding does not.
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { ADDED_COLUMNS, FILL_COLUMNS, SCHEMA } from './schema.ts';

const SQLITE_BUSY = 5;

/** Prepares each statement once. The caller gives the type of its rows. */
export type Store = {
  all<Row>(sql: string, ...values: SQLInputValue[]): Row[];
  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined;
  /** Returns the number of changed rows. */
  run(sql: string, ...values: SQLInputValue[]): number;
  /** Runs the work in a transaction, or in the one that is open. */
  transaction<Result>(work: () => Result): Result;
  /** Runs the action after the open transaction commits, or at once without one; never after a rollback. */
  afterCommit(action: () => void): void;
  close(): void;
};

export function openStore(file: string): Store {
  const database = openDatabase(file);
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  return {
    all: <Row>(sql: string, ...values: SQLInputValue[]) => prepare(sql).all(...values) as Row[],
    get: <Row>(sql: string, ...values: SQLInputValue[]) => prepare(sql).get(...values) as Row | undefined,
    run: (sql, ...values) => Number(prepare(sql).run(...values).changes),
    ...createTransactions(database, (sql) => prepare(sql).run()),
    close: () => database.close(),
  };
}

function createTransactions(
  database: DatabaseSync,
  execute: (sql: string) => unknown,
): Pick<Store, 'transaction' | 'afterCommit'> {
  let waiting: (() => void)[] | undefined;
  const transaction = <Result>(work: () => Result): Result => {
    if (waiting) return work();
    execute('begin immediate');
    const actions: (() => void)[] = [];
    waiting = actions;
    try {
      const result = work();
      execute('commit');
      waiting = undefined;
      for (const action of actions) action();
      return result;
    } catch (error) {
      waiting = undefined;
      // SQLite has already rolled back when the disk is full.
      if (database.isTransaction) execute('rollback');
      throw error;
    }
  };
  const afterCommit = (action: () => void): void => {
    if (waiting) waiting.push(action);
    else action();
  };
  return { transaction, afterCommit };
}

/**
 * Locks the file for this process, because two emulators would each trust their own memory. With WAL,
 * `synchronous = normal` survives a crash of the process.
 */
function openDatabase(file: string): DatabaseSync {
  if (file !== ':memory:') prepareFile(file);
  const database = new DatabaseSync(file);
  try {
    database.exec(`pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = normal;
      pragma foreign_keys = on; begin exclusive; ${SCHEMA} commit;`);
    addColumns(database);
    return database;
  } catch (error) {
    database.close();
    throw isBusy(error)
      ? new Error(`The state file ${file} is in use by another local WorkOS.`, { cause: error })
      : error;
  }
}

function addColumns(database: DatabaseSync): void {
  for (const { table, column, type } of ADDED_COLUMNS) {
    const known = database.prepare('select 1 from pragma_table_info(?) where name = ?').get(table, column);
    if (!known) database.exec(`alter table ${table} add column ${column} ${type}`);
  }
  database.exec(FILL_COLUMNS);
}

/** Creates the file readable by its owner only, because it holds signing keys and webhook secrets. */
function prepareFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  closeSync(openSync(file, 'a', 0o600));
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}
