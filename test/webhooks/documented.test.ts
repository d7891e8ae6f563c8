import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { WEBHOOK_BODIES } from '../../src/webhooks/webhook.ts';
import { parseProduct } from '../../src/product/read-product.ts';
import { WEBHOOK_TYPES } from '../../src/product/webhook-types.ts';
import type { WebhookType } from '../../src/product/webhook-types.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = [
  'docs/how-to/send-webhooks.md',
  'docs/how-to/forward-to-workos-audit-logs.md',
  'docs/reference/outgoing-webhooks.md',
]
  .map(read)
  .join('\n');
const blocksOf = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);

type Example = { type: WebhookType; data: { api_key?: object } };
const [whole, others] = blocksOf('json').map((text) => JSON.parse(text) as unknown) as [Example, Example[]];

test.each([whole, ...others])('sends the example of $type, to the last field', (example) => {
  const isOfKey = example.type.startsWith('api_key.') && example.type !== 'api_key.limit_reached';
  const sent = { ...example, data: { ...example.data, ...(isOfKey && { api_key: whole.data.api_key }) } };
  expect(WEBHOOK_BODIES[example.type].parse(sent)).toEqual(sent);
});

test('has an example of each type', () => {
  expect([whole, ...others].map(({ type }) => type)).toEqual(WEBHOOK_TYPES);
});

test.each(blocksOf('yaml'))('the configuration takes what the page shows: %#', (text) => {
  expect(() => parseProduct(`${read('config/evershell.yaml')}\n${text}`, 'product.yaml')).not.toThrow();
});
