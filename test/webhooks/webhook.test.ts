import { expect, test } from 'vitest';
import { PublishedKey, WEBHOOK_BODIES } from '../../src/webhooks/webhook.ts';

/** The published fields in their order. A new field of a key is added here, and to `PublishedKey`, on purpose. */
const FIELDS = [
  'id',
  'label',
  'prefix',
  'permission_set',
  'scopes',
  'environment',
  'owner',
  'status',
  'expires_at',
  'expires_in_days',
  'rate_limit',
  'concurrency',
  'ip_allow_list',
  'origin',
  'rotated_from',
  'rotated_to',
  'created_by',
  'created_at',
  'updated_at',
  'revoked_at',
  'suspended_at',
];

test('publishes these fields of a key, in this order, and no other', () => {
  expect(Object.keys(PublishedKey.shape)).toEqual(FIELDS);
});

test('publishes a key in every webhook about one', () => {
  const withKey = Object.entries(WEBHOOK_BODIES).filter(([, { shape }]) => 'api_key' in shape.data.shape);
  expect(withKey.map(([type]) => type)).toEqual([
    'api_key.created',
    'api_key.rotated',
    'api_key.revoked',
    'api_key.leaked',
    'api_key.suspended',
    'api_key.resumed',
    'api_key.expiring',
    'api_key.unused',
  ]);
});
