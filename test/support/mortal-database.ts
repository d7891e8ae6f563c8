import type { Knex } from 'knex';

type Client = { _query(connection: unknown, statement: { sql: string }): Promise<unknown> };

export type MortalDatabase = {
  /** The process of the next requests dies when this many statements were carried out, the answer of the last unread. */
  dieAfter(statements: number): void;
  /** Starts the process again. @returns whether it had died */
  revive(): boolean;
};

/**
 * Lets a process die at any of its statements, BEGIN and COMMIT among them: nothing that it sends afterwards arrives, and the
 * server rolls back what was open.
 */
export function makeMortal(db: Knex): MortalDatabase {
  let left = Number.POSITIVE_INFINITY;
  const Base = db.client.constructor as new () => Client;
  class Mortal extends Base {
    override async _query(connection: unknown, statement: { sql: string }): Promise<unknown> {
      // oxlint-disable no-underscore-dangle -- the one method of knex through which every statement goes
      if (left <= 0 && !/^rollback/i.test(statement.sql)) throw gone();
      const answer = await super._query(connection, statement);
      // oxlint-enable no-underscore-dangle
      left -= 1;
      if (left === 0) throw gone();
      return answer;
    }
  }
  // Transactions have clients of their own, made from the prototype of this one.
  Object.setPrototypeOf(db.client, Mortal.prototype);
  return {
    dieAfter(statements) {
      left = statements;
    },
    revive() {
      const hasDied = left <= 0;
      left = Number.POSITIVE_INFINITY;
      return hasDied;
    },
  };
}

const gone = () => new Error('Connection terminated unexpectedly');
