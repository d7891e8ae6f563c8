import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { sampleOf } from './load.ts';
import type { Asked, Sample, Target } from './load.ts';

const CONNECTIONS = 256;
const TURN_MS = 1;

/**
 * Sends requests at a constant rate, whether or not earlier ones were answered, as independent callers do. autocannon's
 * rate is per connection, where a slow answer delays the next request.
 */
export async function askAtRate(target: Target, { perSecond, seconds }: { perSecond: number; seconds: number }) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const times: number[] = [];
  const running: Promise<void>[] = [];
  const from = performance.now();
  for (let sent = 0; sent < perSecond * seconds; await sleep(TURN_MS)) {
    const due = Math.min(perSecond * seconds, ((performance.now() - from) / 1_000) * perSecond);
    for (; sent < due; sent++) running.push(askOnce(agent, target, sent, times));
  }
  await Promise.all(running);
  agent.destroy();
  return sampleOf(times, (performance.now() - from) / 1_000) satisfies Sample;
}

async function askOnce(agent: Agent, target: Target, index: number, times: number[]): Promise<void> {
  const from = performance.now();
  const status = await statusOf(agent, target, target.requests[index % target.requests.length]!);
  times.push(performance.now() - from);
  if (status !== 200) throw new Error(`${target.method} ${target.path}: ${status}`);
}

async function statusOf(agent: Agent, { url, method, path }: Target, { headers, body }: Asked): Promise<number> {
  const text = body && JSON.stringify(body);
  const sent =
    text === undefined
      ? headers
      : { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const sending = request(url + path, { agent, method, headers: sent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    sending.on('error', reject).end(text);
  });
}
