import { hash } from 'node:crypto';
import type { CheckedKey } from './checked-keys.ts';
import { connectionOf } from '../client.ts';
import type { LatchkeyClient } from '../client.ts';
import { isForEach, makeKeyMemory } from './key-memory.ts';
import type { CacheOptions } from './key-memory.ts';
import { LatchkeyError } from '../latchkey-error.ts';
import type { Verdict, VerifyApiKey } from '../shapes.ts';
import { makeSteadyClock } from './steady-clock.ts';

/** A good key, or why it is none; the verdict is absent for a key that is known from before. */
export type Answer = { key: CheckedKey; verdict: Verdict | undefined } | { refused: Verdict };
export type KeyGuard = ReturnType<typeof makeKeyGuard>;
/** What is asked of a key, by the request that it came with. */
export type AskedUse = Omit<VerifyApiKey, 'key' | 'lease'>;

type Options = {
  client: LatchkeyClient;
  cache?: CacheOptions | undefined;
  onStream?: ((open: boolean) => void) | undefined;
};

/** Knows keys from memory while that can be trusted, and asks Latchkey otherwise. */
export function makeKeyGuard({ client, cache = {}, onStream = () => undefined }: Options) {
  const asking = new Map<string, Promise<Answer>>();
  // Who asks after a change must not be answered by a question from before.
  const onChange = () => asking.clear();
  const now = makeSteadyClock();
  const memory = makeKeyMemory({ connection: connectionOf(client), cache, onStream, onChange, now });

  async function question(name: string, asked: VerifyApiKey): Promise<Answer> {
    const askedAt = performance.now();
    try {
      const verdict = await client.verify(asked);
      const key = memory.keep(name, verdict, askedAt);
      return key ? { key, verdict } : { refused: verdict };
    } catch (error) {
      const key = isOutage(error) ? memory.lastKnown(name) : undefined;
      if (key) return { key, verdict: undefined };
      throw error;
    }
  }

  /** Scopes and operation are not asked about: who else asks about the same key may need others. */
  function questionForAll(name: string, asked: VerifyApiKey): Promise<Answer> {
    const { key, cost, ip, user_agent, environment } = asked;
    const answer = question(name, { key, cost, ip, user_agent, environment }).finally(() => {
      if (asking.get(name) === answer) asking.delete(name);
    });
    asking.set(name, answer);
    return answer;
  }

  return {
    /** From memory alone. */
    peek(presented: string): CheckedKey | undefined {
      const known = memory.isTrusted() ? memory.peek(nameOf(presented)) : undefined;
      return known && isForEach(known) ? undefined : known;
    },

    /**
     * Asks Latchkey. Those that ask about the same key at the same time ask once, unless its use is limited: then every
     * request is counted, and one whose key is bound to addresses is judged by its own.
     */
    async ask(presented: string, use: AskedUse): Promise<Answer> {
      const name = nameOf(presented);
      // A service older than this client knows live keys alone, and no such question.
      const environment = use.environment === 'live' ? undefined : use.environment;
      const asked = { key: presented, ...use, environment };
      if (memory.isForEach(name)) return question(name, asked);
      const running = asking.get(name);
      const answer = await (running ?? questionForAll(name, asked));
      // It was asked whether the key may read, which says nothing of this request where that alone is not allowed.
      if ('refused' in answer) return isForAnother(answer.refused, use, running) ? question(name, asked) : answer;
      return running && isForEach(answer.key) ? question(name, asked) : answer;
    },

    isTrusting: memory.isTrusted,
    size: memory.size,
    /** By what the kept keys go: hashes of their secrets. */
    names: memory.names,
    /** The clock that keys are judged by. */
    now,
    close: memory.close,
  };
}

function nameOf(presented: string): string {
  return hash('sha256', presented, 'base64url');
}

function isForAnother({ code, billing }: Verdict, { operation = 'read' }: AskedUse, running: unknown): boolean {
  // Another request asked, from its own address and for its own environment.
  if (code === 'ip_not_allowed' || code === 'environment_mismatch') return running !== undefined;
  return code === 'billing_inactive' && billing?.allows.includes(operation) === true;
}

function isOutage(error: unknown): boolean {
  return error instanceof LatchkeyError && (error.status === undefined || error.status >= 500);
}
