import { z } from 'zod';

/** The variables of `npm run doctor` in addition to those of the service. */
export const DoctorVariables = z.object({
  LATCHKEY_DOCTOR_COOKIE: z
    .string()
    .optional()
    .describe('`Cookie` header that a browser sends to your own app, for the step that looks for a session in it.'),
  LATCHKEY_DOCTOR_BURST_KEY: z
    .string()
    .optional()
    .describe('Secret key of its own for `--burst`, whose rate limit at WorkOS that step uses up.'),
});
