import { hash } from 'node:crypto';
import type { CheckedKey } from './checked-keys.ts';
import { connectionOf } from './client.ts';
import type { LatchkeyClient } from './client.ts';
import { makeKeyMemory } from './key-memory.ts';
import type { CacheOptions } from './key-memory.ts';
import { LatchkeyError } from './latchkey-error.ts';
import type { VerdictCode } from './shapes.ts';

/** A good key, or why it is none. */
export type Answer = { key: CheckedKey } | { refused: VerdictCode };
export type KeyGuard = ReturnType<typeof makeKeyGuard>;

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
  const memory = makeKeyMemory({ connection: connectionOf(client), cache, onStream, onChange });

  async function question(presented: string, name: string): Promise<Answer> {
    const askedAt = performance.now();
    try {
      const verdict = await client.verify({ key: presented });
      const key = memory.keep(name, verdict, askedAt);
      return key ? { key } : { refused: verdict.code };
    } catch (error) {
      const key = isOutage(error) ? memory.lastKnown(name) : undefined;
      if (key) return { key };
      throw error;
    }
  }

  return {
    /** From memory alone. */
    peek: (presented: string): CheckedKey | undefined =>
      memory.isTrusted() ? memory.peek(nameOf(presented)) : undefined,

    /** Asks Latchkey; those that ask about the same key at the same time ask once. */
    ask(presented: string): Promise<Answer> {
      const name = nameOf(presented);
      const running = asking.get(name);
      if (running) return running;
      const answer = question(presented, name).finally(() => {
        if (asking.get(name) === answer) asking.delete(name);
      });
      asking.set(name, answer);
      return answer;
    },

    isTrusting: memory.isTrusted,
    size: memory.size,
    /** By what the kept keys go: hashes of their secrets. */
    names: memory.names,
    close: memory.close,
  };
}

function nameOf(presented: string): string {
  return hash('sha256', presented, 'base64url');
}

function isOutage(error: unknown): boolean {
  return error instanceof LatchkeyError && (error.status === undefined || error.status >= 500);
}
