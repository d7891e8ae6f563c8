import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { connectDatabase } from '../../../src/db/connect.ts';
import { migrate } from '../../../src/db/migrations.ts';
import { ask } from '../cluster.ts';
import { startPrimary } from '../postgres.ts';
import type { Postgres } from '../postgres.ts';

const PAGE = new URL('../../../docs/how-to/run-in-another-region.md', import.meta.url);
const WAIT_MS = 20_000;

/** The SQL of the page: what is run at home, in the region, and in a region that is copied anew. */
function sqlOf(home: string): string[] {
  const blocks = [...readFileSync(PAGE, 'utf8').matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql]) => sql!);
  return blocks.map((sql) => sql.replace(/connection '[^']*'/, `connection '${home}'`));
}

async function run(server: Pick<Postgres, 'url'>, sql: string): Promise<void> {
  for (const statement of sql.split(';')) if (statement.trim() !== '') await ask(server, statement);
}

/** A network of some milliseconds to a server, each way, that a test can cut in silence. */
export async function startFar(port: number, delayMs: number) {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from
        .on('data', (data) => void setTimeout(() => !isCut && to.write(data), delayMs))
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(from);
          setTimeout(() => to.destroy(), delayMs);
        });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    /** Loses everything that is sent from now on, without an end. */
    cut: () => void (isCut = true),
    /** Ends what was cut, which has lost bytes, and lets new connections pass. */
    restore(): void {
      for (const socket of sockets) socket.destroy();
      isCut = false;
    },
  };
}

/** A server in a region that subscribes to one at home, as the page says. */
export async function startRegion(home: Pick<Postgres, 'url'>, homePort: number) {
  const server = await startPrimary();
  const db = connectDatabase({ url: server.url, poolMax: 1, statementTimeoutMs: null });
  await migrate(db);
  await db.destroy();
  const [atHome, inRegion, anew] = sqlOf(`host=127.0.0.1 port=${homePort} dbname=postgres user=latchkey_replication`);
  await run(home, atHome!);
  await run(server, inRegion!);
  return {
    ...server,
    readUrl: `postgres://latchkey_region@127.0.0.1:${server.port}/postgres`,
    /** Begins after a kill, once what was killed is gone. */
    async beginAgain(): Promise<void> {
      for (let i = 0; i < 20; i++) {
        const began = await server.begin().then(
          () => true,
          () => false,
        );
        if (began) return;
        await sleep(250);
      }
      throw new Error('the server does not begin again');
    },
    /** Loses its place at home, as when home fails over or it was away for too long. */
    async loseSlot(): Promise<void> {
      await ask(server, 'alter subscription region_west disable');
      for (let i = 0; i < 50; i++) {
        const sql = "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_type = 'logical'";
        const dropped = await ask(home, sql).then(
          (rows) => rows.length > 0,
          () => false,
        );
        if (dropped) return void (await ask(server, 'alter subscription region_west enable'));
        await sleep(100);
      }
      throw new Error('the slot stays in use');
    },
    copyAnew: () => run(server, anew!),
    enable: () => ask(server, 'alter subscription region_west enable'),
    disable: () => ask(server, 'alter subscription region_west disable'),
  };
}

type Reads = { region: number; home: number; lagSeconds: number };

/** What a replica says of its reads. */
export async function readsOf({ url }: { url: string }): Promise<Reads> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    region: value('latchkey_region_reads_total\\{database="region"\\}'),
    home: value('latchkey_region_reads_total\\{database="home"\\}'),
    lagSeconds: value('latchkey_region_lag_seconds'),
  };
}

/** Waits until a replica reads in its region, or at home. */
export async function readsIn(replica: { url: string }, database: 'region' | 'home'): Promise<number> {
  const from = performance.now();
  while (((await readsOf(replica)).lagSeconds < 3 ? 'region' : 'home') !== database) {
    if (performance.now() - from > WAIT_MS) throw new Error(`the replica does not read ${database}`);
    await sleep(20);
  }
  return performance.now() - from;
}
