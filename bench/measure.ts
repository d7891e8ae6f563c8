import { load, median, percentile } from './load.ts';
import type { Sample, Target } from './load.ts';
import type { Servers } from './prepare.ts';

export type Results = { rows: Record<string, Sample>; create: CreateCost };
/** Milliseconds, medians of one at a time, of the round with the median ratio. */
export type CreateCost = { createMs: number; workosMs: number; transactionsMs: number; ratio: number };

const MANY = 64;
/** A create holds a connection of the pool twice; more at once would only wait. */
const SOME = 16;
// The last of each round: what it is made of is measured right after it.
const ONE_AT_A_TIME = '`POST /v1/api-keys`, one at a time';
const BODY = { label: 'CI runner — staging', permission_set: 'read_only' };

/** Rounds in which every target has its turn, so that a slow moment of the machine meets all of them. */
export async function measure(
  servers: Servers,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Results> {
  const targets = targetsOf(servers);
  for (const target of Object.values(targets)) await load(target, 1);
  const samples: Record<string, Sample[]> = {};
  const costs: CreateCost[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [name, target] of Object.entries(targets)) (samples[name] ??= []).push(await load(target, seconds));
    costs.push(await createCost(servers.alone, seconds, samples[ONE_AT_A_TIME]!.at(-1)!));
  }
  const rows = Object.fromEntries(Object.entries(samples).map(([name, each]) => [name, medianSample(each)]));
  return { rows, create: costs.toSorted((a, b) => a.ratio - b.ratio)[Math.floor(costs.length / 2)]! };
}

function targetsOf({ echo, latchkey, tokens, keys }: Servers): Record<string, Target> {
  return {
    'Express 5 JSON echo with pino-http, `POST`': {
      url: echo,
      method: 'POST',
      path: '/',
      headers: [{}],
      body: BODY,
      connections: MANY,
    },
    '`GET /v1/me/session` by API key': {
      url: latchkey,
      method: 'GET',
      path: '/v1/me/session',
      headers: bearer(keys),
      connections: MANY,
    },
    '`POST /v1/api-keys`': createTarget(latchkey, bearer(tokens), SOME),
    [ONE_AT_A_TIME]: createTarget(latchkey, bearer(tokens), 1),
  };
}

function bearer(credentials: readonly string[]): Target['headers'] {
  return credentials.map((credential) => ({ authorization: `Bearer ${credential}` }));
}

function createTarget(url: string, headers: Target['headers'], connections: number): Target {
  return { url, method: 'POST', path: '/v1/api-keys', headers, body: BODY, connections };
}

async function createCost(alone: string, seconds: number, { p50: createMs }: Sample): Promise<CreateCost> {
  const response = await fetch(`${alone}/?milliseconds=${seconds * 1_000}`);
  const times = (await response.json()) as { workosMs: number[]; transactionsMs: number[] };
  const workosMs = percentile(times.workosMs, 50);
  const transactionsMs = percentile(times.transactionsMs, 50);
  return { createMs, workosMs, transactionsMs, ratio: createMs / (workosMs + transactionsMs) };
}

function medianSample(samples: readonly Sample[]): Sample {
  const of = (field: keyof Sample) => median(samples.map((sample) => sample[field]));
  return { requestsPerSecond: of('requestsPerSecond'), p50: of('p50'), p99: of('p99') };
}
