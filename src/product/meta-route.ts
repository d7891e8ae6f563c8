import { z } from 'zod';
import { publicRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';

export type MetaFacts = {
  version: string;
  workos: { clientIds: readonly string[]; apiUrl: string; authkitUrl: string | undefined };
};

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
  })
  .meta({ id: 'Meta' });

/** Tells a command or an agent without a credential where to get one. */
export function metaRoute({ version, workos }: MetaFacts): Route {
  const { clientIds, apiUrl, authkitUrl } = workos;
  return publicRoute({
    operationId: 'getMeta',
    method: 'get',
    path: '/v1/meta',
    tag: 'Session',
    summary: 'Get where to sign in',
    responses: { 200: MetaView },
    errors: [],
    handle: async () => ({
      version,
      workos: { client_id: clientIds[0]!, api_url: apiUrl, authkit_url: authkitUrl ?? null },
    }),
  });
}
