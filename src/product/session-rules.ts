import { z } from 'zod';
import { IMPERSONATED_ACTS } from '../http/impersonation.ts';

const MAX_MINUTES = 30 * 24 * 60;

/** The `sessions` section of the product's file. */
export const SessionRules = z
  .strictObject({
    password_sign_in: z
      .boolean()
      .default(false)
      .describe('Whether people sign in here with e-mail address and password, which WorkOS checks.'),
    login_names: z
      .literal('external_id')
      .optional()
      .describe(
        'Where sign-in finds the e-mail address of a login name, which has no `@`: `external_id` of the user at WorkOS. People sign in with their e-mail address alone, if not given.',
      ),
    token: z
      .enum(['workos', 'opaque'])
      .default('workos')
      .describe(
        "What sign-in answers: WorkOS's access token, which the client renews every few minutes, or an opaque token of Latchkey's own (`lkus_…`), which ends by inactivity alone and needs `inactivity_minutes`.",
      ),
    inactivity_minutes: z
      .int()
      .min(1)
      .max(MAX_MINUTES)
      .optional()
      .describe('Minutes without use after which a session ends; never, if not given.'),
    impersonated_may: z
      .array(z.enum(IMPERSONATED_ACTS))
      .max(IMPERSONATED_ACTS.length)
      .default(['read', 'revoke'])
      .describe('What an impersonated session of WorkOS may do. Creating and rotating keys hand out secrets.'),
  })
  .refine(
    ({ token, password_sign_in: hasSignIn, inactivity_minutes: minutes }) =>
      token === 'workos' || (hasSignIn && minutes !== undefined),
    { path: ['token'], message: 'opaque requires password_sign_in and inactivity_minutes' },
  )
  .prefault({})
  .describe('Sessions of people (docs/how-to/manage-sessions.md).');
