import { z } from 'zod';
import { DatabaseUrl } from '../config/database-url.ts';
import { StartError } from '../errors.ts';
import { sealsPlace } from '../config/seals-place.ts';

const MAX_SECRETS = 100;
const secret = z.string().refine((value) => Buffer.byteLength(value) >= 32, 'needs 32 bytes or more');
const secrets = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  )
  .pipe(z.array(secret).max(MAX_SECRETS, `takes up to ${MAX_SECRETS} secrets`));

const Variables = z.object({
  DATABASE_URL: DatabaseUrl,
  LATCHKEY_SECRET: secret,
  LATCHKEY_PREVIOUS_SECRETS: secrets,
  LATCHKEY_AUDIT_SECRETS: secrets,
  LATCHKEY_AUDIT_SEALS: sealsPlace.optional(),
});

/**
 * Reads what the commands of the audit log need of the environment, and no more. `LATCHKEY_AUDIT_SECRETS` are secrets that
 * only old links still need.
 * @throws StartError that names every wrong or missing variable, and repeats no value
 */
export function readAuditConfig(env: Readonly<Record<string, string | undefined>>) {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = Variables.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      return `${name} ${name in given ? message : 'is missing'}`;
    });
    throw new StartError(`${lines.join('; ')}.`);
  }
  const { DATABASE_URL, LATCHKEY_SECRET, LATCHKEY_PREVIOUS_SECRETS, LATCHKEY_AUDIT_SECRETS } = parsed.data;
  return {
    databaseUrl: DATABASE_URL,
    secret: LATCHKEY_SECRET,
    previousSecrets: [...LATCHKEY_PREVIOUS_SECRETS, ...LATCHKEY_AUDIT_SECRETS],
    sealsPath: parsed.data.LATCHKEY_AUDIT_SEALS,
  };
}
