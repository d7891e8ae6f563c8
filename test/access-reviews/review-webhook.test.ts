import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { WebhookRules } from '../../src/product/webhook-rules.ts';
import { WEBHOOK_BODIES } from '../../src/webhooks/webhook.ts';
import { createKey } from '../support/api.ts';
import { blocksOf } from '../documents/pages.ts';
import { startReceiver } from '../webhooks/receiver.ts';
import { deliver, startWebhookService } from '../webhooks/webhook-service.ts';

const DAY_MS = 24 * 60 * 60_000;
const crm = await startReceiver();
const endpoints = [{ name: 'crm', url: crm.url, secrets: [crm.secret] }];
const secretEnv = 'LATCHKEY_NOTICES_SECRET_CRM';
const service = await startWebhookService({
  endpoints,
  product: {
    webhooks: { endpoints: [{ name: 'crm', url: crm.url, secret_env: secretEnv }], access_reviews: { every_days: 30 } },
  },
});

const sentTo = (organizationId: string) =>
  crm
    .takenOf(organizationId)
    .map(({ body }) => body)
    .filter(({ type }) => type === 'access_review.ready');

async function review(): Promise<void> {
  await service.background.runOnce('publish_access_reviews');
  await deliver(service);
}

describe('access_review.ready', () => {
  test('is sent once in the configured days, with the counts of the findings', async () => {
    const acme = await service.organizations.add();
    const token = await acme.session();
    await createKey(service, token, { expires_at: new Date(service.clock().getTime() + 300 * DAY_MS).toISOString() });
    await createKey(service, token);
    await review();
    await review();
    const [first, ...others] = sentTo(acme.id);
    expect(others).toEqual([]);
    expect(WEBHOOK_BODIES['access_review.ready'].strict().parse(first)).toEqual(first);
    expect(first!.data.details).toEqual({
      keys: 1,
      unused: 0,
      creator_left: 0,
      never_expires: 1,
      unused_scopes: 0,
      unknown_creators: 1,
    });
    service.clock.advance(29 * DAY_MS);
    await review();
    expect(sentTo(acme.id)).toHaveLength(1);
    service.clock.advance(62 * DAY_MS);
    await review();
    expect(sentTo(acme.id).map(({ data }) => data.details)).toEqual([
      first!.data.details,
      { keys: 2, unused: 2, creator_left: 0, never_expires: 1, unused_scopes: 0, unknown_creators: 1 },
    ]);
  });

  test('is not sent for an organization without active keys', async () => {
    const acme = await service.organizations.add();
    await review();
    expect(sentTo(acme.id)).toEqual([]);
  });

  test('has no loop unless configured', async () => {
    const silent = await startWebhookService({ endpoints });
    await expect(silent.background.runOnce('publish_access_reviews')).rejects.toThrow('publish_access_reviews');
  });
});

test('the configuration takes what docs/how-to/review-access.md shows', () => {
  const block = blocksOf('docs/how-to/review-access.md').find(({ language }) => language === 'yaml');
  const { webhooks } = load(block!.text) as { webhooks: object };
  expect(WebhookRules.parse(webhooks).access_reviews).toEqual({ every_days: 90 });
});
