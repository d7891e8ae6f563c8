import { interleave, medianOf, ratio } from '../rounds.ts';
import type { Rounds } from '../rounds.ts';
import type { Bench, Finding, Outcome, Section } from '../section.ts';
import { startServer } from '../start-server.ts';
import { roundsTable, times } from '../tables.ts';
import { bearerTarget, plainTarget, verifyTarget } from '../targets.ts';
import type { Target } from '../load.ts';

const NAMES = {
  verify: '`POST /v1/api-keys/verify`',
  limited: 'the same, keys with a rate limit',
  echo: 'Express 5 JSON echo with pino-http, `POST`',
  forward: '`GET /v1/auth/forward`',
  bare: 'Express 5 JSON, `GET`',
  instant: 'a server that does not read: what the load can do',
} as const;
type Named = Record<keyof typeof NAMES, Rounds>;

/** Verification over HTTP beside what Express costs by itself, everything in memory. */
export const verification: Section = {
  name: 'verification',
  title: 'Verification and forward authentication, warm',
  needsPostgres: false,
  run: runVerification,
};

async function runVerification(bench: Bench): Promise<Outcome> {
  const named = await interleave(await targets(bench), bench.length);
  const raw = Object.fromEntries(Object.entries(named).map(([key, rounds]) => [NAMES[key as keyof Named], rounds]));
  return { findings: judge(named), raw: roundsTable(raw) };
}

async function targets({ world, lifetime }: Bench): Promise<Record<keyof Named, Target>> {
  const { url } = await world.latchkey();
  const { keys, limitedKeys } = await world.callers();
  const start = async (file: string) => (await startServer(lifetime, `bench/servers/${file}`, 'measured')).url;
  const verify = verifyTarget(url, keys);
  // The same bytes, sent and answered.
  const echo = { ...verify, url: await start('echo.ts'), path: '/', accepts: () => true };
  return {
    verify,
    limited: verifyTarget(url, limitedKeys),
    echo,
    forward: bearerTarget(url, '/v1/auth/forward', keys),
    bare: plainTarget(await start('bare.ts')),
    instant: { ...verify, url: await start('instant.ts'), accepts: () => true },
  };
}

function judge({ verify, echo, forward, bare, instant }: Named): Finding[] {
  const faster = ratio(verify, echo, 'requestsPerSecond');
  const slower = ratio(verify, echo, 'p99');
  const forwarded = ratio(forward, bare, 'requestsPerSecond');
  const fastest = Math.max(...[verify, echo, forward, bare].map((rounds) => medianOf(rounds, 'requestsPerSecond')));
  const room = medianOf(instant, 'requestsPerSecond') / fastest;
  return [
    {
      measure: 'verify over HTTP, warm, to an Express 5 echo with `express.json()` and pino-http',
      mustReach: 'at least 2.0× the requests/s, p99 no worse',
      reached: `${times(faster)}, p99 ${times(slower)}`,
      ok: faster >= 2 && slower <= 1,
    },
    {
      measure: 'forward authentication, warm, to a bare Express 5 `GET` answering JSON',
      mustReach: 'at least 0.8×',
      reached: times(forwarded),
      ok: forwarded >= 0.8,
    },
    {
      measure: 'the load itself, to the fastest of these',
      mustReach: 'at least 1.5×, or the load is what is measured',
      reached: times(room),
      ok: room >= 1.5,
    },
  ];
}
