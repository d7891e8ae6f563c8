import { callbackify } from 'node:util';
import type { Client } from 'pg';
import { SERVER_IDENTITY } from './database-server.ts';
import type { DatabaseServer } from './database-server.ts';
import { refuseUnconfirmedCommits } from './unconfirmed-commits.ts';

/** As knex keeps it in its pool. */
type PooledConnection = Client & { __knexUid: string };

/** What a pool does with each of its connections: all of them lead to one server, and none says more than it knows. */
export function makePoolHooks(server: Pick<DatabaseServer, 'isFollowed'>) {
  const connections = new Map<string, Client>();
  const identities = new WeakMap<Client, string>();

  async function admit(connection: PooledConnection): Promise<void> {
    const { rows } = await connection.query<{ identity: string }>(SERVER_IDENTITY);
    const identity = rows[0]?.identity;
    if (identity === undefined || !server.isFollowed(identity)) {
      await endQuietly(connection);
      throw new Error('Connection terminated: it leads to another server than the one that changes are listened to on');
    }
    identities.set(connection, identity);
    refuseUnconfirmedCommits(connection);
    const { __knexUid: uid } = connection;
    connections.set(uid, connection);
    connection.once('end', () => connections.delete(uid));
  }

  return {
    hooks: {
      afterCreate: callbackify(admit),
      validate: (connection: PooledConnection): boolean => server.isFollowed(identities.get(connection)),
    },
    end(uid: string): void {
      void endQuietly(connections.get(uid));
    },
  };
}

async function endQuietly(connection: Client | undefined): Promise<void> {
  await connection?.end().catch(() => undefined);
}
