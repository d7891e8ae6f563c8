import { z } from 'zod';
import { IMPERSONATED_ACTS } from '../http/impersonation.ts';

const MAX_MINUTES = 30 * 24 * 60;

/** What the product's file says of the sessions of people. */
export const SessionRules = z
  .strictObject({
    password_sign_in: z
      .boolean()
      .default(false)
      .describe('Whether people sign in here with email and password, through WorkOS.'),
    inactivity_minutes: z
      .int()
      .min(1)
      .max(MAX_MINUTES)
      .optional()
      .describe('A session that nobody used for so long is over; never for that, if not given.'),
    impersonated_may: z
      .array(z.enum(IMPERSONATED_ACTS))
      .max(IMPERSONATED_ACTS.length)
      .default(['read', 'revoke'])
      .describe(
        'What somebody may do who acts as another person through WorkOS; creating and rotating hand out secrets.',
      ),
  })
  .prefault({});
