import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { serviceOrMachineRoute } from '../../http/route.ts';
import type { Route } from '../../http/route.ts';
import { invalidFields } from '../../http/validate.ts';
import { parseLease } from './lease-id.ts';
import type { Limiter } from '../limiter.ts';

const MAX_ID_LENGTH = 256;

/** How a place among a key's concurrent requests is given back. */
export function leaseRoutes({ release }: Pick<Limiter, 'release'>): Route[] {
  return [
    serviceOrMachineRoute({
      operationId: 'releaseLease',
      method: 'post',
      path: '/v1/leases/{id}/release',
      tag: 'Verification',
      summary: 'Give back the place that a verification took',
      description:
        'To be asked when the request ends that the key was verified for. A lease that has ended already is the same answer.',
      scope: ['apikeys:verify'],
      params: z.object({ id: z.string().max(MAX_ID_LENGTH).describe('`lease.id` of the verdict.') }),
      responses: { 200: z.object({ status: z.literal('released') }) },
      errors: [],
      async handle({ caller, params }) {
        const place = parseLease(params.id);
        if (!place) throw invalidFields({ id: 'This is not the id of a lease.' });
        if (caller.kind === 'machine' && caller.organizationId !== place.organizationId)
          throw new AppError('permission_denied', 'The credential belongs to another organization.');
        await release(place);
        return { status: 'released' as const };
      },
    }),
  ];
}
