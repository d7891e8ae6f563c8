import { expect, test } from 'vitest';
import { rateLimitHeaders } from '../../src/limits/rate-limit-headers.ts';

test('writes a rate as a policy and its remaining requests', () => {
  const state = { scope: 'key', limit: 100, windowSeconds: 60, remaining: 99, resetSeconds: 12 } as const;
  expect(rateLimitHeaders(state)).toEqual({
    'ratelimit-policy': '"key";q=100;w=60',
    ratelimit: '"key";r=99;t=12',
  });
  expect(rateLimitHeaders({ ...state, scope: 'organization', remaining: 0 }).ratelimit).toBe('"organization";r=0;t=12');
});
