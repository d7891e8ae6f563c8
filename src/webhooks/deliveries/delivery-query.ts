import { z } from 'zod';
import { pageQuery } from '../../http/pagination.ts';
import type { PageRequest } from '../../http/pagination.ts';
import { time } from '../../http/time.ts';
import { invalidFields } from '../../http/validate.ts';
import { WEBHOOK_TYPES } from '../../product/webhook-types.ts';
import { DELIVERY_STATUSES } from './delivery.ts';
import type { DeliveryFilter } from './delivery-repository.ts';

const GIVE_A_TIME = 'Give a time in ISO 8601, such as 2027-01-31T12:00:00Z.';

export const DeliveryQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(DELIVERY_STATUSES).optional(),
  type: z.enum(WEBHOOK_TYPES).optional(),
  from: time(GIVE_A_TIME).optional().describe('Deliveries written at this time or later.'),
  to: time(GIVE_A_TIME).optional().describe('Deliveries written before this time.'),
});

/** @throws AppError `validation_error` for a range that ends before it begins */
export function readDeliveryQuery({ limit, after, before, status, type, ...range }: z.output<typeof DeliveryQuery>): {
  filter: DeliveryFilter;
  page: PageRequest;
} {
  const from = range.from === undefined ? undefined : new Date(range.from);
  const to = range.to === undefined ? undefined : new Date(range.to);
  if (from && to && from >= to) throw invalidFields({ from: 'This must be before `to`.' });
  return { filter: { status, type, from, to }, page: { limit, after, before } };
}
