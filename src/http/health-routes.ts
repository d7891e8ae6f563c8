import { z } from 'zod';
import { AppError } from '../errors.ts';
import { publicRoute } from './route.ts';
import type { Route } from './route.ts';

type Deps = {
  /** Rejects, within its own deadline, when this replica should get no requests; with an AppError if it knows why. */
  assertReady: () => Promise<void>;
  isWorkosReachable: () => Promise<boolean>;
  /** Counts WorkOS events that could not be read and wait for an operator. */
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
      summary: 'Check that the process runs',
      responses: { 200: z.object({ status: z.literal('ok') }) },
      errors: [],
      handle: () => Promise.resolve({ status: 'ok' as const }),
    }),
    publicRoute({
      ...common,
      operationId: 'getReadiness',
      path: '/readyz',
      summary: 'Check that this replica can serve requests',
      description:
        'Ready means that the database is reachable and the primary. The state of WorkOS is shown, but does not decide.',
      responses: {
        200: z.object({
          status: z.literal('ready'),
          database: z.literal('up'),
          workos: z.enum(['up', 'down', 'unknown']),
          workos_events: z
            .enum(['ok', 'degraded', 'unknown'])
            .describe('`degraded` while there are WorkOS events that could not be read; see `npm run workos:events`.'),
        }),
      },
      errors: ['database_unavailable'],
      async handle() {
        await assertReady().catch(throwUnavailable);
        const shown = { workos: workosState(), workos_events: eventsState() };
        return { status: 'ready' as const, database: 'up' as const, ...shown };
      },
    }),
  ];
}

function throwUnavailable(cause: unknown): never {
  if (cause instanceof AppError) throw cause;
  throw new AppError('database_unavailable', 'The database does not answer. Try again shortly.', {
    cause,
    details: { retry_after: 2 },
  });
}

/** Returns the last result at once, and checks again in the background when it is older than `everyMs`. */
function makeRecently<T>(check: () => Promise<T>, everyMs: number): () => T | 'unknown' {
  let last: T | 'unknown' = 'unknown';
  let checkedAt = -Infinity;
  return () => {
    if (performance.now() - checkedAt >= everyMs) {
      checkedAt = performance.now();
      check().then(
        (value) => (last = value),
        () => (last = 'unknown'),
      );
    }
    return last;
  };
}
