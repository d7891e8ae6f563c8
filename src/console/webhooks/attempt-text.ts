import type { WebhookDeliveryDetails } from '../../client/client.ts';
import { spaced } from '../words/names.ts';
import type { PageWords } from '../words/words.ts';

type Attempt = WebhookDeliveryDetails['recent_attempts'][number];

/** What came of an attempt, in words. */
export function attemptText({ response_status: status, error }: Attempt, w: PageWords): string {
  if (status !== null) return w.answered(String(status));
  if (error === 'timeout') return w.noAnswer;
  if (error === 'connection_failed') return w.noConnection;
  return error === null ? w.deliveryDelivered : spaced(error);
}
