import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { serviceOrMachineRoute } from '../../http/route.ts';
import type { Route } from '../../http/route.ts';
import { invalidFields } from '../../http/validate.ts';
import { parseLease } from './lease-id.ts';
import type { Limiter } from '../limiter.ts';

const MAX_ID_LENGTH = 256;

/** Releases concurrency leases. */
export function leaseRoutes({ release }: Pick<Limiter, 'release'>): Route[] {
  return [
    serviceOrMachineRoute({
      operationId: 'releaseLease',
      method: 'post',
      path: '/v1/leases/{id}/release',
      tag: 'Verification',
      summary: 'Release a concurrency lease',
      description:
        'Call this when the request ends for which the key was verified. The answer is the same if the lease has expired or was released before.',
      scope: ['apikeys:verify'],
      params: z.object({ id: z.string().max(MAX_ID_LENGTH).describe('`lease.id` of the verdict.') }),
      responses: { 200: z.object({ status: z.literal('released') }) },
      errors: [],
      async handle({ caller, params }) {
        const slot = parseLease(params.id);
        if (!slot) throw invalidFields({ id: 'This is not the id of a lease. Send `lease.id` of a verdict.' });
        if (caller.kind === 'machine' && caller.organizationId !== slot.organizationId)
          throw new AppError('permission_denied', 'The credential belongs to another organization.');
        await release(slot);
        return { status: 'released' as const };
      },
    }),
  ];
}
