import { z } from 'zod';
import { hashPassword } from '../hashing.ts';
import { coded } from '../http/http-error.ts';
import { MetadataChanges } from '../http/metadata.ts';

/** Shortest password of a WorkOS environment by default. */
const MIN_PASSWORD_LENGTH = 10;

const Name = z.string().max(1_000);
const PasswordFields = {
  password: z.string().min(1).max(1_024).nullish(),
  password_hash: z.string().max(4_096).optional(),
  password_hash_type: z.string().max(64).optional(),
  password_salt_position: z.enum(['prefix', 'suffix']).optional(),
};
const ExternalId = z
  .string()
  .min(1)
  .max(128)
  .refine((text) => Buffer.byteLength(text) === text.length, 'must be ASCII')
  .nullish();

export const UserCreation = z.object({
  email: z.email().max(320),
  first_name: Name.nullish(),
  last_name: Name.nullish(),
  name: Name.nullish(),
  email_verified: z.boolean().nullish(),
  metadata: MetadataChanges,
  external_id: ExternalId,
  ...PasswordFields,
});

export const UserUpdate = z.object({
  email: z.email().max(320).optional(),
  first_name: Name.optional(),
  last_name: Name.optional(),
  name: Name.optional(),
  email_verified: z.boolean().optional(),
  metadata: MetadataChanges,
  external_id: ExternalId,
  locale: z.string().min(2).max(35).nullish(),
  ...PasswordFields,
});

type PasswordInput = Pick<z.output<typeof UserCreation>, keyof typeof PasswordFields>;

/** Returns the hash to store; `undefined` if the request sets no password. Refuses foreign hashes. */
export function readPassword(input: PasswordInput): string | undefined {
  const { password, password_hash: hash, password_hash_type: type, password_salt_position: salt } = input;
  if (salt !== undefined && hash === undefined)
    throw coded(400, 'password_salt_position_requires_password_hash', 'A salt position needs a password hash.');
  if (password != null && hash !== undefined)
    throw coded(400, 'password_and_password_hash_provided', 'Send a password or a password hash, not both.');
  if (password != null && type !== undefined)
    throw coded(400, 'password_and_password_hash_type_provided', 'Send a password or a hash type, not both.');
  if (hash !== undefined)
    throw coded(400, 'invalid_password_hash', 'The local WorkOS cannot read password hashes. Send a password.');
  return password == null ? undefined : hashNewPassword(password);
}

/** Throws 400 for a weak password. */
export function hashNewPassword(password: string): string {
  if (password.length >= MIN_PASSWORD_LENGTH) return hashPassword(password);
  const message = `Password must be at least ${MIN_PASSWORD_LENGTH} characters long.`;
  throw coded(400, 'password_strength_error', 'Password does not meet strength requirements.', {
    errors: [{ code: 'password_too_short', message }],
  });
}
