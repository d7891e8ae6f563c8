import { interleave, medianOf, ratio } from '../rounds.ts';
import type { Rounds } from '../rounds.ts';
import { ask } from '../ask.ts';
import type { Bench, Finding, Outcome, Section } from '../section.ts';
import { startServer } from '../start-server.ts';
import type { Env } from '../start-server.ts';
import { SERVICE_TOKEN } from '../tenants.ts';
import { times } from '../tables.ts';
import { bearerTarget, plainTarget, verifyTarget } from '../targets.ts';
import type { Target } from '../load.ts';

const NAMES = {
  verify: '`POST /v1/api-keys/verify`',
  limited: 'the same, keys with a rate limit',
  echo: 'Express 5 JSON echo with pino-http, `POST`',
  floor: '`node:http` alone: the same body parsed, the same bytes answered',
  forward: '`GET /v1/auth/forward`',
  bare: 'Express 5 JSON, `GET`',
  instant: 'a server that does not read: the limit of the load generator',
} as const;
type Named = Record<keyof typeof NAMES, Rounds>;

/** Compares verification over HTTP, from memory, with Express and `node:http` alone. */
export const verification: Section = {
  name: 'verification',
  title: 'Verification and forward authentication, from memory',
  needsPostgres: false,
  run: runVerification,
};

async function runVerification(bench: Bench): Promise<Outcome> {
  const named = await interleave(await targets(bench), bench.length);
  const rounds = Object.fromEntries(Object.entries(named).map(([key, rounds]) => [NAMES[key as keyof Named], rounds]));
  return { findings: judge(named), rounds, raw: '' };
}

async function targets({ world, lifetime }: Bench): Promise<Record<keyof Named, Target>> {
  const { url } = await world.latchkey();
  const { keys, limitedKeys } = await world.callers();
  const start = async (file: string, env: Env = {}) =>
    (await startServer(lifetime, `bench/servers/${file}`, 'measured', env)).url;
  const verify = verifyTarget(url, keys);
  const ANSWER = JSON.stringify(await ask(url, 'POST', verify.path, SERVICE_TOKEN, { key: keys[0] }));
  // Receives and answers the same bytes.
  const echo = { ...verify, url: await start('echo.ts'), path: '/', accepts: () => true };
  const floor = { ...verify, url: await start('node-http.ts', { ANSWER }) };
  return {
    verify,
    limited: verifyTarget(url, limitedKeys),
    echo,
    floor,
    forward: bearerTarget(url, '/v1/auth/forward', keys),
    bare: plainTarget(await start('bare.ts')),
    instant: { ...verify, url: await start('instant.ts'), accepts: () => true },
  };
}

function judge({ verify, echo, floor, forward, bare, instant }: Named): Finding[] {
  const faster = ratio(verify, echo, 'requestsPerSecond');
  const slower = ratio(verify, echo, 'p99');
  const ofFloor = ratio(verify, floor, 'requestsPerSecond');
  const forwarded = ratio(forward, bare, 'requestsPerSecond');
  const fastest = Math.max(...[verify, echo, forward, bare].map((rounds) => medianOf(rounds, 'requestsPerSecond')));
  const room = medianOf(instant, 'requestsPerSecond') / fastest;
  return [
    {
      measure: 'verify over HTTP from memory, compared with an Express 5 echo with `express.json()` and pino-http',
      mustReach: 'at least 3.2× the requests/s, p99 no worse',
      reached: `${times(faster)}, p99 ${times(slower)}`,
      ok: faster >= 3.2 && slower <= 1,
    },
    {
      measure: 'the same, compared with `node:http` alone, which parses the same body and answers the same bytes',
      mustReach: 'at least 0.6×',
      reached: `${times(ofFloor)}; it makes ${times(ratio(floor, echo, 'requestsPerSecond'))} of the echo`,
      ok: ofFloor >= 0.6,
    },
    {
      measure: 'forward authentication from memory, compared with a bare Express 5 `GET` that answers JSON',
      mustReach: 'at least 0.8×',
      reached: times(forwarded),
      ok: forwarded >= 0.8,
    },
    {
      measure: 'the load generator alone, compared with the fastest of these',
      mustReach: 'at least 1.5×, or the load generator is what is measured',
      reached: times(room),
      ok: room >= 1.5,
    },
  ];
}
