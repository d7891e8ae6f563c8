import type { IncomingHttpHeaders, Server } from 'node:http';
import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { readLeniently } from './contract.ts';
import type { Json } from './harness.ts';
import { call, createKey, sdk, startDemo } from './harness.ts';

type Delivery = { path: string | undefined; body: string; headers: IncomingHttpHeaders };
let emulator: Emulator;
let receiver: Server;
let receiverUrl: string;
let deliveries: Delivery[] = [];
let failures = 0;

beforeAll(async () => {
  emulator = await startDemo();
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      deliveries.push({ path: request.url, body: Buffer.concat(chunks).toString(), headers: request.headers });
      response.statusCode = failures > 0 ? 500 : 200;
      failures -= 1;
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const address = receiver.address();
  receiverUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterEach(async () => {
  const { data } = (await call(emulator, 'GET', '/webhook_endpoints')).body;
  for (const { id } of data) await call(emulator, 'DELETE', `/webhook_endpoints/${id}`);
  emulator.deliverEvents({ delay_ms: 0, duplicate: false, reorder: false });
  deliveries = [];
  failures = 0;
});
afterAll(async () => {
  await emulator.close();
  receiver.closeAllConnections();
  receiver.close();
});

const subscribe = async (path = '/hook', events = ['api_key.created']): Promise<Json> =>
  (await call(emulator, 'POST', '/webhook_endpoints', { body: { endpoint_url: `${receiverUrl}${path}`, events } }))
    .body;
const received = (count: number) =>
  vi.waitFor(() => expect(deliveries).toHaveLength(count), { timeout: 2_000, interval: 10 });
const keysOf = (list: Delivery[]): string[] => list.map(({ body }) => JSON.parse(body).data.id);

describe('a webhook', () => {
  it('carries the event of /events, with a signature that the official SDK accepts', async () => {
    const { secret } = await subscribe();
    const key = await createKey(emulator);
    await received(1);
    const [{ body, headers }] = deliveries as [Delivery];
    const { webhooks } = sdk(emulator);
    const sigHeader = String(headers['workos-signature']);
    expect(sigHeader).toMatch(/^t=\d{13}, v1=[0-9a-f]{64}$/);
    const event = await webhooks.constructEvent({ payload: body, sigHeader, secret });
    expect(event).toMatchObject({ event: 'api_key.created', data: { id: key.id } });
    await expect(webhooks.constructEvent({ payload: `${body} `, sigHeader, secret })).rejects.toThrow(/hash/);
    await expect(webhooks.constructEvent({ payload: body, sigHeader, secret: 'other' })).rejects.toThrow(/hash/);
    const listed = (await call(emulator, 'GET', '/events?limit=100&events=api_key.created')).body.data;
    expect(listed).toContainEqual(JSON.parse(readLeniently(body)));
    expect(body).not.toContain(key.value);
  });

  it('goes only to enabled endpoints that subscribe to the event', async () => {
    await subscribe('/other', ['organization.created']);
    const { id } = await subscribe('/disabled');
    await call(emulator, 'PATCH', `/webhook_endpoints/${id}`, { body: { status: 'disabled' } });
    await subscribe('/wanted');
    await createKey(emulator);
    await received(1);
    await call(emulator, 'POST', '/organizations', { body: { name: 'x' } });
    await received(2);
    expect(deliveries.map(({ path }) => path)).toEqual(['/wanted', '/other']);
  });

  it('is retried with the same event until it is accepted', async () => {
    await subscribe();
    failures = 2;
    await createKey(emulator);
    await received(3);
    expect(new Set(deliveries.map(({ body }) => body)).size).toBe(1);
  });

  it('comes twice, late or out of order if configured so', async () => {
    await subscribe();
    await call(emulator, 'POST', '/_emulator/events', { body: { duplicate: true } });
    const doubled = await createKey(emulator);
    await received(2);
    expect(keysOf(deliveries)).toEqual([doubled.id, doubled.id]);

    emulator.deliverEvents({ duplicate: false, reorder: true });
    const first = await createKey(emulator);
    const second = await createKey(emulator);
    await received(4);
    expect(keysOf(deliveries).slice(2)).toEqual([second.id, first.id]);

    emulator.deliverEvents({ reorder: false, delay_ms: 80 });
    const before = Date.now();
    await createKey(emulator);
    await received(5);
    expect(Date.now() - before).toBeGreaterThanOrEqual(75);
  });

  it('keeps its order otherwise', async () => {
    await subscribe();
    const made: string[] = [];
    for (let index = 0; index < 5; index += 1) made.push((await createKey(emulator)).id);
    await received(5);
    expect(keysOf(deliveries)).toEqual(made);
  });
});

describe('webhook endpoints', () => {
  it('are created, listed, changed and deleted', async () => {
    const { webhooks } = sdk(emulator);
    const created = await webhooks.createWebhookEndpoint({
      endpointUrl: `${receiverUrl}/sdk`,
      events: ['api_key.created'],
    });
    expect(created).toMatchObject({ status: 'enabled', secret: expect.stringMatching(/^whsec_/) });
    await webhooks.updateWebhookEndpoint({ id: created.id, events: ['api_key.revoked'] });
    expect((await webhooks.listWebhookEndpoints()).data).toMatchObject([
      { id: created.id, events: ['api_key.revoked'], secret: created.secret },
    ]);
    await webhooks.deleteWebhookEndpoint({ id: created.id });
    expect((await webhooks.listWebhookEndpoints()).data).toEqual([]);
  });

  it('refuse a taken address, an invalid address and unknown events', async () => {
    await subscribe();
    const create = (body: object) => call(emulator, 'POST', '/webhook_endpoints', { body });
    expect(await create({ endpoint_url: `${receiverUrl}/hook`, events: ['api_key.created'] })).toMatchObject({
      status: 409,
      body: { code: 'duplicate_endpoint' },
    });
    expect(await create({ endpoint_url: 'file:///etc/passwd', events: [] })).toMatchObject({
      status: 422,
      body: { code: 'invalid_url' },
    });
    expect(await create({ endpoint_url: `${receiverUrl}/new`, events: ['api_key.cerated'] })).toMatchObject({
      status: 422,
    });
    expect(await call(emulator, 'PATCH', '/webhook_endpoints/we_x', { body: {} })).toMatchObject({
      status: 404,
      body: { code: 'entity_not_found' },
    });
    expect(await call(emulator, 'DELETE', '/webhook_endpoints/we_x')).toMatchObject({ status: 404 });
  });

  it('may come from a seed, with a chosen secret', async () => {
    emulator.seed({
      webhookEndpoints: [{ url: `${receiverUrl}/seeded`, secret: 'first', events: ['api_key.created'] }],
    });
    emulator.seed({ webhookEndpoints: [{ url: `${receiverUrl}/seeded`, secret: 'agreed' }] });
    const { data } = (await call(emulator, 'GET', '/webhook_endpoints')).body;
    expect(data).toMatchObject([{ secret: 'agreed', endpoint_url: `${receiverUrl}/seeded` }]);
  });
});
