import { isIP } from 'node:net';
import { z } from 'zod';
import { OPERATIONS } from '../tenants/posture.ts';
import { plainAddress } from '../ip/client-address.ts';
import { WANTED_ENVIRONMENTS } from './judge.ts';
import type { Question } from './decide.ts';

export const MAX_KEY_LENGTH = 512;
const MAX_COST = 1_000_000;

/** The body of a verification of one key. */
export const AskedKey = z.strictObject({
  key: z.string().min(1).max(MAX_KEY_LENGTH).describe('The key as it was presented.'),
  environment: z
    .enum(WANTED_ENVIRONMENTS)
    .default('live')
    .describe('Which keys are accepted: of the live environment, of the test environment, or of any.'),
  scopes: z
    .array(z.string().min(1).max(64))
    .max(100)
    .default([])
    .describe('The scopes that the key must have, all of them.'),
  operation: z.enum(OPERATIONS).default('read').describe('What the key is used for, which billing may refuse.'),
  ip: z
    .string()
    .max(64)
    .refine((value) => isIP(plainAddress(value)) !== 0, 'This is not an IP address.')
    .transform(plainAddress)
    .optional()
    .describe('The address of the client that presented the key.'),
  user_agent: z.string().max(1_024).optional().describe('The User-Agent of the client that presented the key.'),
  cost: z
    .int()
    .min(0)
    .max(MAX_COST)
    .default(1)
    .describe('How many requests this counts as towards rate limits; 0 counts nothing and is never refused by a rate.'),
  lease: z
    .boolean()
    .default(true)
    .describe(
      'Whether a valid key takes a concurrency slot, if its requests in flight are limited; see `lease` in the answer.',
    ),
});

export function questionOf(asked: z.output<typeof AskedKey>): Question {
  const { key: presented, environment, scopes, operation, cost, lease, ip, user_agent: userAgent } = asked;
  return { presented, environment, scopes, operation, cost, lease, ip, userAgent };
}
