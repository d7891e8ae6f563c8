import { ask } from '../ask.ts';
import type { Sample } from '../load.ts';
import { askOpenLoop } from '../open-loop.ts';
import { interleave, medianOf } from '../rounds.ts';
import type { Bench, Outcome, Section } from '../section.ts';
import { startServer } from '../start-server.ts';
import { count, ms } from '../tables.ts';
import { verifyTarget } from '../targets.ts';
import { SERVICE_TOKEN } from '../tenants.ts';

const MUST_P99_MS = 2;

/** Measures how long verifications take at half of the highest rate, which leaves room for what comes unevenly. */
export const halfRate: Section = {
  name: 'half-rate',
  title: 'Verification at half of its highest rate, 256 connections',
  needsPostgres: false,
  run: runHalfRate,
};

async function runHalfRate({ world, lifetime, length }: Bench): Promise<Outcome> {
  const { rounds, seconds } = length;
  const { url } = await world.latchkey();
  const { keys } = await world.callers();
  const verify = verifyTarget(url, keys);
  const ANSWER = JSON.stringify(await ask(url, 'POST', verify.path, SERVICE_TOKEN, { key: keys[0] }));
  const floor = await startServer(lifetime, 'bench/servers/node-http.ts', 'measured', { ANSWER });
  const { verify: highest } = await interleave({ verify }, length);
  const perSecond = Math.floor(medianOf(highest, 'requestsPerSecond') / 2);
  const at: Record<'verify' | 'floor', Sample[]> = { verify: [], floor: [] };
  for (let round = 0; round < rounds; round++) {
    at.verify.push(await askOpenLoop(verify, { perSecond, seconds }));
    at.floor.push(await askOpenLoop({ ...verify, url: floor.url }, { perSecond, seconds }));
  }
  const p99 = medianOf(at.verify, 'p99');
  return {
    findings: [
      {
        measure: 'p99 of verify at half of its highest rate, from memory',
        mustReach: `at most ${MUST_P99_MS} ms`,
        reached: `${ms(p99)} ms at ${count(perSecond)}/s; \`node:http\` alone ${ms(medianOf(at.floor, 'p99'))} ms`,
        ok: p99 <= MUST_P99_MS,
      },
    ],
    rounds: {
      '`POST /v1/api-keys/verify`, the highest rate': highest,
      'the same at half of it': at.verify,
      '`node:http` alone at the same rate: the same body parsed, the same bytes answered': at.floor,
    },
    raw: '',
  };
}
