import { ask } from '../ask.ts';
import type { Target } from '../load.ts';
import { askAtRate } from '../constant-rate.ts';
import { interleave, ratio } from '../rounds.ts';
import type { Rounds } from '../rounds.ts';
import type { Bench, Outcome, Section } from '../section.ts';
import { startServer } from '../start-server.ts';
import { times } from '../tables.ts';
import { CONNECTIONS, verifyTarget } from '../targets.ts';
import { ENVIRONMENT } from '../tenants.ts';

const AWAY_MS = 40;
const PER_SECOND = 500;
const FAULTS = '/_emulator/faults';

/** Compares with a service that asks WorkOS about the key of every request. */
export const workosSdk: Section = {
  name: 'workos-sdk',
  title: `The WorkOS SDK's \`createValidation\` per request, with WorkOS ${AWAY_MS} ms away`,
  needsPostgres: false,
  run: runWorkosSdk,
};

async function runWorkosSdk({ world, lifetime, length }: Bench): Promise<Outcome> {
  const { url: workosUrl } = await world.workos();
  const { keys } = await world.callers();
  const latency = { kind: 'latency', ms: AWAY_MS, times: 0, method: 'POST', path: '/api_keys/validations' };
  await ask(workosUrl, 'POST', FAULTS, ENVIRONMENT.apiKey, latency);
  lifetime.onEnd(async () => void (await ask(workosUrl, 'DELETE', FAULTS, ENVIRONMENT.apiKey)));
  const env = { WORKOS_API_URL: workosUrl };
  const { url } = await startServer(lifetime, 'bench/servers/workos-sdk.ts', 'measured', env);
  const targets = { latchkey: verifyTarget((await world.latchkey()).url, keys), sdk: sdkTarget(url, keys) };
  const full = await interleave(targets, length);
  const even: Record<keyof typeof targets, Rounds[number][]> = { latchkey: [], sdk: [] };
  for (let round = 0; round < length.rounds; round++) {
    const at = { perSecond: PER_SECOND, seconds: length.seconds };
    even.latchkey.push(await askAtRate(targets.latchkey, at));
    even.sdk.push(await askAtRate(targets.sdk, at));
  }
  return outcome(full, even);
}

function sdkTarget(url: string, keys: readonly string[]): Target {
  const requests = keys.map((key) => ({ headers: { 'x-api-key': key } }));
  return { url, method: 'GET', path: '/', connections: CONNECTIONS, requests };
}

type Pair = Record<'latchkey' | 'sdk', Rounds>;

function outcome(full: Pair, even: Pair): Outcome {
  const faster = ratio(full.latchkey, full.sdk, 'requestsPerSecond');
  const sooner = ratio(even.sdk, even.latchkey, 'p50');
  return {
    findings: [
      {
        measure: `verify, compared with the WorkOS SDK's \`createValidation\` per request (WorkOS ${AWAY_MS} ms away), ${CONNECTIONS} connections`,
        mustReach: 'at least 12× the requests/s',
        reached: times(faster),
        ok: faster >= 12,
      },
      {
        measure: `the same at ${PER_SECOND} requests/s`,
        mustReach: 'p50 at most 1/50',
        reached: `p50 1/${sooner.toFixed(0)}`,
        ok: sooner >= 50,
      },
    ],
    rounds: {
      '`POST /v1/api-keys/verify`': full.latchkey,
      'Express 5 with `createValidation`': full.sdk,
      [`\`POST /v1/api-keys/verify\` at ${PER_SECOND}/s`]: even.latchkey,
      [`Express 5 with \`createValidation\` at ${PER_SECOND}/s`]: even.sdk,
    },
    raw: '',
  };
}
