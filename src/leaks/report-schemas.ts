import { z } from 'zod';

/** A report of a scanner has at most as many tokens as fit into 256 KiB; each costs a look-up. */
export const MAX_TOKENS = 2_000;
const MAX_TOKEN = 4_096;

const Token = z
  .looseObject({
    token: z.string().min(1).max(MAX_TOKEN).describe('What looks like a key.'),
    type: z.string().max(256).describe('Name of the expression that found it.'),
    url: z.string().max(8_192).nullish().describe('Where it was found; may be empty.'),
    source: z.string().max(256).nullish().describe('Kind of the place, such as `commit`.'),
  })
  .meta({ id: 'LeakedToken' });

export type ReportedToken = { token: string; type: string; url?: string | undefined; source?: string | undefined };

// An entry that cannot be read does not keep the others from being revoked.
export const LeakReport = z
  .array(z.union([Token, z.unknown()]))
  .min(1)
  .max(MAX_TOKENS, `One report takes at most ${MAX_TOKENS} tokens. Send the others in further reports.`)
  .meta({ id: 'LeakReport' });

/** @returns undefined for an entry that is no token */
export function readToken(entry: unknown): ReportedToken | undefined {
  const parsed = Token.safeParse(entry);
  if (!parsed.success) return undefined;
  const { token, type, url, source } = parsed.data;
  return { token, type, url: url ?? undefined, source: source ?? undefined };
}

export const LeakLabels = z
  .array(
    z.object({
      token_hash: z.string().describe('SHA-256 of the token, in hexadecimal.'),
      token_type: z.string().describe('The `type` that was sent with it.'),
      label: z.enum(['true_positive', 'false_positive']).describe('Whether it is, or was, a key.'),
    }),
  )
  .meta({ id: 'LeakLabels' });
