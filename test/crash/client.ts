import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, send } from './http.ts';
import type { Answer } from './http.ts';

/** A key as its client knows it from answers. */
export type KnownKey = {
  id: string;
  value: string;
  label: string;
  state: 'live' | 'in_grace' | 'ended' | 'revoked' | 'deleted_there';
  suspended?: boolean;
};

type Deps = {
  url: () => string;
  token: string;
  /** Whose keys it makes. */
  owner: 'organization' | 'user';
  /** What no client should ever see. */
  complain: (what: string) => void;
  newId: () => string;
};

const RETRY_MS = 100;
const GIVE_UP_MS = 60_000;

export type Client = ReturnType<typeof makeClient>;

/**
 * A client as it should be: repeats what is safe to repeat and what carries an Idempotency-Key; before it repeats
 * anything else it looks what became of it, and takes back what it does not know the secret of.
 */
export function makeClient({ url, token, owner, complain, newId }: Deps) {
  /** Repeats a request until its answer is final; `onUnknown` runs after each lost answer. */
  async function insist(
    method: string,
    path: string,
    { body, key, onUnknown }: { body?: object; key?: string; onUnknown?: () => Promise<void> } = {},
  ): Promise<Answer> {
    const giveUpAt = performance.now() + GIVE_UP_MS;
    while (performance.now() < giveUpAt) {
      const headers = key === undefined ? {} : { 'idempotency-key': key };
      const answer = await send(url(), method, path, { token, headers, ...(body && { body }) });
      if (answer && answer.status < 500 && codeOf(answer) !== 'request_in_progress') return answer;
      if (answer?.status === 500) complain(`${method} was answered with 500`);
      if (!answer) await onUnknown?.();
      await sleep(RETRY_MS);
    }
    throw new Error(`${method} ${path} had no answer for a minute`);
  }

  const revoke = async (id: string) => void must(200, await insist('DELETE', `/v1/api-keys/${id}`), 'a revocation');

  /** The working keys of a label whose secret no client got. */
  async function takeBack(label: string): Promise<void> {
    const { body } = await insist('GET', `/v1/api-keys?status=active&q=${encodeURIComponent(label)}`);
    for (const { id } of body['data'] as { id: string }[]) await revoke(id);
  }

  async function rotateTo(id: string, idempotent: boolean, graceSeconds: number): Promise<KnownKey> {
    let current = id;
    const path = () => `/v1/api-keys/${current}/rotate`;
    const giveUpAt = performance.now() + GIVE_UP_MS;
    while (performance.now() < giveUpAt) {
      const body = { grace_seconds: current === id ? graceSeconds : 0 };
      let lost = false;
      const key = idempotent ? { key: newId() } : {};
      const onUnknown = async () => {
        lost = true;
        if (!idempotent) current = await newestOf(current);
      };
      const before = current;
      const answer = await insist('POST', path(), { body, ...key, onUnknown });
      if (answer.status === 201) return keyOf(answer);
      if (!lost || idempotent || current === before) must(201, answer, 'a rotation');
    }
    throw new Error('a rotation came to no end');
  }

  /** The key at the end of a chain of rotations whose answers may be lost. */
  async function newestOf(id: string): Promise<string> {
    const { body } = must(200, await insist('GET', `/v1/api-keys/${id}`), 'a key');
    const next = body['rotated_to'];
    return typeof next === 'string' ? newestOf(next) : id;
  }

  return {
    async create(label: string, idempotent: boolean): Promise<KnownKey> {
      const body = { label, permission_set: 'read_only', owner, metadata: { made: 'by a trial' } };
      const safely = idempotent ? { key: newId() } : { onUnknown: () => takeBack(label) };
      return keyOf(must(201, await insist('POST', '/v1/api-keys', { body, ...safely }), 'a creation'));
    },
    rotate: rotateTo,
    /** A rotation that something else may come before. @returns undefined when it was refused for that */
    async rotateUnless(id: string, graceSeconds: number): Promise<KnownKey | undefined> {
      const body = { grace_seconds: graceSeconds };
      const answer = await insist('POST', `/v1/api-keys/${id}/rotate`, { body, key: newId() });
      if (answer.status === 400) return undefined;
      return keyOf(must(201, answer, 'a rotation'));
    },
    /** Narrows from where and how much a key may be used; from here it may still. */
    async restrict(id: string): Promise<void> {
      const [range, concurrency] = [`10.${randomInt(256)}.0.0/16`, 5 + randomInt(1_000)];
      const limits = { ip_allow_list: ['127.0.0.0/8', '::1/128', range], concurrency };
      const body = { description: newId(), label: `restricted ${concurrency}`, ...limits };
      must(200, await insist('PATCH', `/v1/api-keys/${id}`, { body }), 'a restriction');
    },
    /** A key that has ended, or ends sooner by its rotation, refuses it. */
    async moveEnd(id: string): Promise<void> {
      const answer = await insist('PATCH', `/v1/api-keys/${id}`, { body: { expires_in: '300d' } });
      if (answer.status !== 400) must(200, answer, 'a new end');
    },
    revoke,
    async turn(id: string, verb: 'suspend' | 'resume'): Promise<void> {
      const body = verb === 'suspend' ? { body: { reason: 'of a trial' } } : {};
      must(200, await insist('POST', `/v1/api-keys/${id}/${verb}`, body), `to ${verb}`);
    },
    async update(id: string): Promise<void> {
      must(200, await insist('PATCH', `/v1/api-keys/${id}`, { body: { description: newId() } }), 'a change');
    },
  };
}

function must(status: number, answer: Answer, what: string): Answer {
  if (answer.status === status) return answer;
  throw new Error(`${what} was answered with ${answer.status} ${codeOf(answer) ?? ''}`);
}

function keyOf({ body }: Answer): KnownKey {
  return { id: String(body['id']), value: String(body['value']), label: String(body['label']), state: 'live' };
}
