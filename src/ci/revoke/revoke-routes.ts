import { z } from 'zod';
import { publicRoute } from '../../http/route.ts';
import type { Route } from '../../http/route.ts';
import type { RevokeByToken } from './revoke-by-token.ts';

const MAX_TOKEN = 1_024;

const Body = z
  .strictObject({ revoke_token: z.string().min(1).max(MAX_TOKEN).describe('The `revoke_token` of an exchange.') })
  .meta({ id: 'CiRevocation' });

/** The route by which a CI job ends its key at its own end. */
export function revokeRoute({ revokeByToken }: { revokeByToken: RevokeByToken }): Route {
  return publicRoute({
    operationId: 'revokeCiKey',
    method: 'post',
    path: '/v1/ci/revoke',
    tag: 'CI',
    summary: 'Revoke the key of a CI job, or end its CI session',
    description:
      'The key or session is refused from this answer on; keys that a session made stay. Always 200, also for a token of an ended key or one that was not made here. Works in every billing posture. Expiry is the guarantee: a runner that dies sends nothing.',
    body: Body,
    responses: { 200: z.object({}).describe('Nothing is said about the token.').meta({ id: 'CiRevoked' }) },
    errors: ['database_unavailable'],
    async handle({ body, context }) {
      await revokeByToken(body.revoke_token, context);
      return {};
    },
  });
}
