import type { At, Key, makeClient } from './client.ts';
import { check } from './history.ts';
import type { History } from './history.ts';
import { countOf, readAll } from './load.ts';

type Client = Awaited<ReturnType<typeof makeClient>>;

const now = () => performance.now();

/** The same client, of whose requests a history is kept, for scenarios that ask for more than a load does. */
export function recording(client: Client) {
  const history: History = { writes: [], reads: [] };

  async function tryCreate(at: At, more?: object): Promise<Key | undefined> {
    const invoked = now();
    const key = await client.tryCreate(at, more);
    history.writes.push({ f: 'create', key, invoked, completed: now(), outcome: key ? 'ok' : 'unknown' });
    return key;
  }

  const recorded: Client = {
    ...client,
    tryCreate,
    async create(at, more) {
      const key = await tryCreate(at, more);
      if (!key) throw new Error('the key was not made');
      return key;
    },
    async revoke(at, key) {
      const invoked = now();
      const outcome = await client.revoke(at, key);
      history.writes.push({ f: 'revoke', key, invoked, completed: now(), outcome });
      return outcome;
    },
    async verify(at, key, more) {
      const invoked = now();
      const verified = await client.verify(at, key, more);
      const { code, stale } = verified;
      history.reads.push({ at, key, code, stale, invoked, completed: now() });
      return verified;
    },
    async bill(at, posture) {
      const invoked = now();
      const outcome = await client.bill(at, posture);
      history.writes.push({ f: 'bill', posture, invoked, completed: now(), outcome });
      return outcome;
    },
  };

  return {
    client: recorded,
    /** What these replicas, once they are ready, and all answers so far say against the promises; and how much was judged. */
    async violations(replicas: readonly At[]): Promise<{ found: string[]; judged: string }> {
      return { found: check(history, await readAll(client, replicas, history)), judged: countOf(history) };
    },
  };
}
