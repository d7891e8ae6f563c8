import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { keyIdOf } from '../../secrets.ts';
import type { DerivedKeys } from '../../secrets.ts';
import type { OrganizationHead } from '../chain-heads.ts';

/** More heads are several seals. A line has about 130 bytes for each. */
export const MAX_HEADS = 1_000;
/** A longer line is not a seal. */
export const MAX_LINE_BYTES = 1_048_576;

/**
 * The ends of chains at one moment. Seals are numbered without gaps; `previous` is the MAC of the one before, empty for the
 * first. `closed`: the upgrade to keyed links is closed. `of`: only in the seals that close it, how many they are.
 */
export type Seal = {
  number: number;
  at: Date;
  previous: string;
  closed: boolean;
  of?: number;
  heads: readonly OrganizationHead[];
};

export type ReadSeal = Seal & { mac: string };
export type Sealer = ReturnType<typeof makeSealer>;

const Line = z.strictObject({
  seal: z.strictObject({
    version: z.literal(1),
    number: z.int().min(1),
    at: z.iso.datetime(),
    previous: z.string().max(64),
    closed: z.boolean(),
    of: z.int().min(1).optional(),
    heads: z.array(z.tuple([z.string(), z.int().min(0), z.base64().length(44)])).max(MAX_HEADS),
  }),
  key: z.string().regex(/^[0-9a-f]{8}$/),
  mac: z.base64().length(44),
});

/** Writes and reads seals, each one line of text, signed with HMAC-SHA-256 by the first key and read by any. */
export function makeSealer(keys: DerivedKeys) {
  const keyOf = new Map(keys.map((key) => [keyIdOf(key), key]));
  const current = keyIdOf(keys[0]);

  return {
    write(seal: Seal): { line: string; mac: string } {
      const { number, previous, closed, of } = seal;
      const heads = seal.heads.map(({ organizationId, sequence, hash }) => [
        organizationId,
        sequence,
        hash.toString('base64'),
      ]);
      const at = seal.at.toISOString();
      const contents = { version: 1, number, at, previous, closed, ...(of !== undefined && { of }), heads };
      const mac = macOf(keys[0], contents);
      return { line: JSON.stringify({ seal: contents, key: current, mac }), mac };
    },

    /** @returns `unreadable` for a line that is no seal, such as one that a crash cut; `forged` for one signed by no key of ours */
    read(line: string): ReadSeal | 'unreadable' | 'forged' {
      const parsed = Line.safeParse(parseJson(line));
      if (!parsed.success) return 'unreadable';
      const { seal, key: keyId, mac } = parsed.data;
      const key = keyOf.get(keyId);
      if (!key || !timingSafeEqual(Buffer.from(macOf(key, seal)), Buffer.from(mac))) return 'forged';
      const { number, previous, closed, of } = seal;
      return {
        number,
        previous,
        closed,
        ...(of !== undefined && { of }),
        at: new Date(seal.at),
        mac,
        heads: seal.heads.map(([organizationId, sequence, hash]) => ({
          organizationId,
          sequence,
          hash: Buffer.from(hash, 'base64'),
        })),
      };
    },
  };
}

// What was parsed has its fields in the order of the text, so that it is the same text again.
function macOf(key: Buffer, contents: object): string {
  return createHmac('sha256', key).update(JSON.stringify(contents)).digest('base64');
}

function parseJson(line: string): unknown {
  if (line.length > MAX_LINE_BYTES) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
