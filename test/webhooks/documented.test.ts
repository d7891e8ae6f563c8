import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NOTICE_BODIES } from '../../src/webhooks/webhook.ts';
import { parseProduct } from '../../src/product/read-product.ts';
import { NOTICE_TYPES } from '../../src/product/webhook-types.ts';
import type { NoticeType } from '../../src/product/webhook-types.ts';

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

type Example = { type: NoticeType; data: { api_key?: object } };
const [whole, others] = blocksOf('json').map((text) => JSON.parse(text) as unknown) as [Example, Example[]];

test.each([whole, ...others])('the example of $type is what is sent, to the last field', (example) => {
  const isOfKey = example.type.startsWith('api_key.') && example.type !== 'api_key.limit_reached';
  const sent = { ...example, data: { ...example.data, ...(isOfKey && { api_key: whole.data.api_key }) } };
  expect(NOTICE_BODIES[example.type].parse(sent)).toEqual(sent);
});

test('there is an example of each', () => {
  expect([whole, ...others].map(({ type }) => type)).toEqual(NOTICE_TYPES);
});

test.each(blocksOf('yaml'))('the configuration takes what the page shows: %#', (text) => {
  expect(() => parseProduct(`${read('config/evershell.yaml')}\n${text}`, 'product.yaml')).not.toThrow();
});
