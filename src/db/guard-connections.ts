import { callbackify } from 'node:util';
import type { Client } from 'pg';
import { SERVER_IDENTITY } from './database-server.ts';
import type { DatabaseServer } from './database-server.ts';
import { pipelineStatements } from './pipeline.ts';
import { refuseUnconfirmedCommits } from './unconfirmed-commits.ts';

/** A connection as knex pools it. */
type PooledConnection = Client & { __knexUid: string };

/**
 * Guards a pool's connections: all lead to the server of the `LISTEN` connection, and none reports a commit that no standby
 * has confirmed. `pipelines`: a transaction goes on while statements are under way whose results it does not need.
 */
export function guardConnections(server: Pick<DatabaseServer, 'isFollowed'>, { pipelines }: { pipelines: boolean }) {
  const connections = new Map<string, Client>();
  const identities = new WeakMap<Client, string>();

  async function admit(connection: PooledConnection): Promise<void> {
    const { rows } = await connection.query<{ identity: string }>(SERVER_IDENTITY);
    const identity = rows[0]?.identity;
    if (identity === undefined || !server.isFollowed(identity)) {
      await endQuietly(connection);
      throw new Error('Connection terminated: it leads to another server than the LISTEN connection');
    }
    identities.set(connection, identity);
    refuseUnconfirmedCommits(connection);
    if (pipelines) pipelineStatements(connection);
    const { __knexUid: uid } = connection;
    connections.set(uid, connection);
    connection.once('end', () => connections.delete(uid));
  }

  return {
    callbacks: {
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
