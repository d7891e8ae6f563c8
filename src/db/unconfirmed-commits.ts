import type { Client, QueryConfig } from 'pg';

/** The function of the server that waits for a standby; what it says is translated, its name is not. */
const WAIT = 'SyncRepWaitForLSN';

type Callback = (error: Error | null, result?: unknown) => void;
type Query = (config: QueryConfig, callback: Callback) => unknown;

/**
 * Makes a commit fail, as one whose answer was lost, that no standby has confirmed. When the wait for a synchronous
 * standby is cancelled, the server says success and adds a warning: the commit is there, and gone after a failover.
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
