import { z } from 'zod';
import { publicRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { KeyRules } from './key-rules.ts';

export type MetaFacts = {
  version: string;
  keys: Pick<KeyRules, 'format' | 'prefixes'>;
  workos: { clientIds: readonly string[]; apiUrl: string; authkitUrl: string | undefined };
};

const KeyFormatView = z
  .object({
    live: z.string().nullable().describe("Prefix of a live key; null where keys have WorkOS's own form."),
    test: z.string().nullable().describe('Prefix of a test key; null where there is none.'),
    checksum: z.boolean().describe('Whether the last six characters of a key are a checksum.'),
    length: z.int().nullable().describe('Length of a whole key; null where it varies.'),
    bare_prefixes: z.array(z.string()).describe("Prefixes of keys in WorkOS's own form, where these are accepted."),
  })
  .describe('What keys look like, for those who search for leaked ones.');

const MetaView = z
  .object({
    version: z.string().describe('The version of Latchkey.'),
    workos: z
      .object({
        client_id: z.string().describe("The public id of the product's application at WorkOS."),
        api_url: z.string(),
        authkit_url: z.string().nullable().describe('Where machine tokens are issued; null if not configured.'),
      })
      .describe('Where people sign in, and machines get their tokens.'),
    key_format: KeyFormatView,
  })
  .meta({ id: 'Meta' });

/** Tells a command or an agent without a credential where to get one, and scanners what a key looks like. */
export function metaRoute({ version, workos, keys }: MetaFacts): Route {
  const { clientIds, apiUrl, authkitUrl } = workos;
  return publicRoute({
    operationId: 'getMeta',
    method: 'get',
    path: '/v1/meta',
    tag: 'Session',
    summary: 'Get where to sign in, and what keys look like',
    responses: { 200: MetaView },
    errors: [],
    handle: async () => ({
      version,
      workos: { client_id: clientIds[0]!, api_url: apiUrl, authkit_url: authkitUrl ?? null },
      key_format: viewFormat(keys),
    }),
  });
}

function viewFormat({ format, prefixes }: MetaFacts['keys']): z.input<typeof KeyFormatView> {
  return {
    live: format?.live ?? null,
    test: format?.test ?? null,
    checksum: format?.checksum ?? false,
    length: format?.length ?? null,
    bare_prefixes: !format || format.accept_bare ? prefixes : [],
  };
}
