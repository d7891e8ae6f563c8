import { describe, expect, test } from 'vitest';
import { isInstalled } from '../server/proxy.ts';
import { play } from './curl.ts';
import { startIngestion } from './evermuse/ingestion.ts';
import { startWorld } from './world.ts';

// Written from the product's public page alone; docs/how-to/keep-your-own-api.md has its block. Its proxy, which a reader does not see, is a Caddy that asks Latchkey.
const { service, company } = await startWorld('evermuse');
const acme = await company();

const INGEST = `curl -X POST https://api.evermuse.com/api/v1/ingest \\
  -H "Content-Type: application/json" \\
  -H "x-api-key: em_sk_your_api_key" \\
  -d '{ ... }'`;

describe.skipIf(!isInstalled('caddy'))('Sending Your API Key', async () => {
  const url = isInstalled('caddy') ? await startIngestion(service) : '';
  const ingest = (key: string) => play(url, INGEST, { em_sk_your_api_key: key });

  test('a key with api:write sends data in', async () => {
    const { value } = await acme.key({ scopes: ['api:write'] });
    expect(value).toMatch(/^em_sk_/);
    expect((await ingest(value)).status).toBe(202);
  });

  test('401: missing or invalid API key', async () => {
    expect((await ingest('em_sk_your_api_key')).status).toBe(401);
    expect((await play(url, INGEST.replace(/ \\\n +-H "x-api-key: [^"]+"/, ''))).status).toBe(401);
  });

  test('403: the key does not have permission for the operation', async () => {
    const { value } = await acme.key({ scopes: ['api:read'] });
    expect((await ingest(value)).status).toBe(403);
  });

  test('429: rate limit exceeded, with the retryAfter field in the response body', async () => {
    const { value } = await acme.key({ scopes: ['api:write'], rate_limit: { limit: 1, window_seconds: 60 } });
    expect((await ingest(value)).status).toBe(202);
    const { status, body } = await ingest(value);
    expect(status).toBe(429);
    expect(body['retryAfter']).toEqual(expect.any(Number));
    expect(body['retryAfter']).toBeGreaterThan(0);
    expect(body['retryAfter']).toBeLessThanOrEqual(60);
  });
});
