import { setTimeout as sleep } from 'node:timers/promises';
import { SERVICE_TOKEN } from '../support/service.ts';
import type { Cluster } from './cluster.ts';

export type At = { url: string };
export type Key = { id: string; value: string };
export type Outcome = 'ok' | 'unknown' | 'refused';
export type Verified = { status: number; code: string; stale: boolean | undefined };

const DEADLINE_MS = 10_000;

type Answer = { status: number; body: Record<string, unknown> };

/** A line for who reads what a run measured. */
export function say(line: string): void {
  process.stdout.write(`  ${line}\n`);
}

async function send({ url }: At, method: string, path: string, token: string, body?: object): Promise<Answer> {
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  } catch {
    return { status: 0, body: {} };
  }
}

// An answer that says nothing of what became of it leaves it open.
function outcomeOf({ status }: Answer): Outcome {
  if (status >= 200 && status < 300) return 'ok';
  return status === 0 || status >= 500 ? 'unknown' : 'refused';
}

/** Requests of one organization's owner and of the product's service; none of them fails. Status 0: no answer came. */
export async function makeClient(cluster: Pick<Cluster, 'organizations'>, [first]: readonly [At, ...At[]]) {
  const acme = await cluster.organizations.add(null);

  const client = {
    acme,
    async bill(at: At, status: 'active' | 'past_due'): Promise<Outcome> {
      const body = { status, plan: 'scale' };
      return outcomeOf(await send(at, 'PUT', `/v1/organizations/${acme.id}/billing`, SERVICE_TOKEN, body));
    },
    async posture(at: At): Promise<unknown> {
      return (await send(at, 'GET', `/v1/organizations/${acme.id}`, SERVICE_TOKEN)).body['posture'];
    },
    /** @throws Error unless the key is made */
    async create(at: At, more: object = {}): Promise<Key> {
      const made = await client.tryCreate(at, more);
      if (!made) throw new Error('the key was not made');
      return made;
    },
    async tryCreate(at: At, more: object = {}): Promise<Key | undefined> {
      const body = { label: 'a key', permission_set: 'read_only', ...more };
      const answer = await send(at, 'POST', '/v1/api-keys', await acme.session(), body);
      return answer.status === 201 ? (answer.body as unknown as Key) : undefined;
    },
    async revoke(at: At, { id }: Key): Promise<Outcome> {
      return outcomeOf(await send(at, 'DELETE', `/v1/api-keys/${id}`, await acme.session()));
    },
    async verify(at: At, { value }: Key, more: object = {}): Promise<Verified> {
      const { status, body } = await send(at, 'POST', '/v1/api-keys/verify', SERVICE_TOKEN, { key: value, ...more });
      const { code, error, stale } = body as { code?: string; error?: { code: string }; stale?: boolean };
      return { status, code: code ?? error?.code ?? 'no answer', stale };
    },
    async ready({ url }: At): Promise<number> {
      return fetch(`${url}/readyz`, { signal: AbortSignal.timeout(DEADLINE_MS) }).then(
        ({ status }) => status,
        () => 0,
      );
    },
    /** Asks until memory answers. */
    async warm(at: At, { value }: Key): Promise<void> {
      for (let i = 0; i < 500; i++) {
        const { body } = await send(at, 'POST', '/v1/api-keys/verify', SERVICE_TOKEN, { key: value });
        if (body['source'] === 'cache') return;
        await sleep(10);
      }
      throw new Error('memory does not answer');
    },
    /** Does it again and again for so long. */
    async until(milliseconds: number, act: () => Promise<unknown>): Promise<void> {
      const end = performance.now() + milliseconds;
      while (performance.now() < end) {
        await act();
        await sleep(10);
      }
    },
  };
  if ((await client.bill(first, 'active')) !== 'ok') throw new Error('the billing webhook was not accepted');
  return client;
}
