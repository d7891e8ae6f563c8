import { useMutation, useQueryClient } from '@tanstack/preact-query';
import { useRef } from 'preact/hooks';
import { LatchkeyError } from '../../client/client.ts';
import { useHeldPage } from '../session/session-control.ts';

const READ_AGAIN = ['keys', 'key', 'organization'];

/**
 * Sends a form. The same content has the same idempotency key, so that a repetition after a lost answer gives what the
 * first one gave. Lists are read again after a success. `show` shows what will most likely be, and returns the way back.
 */
export function useAttempt<Sent, Got>(
  send: (sent: Sent, idempotencyKey: string) => Promise<Got>,
  show?: (sent: Sent) => (() => void) | undefined,
) {
  useHeldPage();
  const queries = useQueryClient();
  const last = useRef({ content: '', key: '' });
  const mutation = useMutation({
    // An answer may have a secret: nothing keeps it when the form is gone.
    gcTime: 0,
    mutationFn(sent: Sent) {
      const content = JSON.stringify(sent);
      if (content !== last.current.content) last.current = { content, key: randomKey() };
      return send(sent, last.current.key);
    },
    onMutate: (sent) => show?.(sent),
    onError: (_error, _sent, undo) => undo?.(),
    onSuccess: (_got, _sent, undo) => {
      const read = Promise.all(READ_AGAIN.map((name) => queries.invalidateQueries({ queryKey: [name] })));
      // What was shown early is there already.
      return undo ? undefined : read.then(() => undefined);
    },
  });
  return { ...mutation, isUncertain: isUncertain(mutation.error) };
}

/** Whether a request may have been carried out although no good answer came. */
function isUncertain(error: unknown): boolean {
  return error instanceof LatchkeyError && (error.status === undefined || error.status >= 500);
}

function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
