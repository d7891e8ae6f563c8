import { signingSecrets } from '../../../config/variable-types.ts';
import { defineProvider } from '../provider.ts';
import { makeApplyMessage } from './apply-message.ts';
import { BILLING_UPDATED, MessageBody, readMessage } from './read-message.ts';
import { makeVerifyStandard } from './signature.ts';

/** Your own billing, which sends statements in the format of Standard Webhooks. */
export const standard = defineProvider({
  source: 'billing',
  variable: {
    name: 'BILLING_WEBHOOK_SECRETS',
    secrets: signingSecrets.describe(
      'Signing secrets of your own billing, up to 5, separated by commas: `whsec_` and 24 to 64 random bytes in base64; without one the route does not exist.',
    ),
    example: `whsec_${'x'.repeat(32)}`,
  },
  eventTypes: [BILLING_UPDATED],
  signature: {
    scheme: {
      name: 'standardWebhook',
      sender: 'your billing',
      header: 'Webhook-Signature',
      description:
        'A Standard Webhooks signature over the headers Webhook-Id and Webhook-Timestamp, which must be sent too, and the body.',
    },
    makeVerify: makeVerifyStandard,
  },
  route: {
    operationId: 'receiveBillingMessage',
    path: '/v1/hooks/billing',
    summary: "Receive a tenant's billing from your own billing system, as a Standard Webhooks message",
    description: 'Messages may arrive repeatedly and in any order. The one that happened last counts.',
  },
  body: MessageBody,
  connect({ planNames, holdTenant, applyBilling }) {
    const read = readMessage(planNames);
    const applyMessage = makeApplyMessage({ holdTenant, applyBilling });
    return {
      read: (body, { messageId, now }) => read(messageId!, body, now),
      apply: (trx, { eventId, contents: { message } }, source) => applyMessage(trx, { eventId, message }, source),
    };
  },
});
