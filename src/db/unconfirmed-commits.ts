import type { Client, QueryConfig } from 'pg';

/** The server function that waits for a standby. Its name is stable; its message is translated. */
const WAIT = 'SyncRepWaitForLSN';

type Callback = (error: Error | null, result?: unknown) => void;
type Query = (config: QueryConfig, callback: Callback) => unknown;

/**
 * Fails a commit that no standby has confirmed, as if its answer were lost. When the wait for a synchronous standby is
 * cancelled, the server reports success with a warning, and a failover would lose the commit.
 */
export function refuseUnconfirmedCommits(connection: Client): void {
  let isUnconfirmed = false;
  connection.on('notice', ({ routine }) => {
    if (routine === WAIT) isUnconfirmed = true;
  });
  const query = connection.query.bind(connection) as Query;
  const judged: Query = (config, callback) =>
    query(config, (error, result) => {
      const lost = isUnconfirmed;
      isUnconfirmed = false;
      callback(
        error ?? (lost ? new Error('Connection terminated before a standby confirmed the commit') : null),
        result,
      );
    });
  connection.query = judged as Client['query'];
}
