import { setTimeout as sleep } from 'node:timers/promises';
import type { At, makeClient } from './client.ts';
import type { Final, History, Write } from './history.ts';

type Client = Awaited<ReturnType<typeof makeClient>>;

const PAUSE_MS = 20;
const READ_PAUSE_MS = 5;
/** So long after the nemesis everything has to be there again. */
const CALM_MS = 20_000;

const now = () => performance.now();

/** Clients that create, revoke and bill, and readers of every key at every replica, until they are stopped. */
export function startLoad(client: Client, replicas: readonly [At, ...At[]]) {
  const history: History = { writes: [], reads: [] };
  const stopping = new AbortController();
  const at = (i: number): At => replicas[i % replicas.length]!;

  async function repeat(pauseMs: number, act: (i: number) => Promise<void>): Promise<void> {
    for (let i = 0; !stopping.signal.aborted; i++) {
      await act(i);
      await sleep(pauseMs);
    }
  }

  const note = (write: Write) => void history.writes.push(write);

  const creator = repeat(PAUSE_MS, async (i) => {
    const invoked = now();
    const key = await client.tryCreate(at(i));
    note({ f: 'create', key, invoked, completed: now(), outcome: key ? 'ok' : 'unknown' });
  });
  const revoker = repeat(PAUSE_MS * 2, async (i) => {
    const asked = new Set(history.writes.flatMap((write) => (write.f === 'revoke' ? [write.key.id] : [])));
    const key = history.writes.flatMap((write) =>
      write.f === 'create' && write.key && !asked.has(write.key.id) ? [write.key] : [],
    )[0];
    if (!key) return;
    const invoked = now();
    const outcome = await client.revoke(at(i + 1), key);
    note({ f: 'revoke', key, invoked, completed: now(), outcome });
  });
  const biller = repeat(PAUSE_MS * 10, async (i) => {
    const posture = i % 2 === 0 ? 'active' : 'past_due';
    const invoked = now();
    note({ f: 'bill', posture, invoked, outcome: await client.bill(at(i), posture), completed: now() });
  });
  const readers = replicas.map((replica) =>
    repeat(READ_PAUSE_MS, async (i) => {
      const made = history.writes.flatMap((write) => (write.f === 'create' && write.key ? [write.key] : []));
      const key = made[i % Math.max(1, made.length)];
      if (!key) return;
      const invoked = now();
      const { code, stale } = await client.verify(replica, key);
      history.reads.push({ at: replica, key, code, stale, invoked, completed: now() });
    }),
  );

  return {
    history,
    async stop(): Promise<History> {
      stopping.abort();
      await Promise.all([creator, revoker, biller, ...readers]);
      return history;
    },
  };
}

/** What balances requests over the replicas that there are now. */
export function makeBalancer(first: readonly At[]) {
  let replicas = first;
  let next = 0;
  return {
    front: {
      get url() {
        return replicas[next++ % replicas.length]!.url;
      },
    },
    now: () => replicas,
    set: (others: readonly At[]) => void (replicas = others),
  };
}

/** Clients behind a balancer, of which no request may fail, until they are stopped. */
export function startTraffic(client: Client, balancer: ReturnType<typeof makeBalancer>) {
  const failures: string[] = [];
  const stopping = new AbortController();
  let requests = 0;
  const expectOf = (what: string, got: unknown, wanted: unknown) => {
    requests++;
    if (got !== wanted) failures.push(`${what}: ${String(got)}`);
  };
  const load = Array.from({ length: 2 }, async () => {
    while (!stopping.signal.aborted) {
      const key = await client.tryCreate(balancer.front);
      expectOf('create', key !== undefined, true);
      if (!key) continue;
      expectOf('verify', (await client.verify(balancer.front, key)).code, 'valid');
      expectOf('bill', await client.bill(balancer.front, 'active'), 'ok');
      expectOf('revoke', await client.revoke(balancer.front, key), 'ok');
      await sleep(250);
      for (const replica of balancer.now())
        expectOf('verify, revoked', (await client.verify(replica, key)).code, 'revoked');
    }
  });
  return {
    async stop() {
      stopping.abort();
      await Promise.all(load);
      return { requests, failures };
    },
  };
}

/** What each replica says of every key, once it is ready. */
export async function readAll(client: Client, replicas: readonly At[], { writes }: History): Promise<Final[]> {
  const keys = writes.flatMap((write) => (write.f === 'create' && write.key ? [write.key] : []));
  return Promise.all(
    replicas.map(async (replica) => {
      await becomesReady(client, replica);
      const codes = new Map<string, string>();
      for (const key of keys) codes.set(key.id, (await client.verify(replica, key)).code);
      return { replica: replica.url, codes, posture: await client.posture(replica) };
    }),
  );
}

export async function becomesReady(client: Client, replica: At): Promise<number> {
  const from = performance.now();
  while ((await client.ready(replica)) !== 200) {
    if (performance.now() - from > CALM_MS) throw new Error('the replica does not become ready');
    await sleep(20);
  }
  return performance.now() - from;
}

export const countOf = ({ writes, reads }: History): string => {
  const times = (outcome: string) => writes.filter((write) => write.outcome === outcome).length;
  return `${writes.length} writes (${times('ok')} acknowledged, ${times('unknown')} unknown), ${reads.length} reads`;
};
