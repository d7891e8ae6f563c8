import { z } from 'zod';
import { AppError } from '../errors.ts';
import { publicRoute } from './route.ts';
import type { Route } from './route.ts';

type Deps = {
  /** Rejects, within its own deadline, when the database does not answer. */
  pingDatabase: () => Promise<unknown>;
  isWorkosReachable: () => Promise<boolean>;
};

const WORKOS_CHECK_MS = 10_000;

export function healthRoutes({ pingDatabase, isWorkosReachable }: Deps): Route[] {
  const workosState = makeRecently(
    async (): Promise<'up' | 'down'> => ((await isWorkosReachable()) ? 'up' : 'down'),
    WORKOS_CHECK_MS,
  );
  const common = { tag: 'Operations', method: 'get' } as const;
  return [
    publicRoute({
      ...common,
      operationId: 'getHealth',
      path: '/healthz',
      summary: 'Whether the process runs',
      responses: { 200: z.object({ status: z.literal('ok') }) },
      errors: [],
      handle: () => Promise.resolve({ status: 'ok' as const }),
    }),
    publicRoute({
      ...common,
      operationId: 'getReadiness',
      path: '/readyz',
      summary: 'Whether requests can be served: the database is needed, WorkOS is only shown',
      responses: {
        200: z.object({
          status: z.literal('ready'),
          database: z.literal('up'),
          workos: z.enum(['up', 'down', 'unknown']),
        }),
      },
      errors: ['database_unavailable'],
      async handle() {
        await pingDatabase().catch((cause: unknown) => {
          throw new AppError('database_unavailable', 'The database does not answer.', {
            cause,
            details: { retry_after: 2 },
          });
        });
        return { status: 'ready' as const, database: 'up' as const, workos: workosState() };
      },
    }),
  ];
}

/** What a look said last, without waiting for it; looks again in the background when that is older than `everyMs`. */
function makeRecently<T>(look: () => Promise<T>, everyMs: number): () => T | 'unknown' {
  let last: T | 'unknown' = 'unknown';
  let lookedAt = -Infinity;
  return () => {
    if (performance.now() - lookedAt >= everyMs) {
      lookedAt = performance.now();
      look().then(
        (value) => (last = value),
        () => (last = 'unknown'),
      );
    }
    return last;
  };
}
