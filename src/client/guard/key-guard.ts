import { hash } from 'node:crypto';
import type { CheckedKey } from './checked-keys.ts';
import { connectionOf } from '../client.ts';
import type { LatchkeyClient } from '../client.ts';
import { needsEachCall, makeKeyMemory } from './key-memory.ts';
import type { CacheOptions } from './guard-shapes.ts';
import { LatchkeyError } from '../latchkey-error.ts';
import type { Verdict, VerifyApiKey } from '../shapes.ts';
import { makeSteadyClock } from './steady-clock.ts';

/** A valid key, or the verdict that refused it. `verdict` is undefined for a key from the cache. */
export type Answer = { key: CheckedKey; verdict: Verdict | undefined } | { refused: Verdict };
export type KeyGuard = ReturnType<typeof makeKeyGuard>;
/** What a request requires of its key. */
export type Use = Omit<VerifyApiKey, 'key' | 'lease'>;

type Options = {
  client: LatchkeyClient;
  cache?: CacheOptions | undefined;
  onStream?: ((open: boolean) => void) | undefined;
};

/** Creates the guard: answers from the cache while it can be trusted, and calls Latchkey otherwise. */
export function makeKeyGuard({ client, cache = {}, onStream = () => undefined }: Options) {
  const running = new Map<string, Promise<Answer>>();
  // A request after a change must not share a call from before it.
  const onChange = () => running.clear();
  const now = makeSteadyClock();
  const memory = makeKeyMemory({ connection: connectionOf(client), cache, onStream, onChange, now });

  async function verify(name: string, request: VerifyApiKey): Promise<Answer> {
    const sentAt = performance.now();
    try {
      const verdict = await client.verify(request);
      const key = memory.store(name, verdict, sentAt);
      return key ? { key, verdict } : { refused: verdict };
    } catch (error) {
      const key = isOutage(error) ? memory.lastKnown(name) : undefined;
      if (key) return { key, verdict: undefined };
      throw error;
    }
  }

  /** Leaves out scopes and operation, so that other requests with the key can share the call. */
  function verifyForAll(name: string, request: VerifyApiKey): Promise<Answer> {
    const { key, cost, ip, user_agent, environment } = request;
    const answer = verify(name, { key, cost, ip, user_agent, environment }).finally(() => {
      if (running.get(name) === answer) running.delete(name);
    });
    running.set(name, answer);
    return answer;
  }

  return {
    /** Returns a key from the cache; undefined when Latchkey must be called. */
    peek(presented: string): CheckedKey | undefined {
      const known = memory.isTrusted() ? memory.peek(nameOf(presented)) : undefined;
      return known && needsEachCall(known) ? undefined : known;
    },

    /**
     * Calls Latchkey. Concurrent requests with the same key share one call, unless the key has limits or addresses: then
     * each request makes its own.
     */
    async ask(presented: string, use: Use): Promise<Answer> {
      const name = nameOf(presented);
      // An older service rejects the field, and has live keys only.
      const environment = use.environment === 'live' ? undefined : use.environment;
      const request = { key: presented, ...use, environment };
      if (memory.needsEachCall(name)) return verify(name, request);
      const shared = running.get(name);
      const answer = await (shared ?? verifyForAll(name, request));
      // The shared call asked for `read`; where billing refuses only that, this request needs its own.
      if ('refused' in answer) return isForAnother(answer.refused, use, shared) ? verify(name, request) : answer;
      return shared && needsEachCall(answer.key) ? verify(name, request) : answer;
    },

    isTrusting: memory.isTrusted,
    size: memory.size,
    /** Returns the hashes of the cached keys. */
    names: memory.names,
    /** The clock that decides expiry. */
    now,
    close: memory.close,
  };
}

function nameOf(presented: string): string {
  return hash('sha256', presented, 'base64url');
}

function isForAnother({ code, billing }: Verdict, { operation = 'read' }: Use, shared: unknown): boolean {
  // The shared call was made for another address and environment.
  if (code === 'ip_not_allowed' || code === 'environment_mismatch') return shared !== undefined;
  return code === 'billing_inactive' && billing?.allows.includes(operation) === true;
}

function isOutage(error: unknown): boolean {
  return error instanceof LatchkeyError && (error.status === undefined || error.status >= 500);
}
