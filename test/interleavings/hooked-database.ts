import { connectDatabase } from '../../src/db/connect.ts';
import type { Knex } from 'knex';
import type { Stage } from './stage.ts';

type Statement = { sql: string };
type Connection = { processID: number };
type Client = { _query(connection: Connection, statement: Statement): Promise<unknown> };

/** The service's own pool, in which every statement is a boundary: BEGIN and COMMIT, too. */
export function connectHooked(options: { url: string; poolMax: number }, stage: Stage): Knex {
  const db = connectDatabase({ ...options, pipelines: false });
  const Base = db.client.constructor as new () => Client;
  class Hooked extends Base {
    override async _query(connection: Connection, statement: Statement): Promise<unknown> {
      await stage.boundary(describeStatement(statement.sql));
      // oxlint-disable-next-line no-underscore-dangle -- the one method of knex through which every statement goes
      return stage.statement(connection.processID, () => super._query(connection, statement));
    }
  }
  // Transactions have clients of their own, made from the prototype of this one.
  Object.setPrototypeOf(db.client, Hooked.prototype);
  return db;
}

const TABLE = /\b(?:from|into|update)\s+(?:only\s+)?"?([a-z_]+)"?/i;

/** What a statement does, in a few words: its verb, its table and whether it locks. */
export function describeStatement(sql: string): string {
  const text = sql.replaceAll(/\s+/g, ' ').trim().replace(/;$/, '');
  const verb = /^\w+/.exec(text)?.[0].toLowerCase() ?? '';
  if (verb === 'with') return `with … ${/\bupdate (\w+)/i.exec(text)?.[0].toLowerCase() ?? 'select'}`;
  if (!['select', 'insert', 'update', 'delete'].includes(verb)) return text.toLowerCase();
  const table = TABLE.exec(text)?.[1] ?? /\b\w+\(/.exec(text)?.[0].slice(0, -1) ?? '';
  const skips = / skip locked/i.test(text) ? ' skip locked' : '';
  return `${verb} ${table}${/ for update/i.test(text) ? ` for update${skips}` : ''}`;
}
