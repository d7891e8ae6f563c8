import { z } from 'zod';
import { AppError } from '../errors.ts';
import { publicRoute } from './route.ts';
import type { Route } from './route.ts';

type Deps = {
  /** Rejects, within its own deadline, when no request should be sent here; with an AppError that says why, if it knows. */
  assertReady: () => Promise<void>;
  isWorkosReachable: () => Promise<boolean>;
  /** Events of WorkOS that could not be read and wait for people. */
  countUnreadableEvents: () => Promise<number>;
};

const WORKOS_CHECK_MS = 10_000;

export function healthRoutes({ assertReady, isWorkosReachable, countUnreadableEvents }: Deps): Route[] {
  const workosState = makeRecently(
    async (): Promise<'up' | 'down'> => ((await isWorkosReachable()) ? 'up' : 'down'),
    WORKOS_CHECK_MS,
  );
  const stateOfEvents = async (): Promise<'ok' | 'degraded'> =>
    (await countUnreadableEvents()) === 0 ? 'ok' : 'degraded';
  const eventsState = makeRecently(stateOfEvents, WORKOS_CHECK_MS);
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
      summary:
        'Whether requests can be served: a database that shows itself to be the primary is needed, WorkOS is only shown',
      responses: {
        200: z.object({
          status: z.literal('ready'),
          database: z.literal('up'),
          workos: z.enum(['up', 'down', 'unknown']),
          workos_events: z
            .enum(['ok', 'degraded', 'unknown'])
            .describe('`degraded` while there are events of WorkOS that cannot be read; see `npm run workos:events`.'),
        }),
      },
      errors: ['database_unavailable'],
      async handle() {
        await assertReady().catch((cause: unknown) => {
          if (cause instanceof AppError) throw cause;
          throw new AppError('database_unavailable', 'The database does not answer.', {
            cause,
            details: { retry_after: 2 },
          });
        });
        const shown = { workos: workosState(), workos_events: eventsState() };
        return { status: 'ready' as const, database: 'up' as const, ...shown };
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
