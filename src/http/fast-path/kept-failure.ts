import type { IncomingMessage } from 'node:http';

const failures = new WeakMap<IncomingMessage, { error: unknown }>();

/** Remembers why a fast path passes a request on, so that its route fails alike instead of trying again. */
export function keepFailure(req: IncomingMessage, error: unknown): void {
  failures.set(req, { error });
}

/** Throws what a fast path failed with, if it did. */
export function throwKeptFailure(req: IncomingMessage): void {
  const kept = failures.get(req);
  if (kept) throw kept.error;
}
