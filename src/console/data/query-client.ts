import { MutationCache, QueryCache, QueryClient } from '@tanstack/preact-query';
import { LatchkeyError } from '../../client/client.ts';

const isPassing = (error: unknown) => !(error instanceof LatchkeyError) || (error.status ?? 500) >= 500;

/** Errors that a repetition may cure are retried; what the service refuses is shown. */
export function makeQueries(onError: (error: unknown) => void = () => undefined): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: { retry: (count, error) => count < 2 && isPassing(error), staleTime: 10_000 },
      mutations: { retry: false },
    },
  });
}
