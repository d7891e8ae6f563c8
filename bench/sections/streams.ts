import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lifetime } from '../../src/process/shutdown.ts';
import { median } from '../rounds.ts';
import type { Bench, Outcome, Section } from '../section.ts';
import { startServer } from '../start-server.ts';
import { count, ms } from '../tables.ts';

/** As many as a replica opens, unless it is configured. */
const STREAMS = 1_000;
const CHANGES_PER_SECOND = 60;
const AT_MOST_CORES = 0.6;
const OPENED_AT_ONCE = 50;
const RECEIVED_DEADLINE_MS = 10_000;
const EVENT = 'event: invalidation\n';

type Measured = { changes: number; cpuSeconds: number; seconds: number };
type Readers = { received: () => number };

/** Measures what streams of changes to middlewares cost the replica that they are open at. */
export const streams: Section = {
  name: 'streams',
  title: 'Streams of changes to middlewares',
  needsPostgres: false,
  run: runStreams,
};

async function runStreams({ lifetime, length }: Bench): Promise<Outcome> {
  const { url } = await startServer(lifetime, 'bench/servers/streams.ts', 'measured');
  const readers = await openReaders(lifetime, url);
  const rounds: Measured[] = [];
  for (let round = 0; round < length.rounds; round++) {
    const before = readers.received();
    const answer = await fetch(`${url}/measure?seconds=${length.seconds}&rate=${CHANGES_PER_SECOND}`);
    const measured = (await answer.json()) as Measured;
    await haveAll(readers, before + measured.changes * STREAMS);
    rounds.push(measured);
  }
  return outcome(rounds);
}

async function openReaders(lifetime: Lifetime, url: string): Promise<Readers> {
  let received = 0;
  const sockets: Socket[] = [];
  lifetime.onEnd(() => {
    for (const socket of sockets) socket.destroy();
  });
  const { port } = new URL(url);
  for (let i = 0; i < STREAMS; i++) {
    const socket = connect(Number(port), '127.0.0.1');
    sockets.push(socket);
    socket.setEncoding('latin1').write('GET /streams HTTP/1.1\r\nhost: bench\r\n\r\n');
    let rest = '';
    socket.on('data', (text: string) => {
      const parts = (rest + text).split(EVENT);
      received += parts.length - 1;
      rest = parts.at(-1)!.slice(-EVENT.length + 1);
    });
    if (i % OPENED_AT_ONCE === 0) await sleep(5);
  }
  for (let opened = 0; opened < STREAMS; await sleep(20)) opened = Number(await (await fetch(url)).text());
  return { received: () => received };
}

async function haveAll({ received }: Readers, all: number): Promise<void> {
  const from = performance.now();
  while (received() !== all) {
    if (performance.now() - from > RECEIVED_DEADLINE_MS)
      throw new Error(`${received()} of ${all} events were received`);
    await sleep(5);
  }
}

function outcome(rounds: readonly Measured[]): Outcome {
  const cores = median(rounds.map(({ cpuSeconds, seconds }) => cpuSeconds / seconds));
  const each = median(rounds.map(({ cpuSeconds, changes }) => (cpuSeconds / changes) * 1_000));
  const perSecond = median(rounds.map(({ changes, seconds }) => changes / seconds));
  return {
    findings: [
      {
        measure: `CPU of ${count(STREAMS)} streams at ${CHANGES_PER_SECOND} changes a second, each received by all of them`,
        mustReach: `at most ${AT_MOST_CORES} of a core`,
        reached: `${cores.toFixed(2)} of a core`,
        ok: cores <= AT_MOST_CORES,
      },
    ],
    figures: { 'CPU seconds a second': { cores }, 'CPU milliseconds': { 'a change': each } },
    raw: `${count(perSecond)} changes a second to ${count(STREAMS)} streams: ${ms(each)} ms of CPU a change.\n`,
  };
}
