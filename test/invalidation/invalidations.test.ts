import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import express from 'express';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sendStream } from '../../src/http/server/event-stream.ts';
import { makeInvalidationHub } from '../../src/invalidation/invalidation-hub.ts';
import { makeInvalidationStreams } from '../../src/invalidation/invalidation-streams.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { listenToInvalidations } from '../support/event-stream.ts';
import type { Listening } from '../support/event-stream.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const service = await startService();
const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
const other = await service.organizations.add();
const owner = await acme.session('owner');

const eventsOf = ({ frames }: Listening) => frames.map(({ event }) => event);
const changesOf = ({ frames }: Listening) =>
  frames
    .filter(({ event }) => event === 'invalidation')
    .map(({ data }) => JSON.parse(data) as { organization_id: string; key_id: string | null });
const revoke = (id: string) => call(service, 'DELETE', `/v1/api-keys/${id}`, { token: owner });
/** Two changes of an organization's billing, which leave it as it was. */
async function changeBilling(id: string): Promise<void> {
  for (const status of ['past_due', 'active']) {
    const answer = await call(service, 'PUT', `/v1/organizations/${id}/billing`, {
      token: SERVICE_TOKEN,
      body: { status },
    });
    expect(answer.status).toBe(200);
  }
}

async function listen(token = SERVICE_TOKEN, lastEventId?: string, url = service.url): Promise<Listening> {
  const listening = await listenToInvalidations({ url }, token, lastEventId);
  await expect.poll(() => listening.frames.length, { interval: 1 }).toBeGreaterThan(0);
  return listening;
}

/** Streams of a hub of its own, to be filled faster than any service could. */
async function startStreams(options: { maxChanges?: number; heartbeatMs?: number; maxStreams?: number } = {}) {
  const hub = makeInvalidationHub(options);
  const streams = makeInvalidationStreams({ ...options, hub, trust: { isTrusted: () => true } });
  const app = express();
  const writes: unknown[] = [];
  app.get('/v1/invalidations', (req, res) => {
    const write = res.write.bind(res);
    res.write = (text: unknown) => {
      writes.push(text);
      return write(text);
    };
    sendStream(res, 'GET', streams.open({ organizationId: undefined, lastEventId: req.get('last-event-id') }));
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { hub, streams, writes, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const narrowMachine = await acme.machineToken();

describe('GET /v1/invalidations', () => {
  test('begins with a reset, then sends the revocation of a key and the change of an organization', async () => {
    const key = await createKey(service, owner);
    const stream = await listen();
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-request-id': expect.stringMatching(/^req_/),
    });
    expect(eventsOf(stream)).toEqual(['reset']);
    await revoke(key.id);
    await changeBilling(acme.id);
    await expect.poll(() => changesOf(stream).length).toBeGreaterThanOrEqual(2);
    expect(changesOf(stream)).toEqual(
      expect.arrayContaining([
        { organization_id: acme.id, key_id: key.id },
        { organization_id: acme.id, key_id: null },
      ]),
    );
  });

  test('sends only missed changes after Last-Event-ID, without a reset', async () => {
    const before = await listen();
    const last = before.frames.at(-1)?.id;
    before.close();
    await changeBilling(acme.id);
    await changeBilling(other.id);
    const after = await listen(SERVICE_TOKEN, last);
    await expect.poll(() => eventsOf(after).at(-1)).toBe('hello');
    expect(eventsOf(after)).not.toContain('reset');
    expect(new Set(changesOf(after).map(({ organization_id }) => organization_id))).toEqual(
      new Set([acme.id, other.id]),
    );
  });

  test.each(['another:3', 'x', '', '%00', `${'a'.repeat(12)}:99999999999999999999`, `x:${'a'.repeat(22)}`])(
    'begins with a reset for the id %j, which this process did not issue',
    async (id) => {
      expect(eventsOf(await listen(SERVICE_TOKEN, id))).toEqual(['reset']);
    },
  );

  test('begins with a reset for an id that is too old', async () => {
    const { hub, url } = await startStreams({ maxChanges: 10 });
    const from = (await listen('', undefined, url)).frames[0]?.id;
    const change = { organizationId: 'org_a' };
    for (let i = 0; i < 10; i++) hub.invalidate(change);
    expect(eventsOf(await listen('', from, url)).at(-1)).not.toBe('reset');
    hub.invalidate(change);
    expect(eventsOf(await listen('', from, url))).toEqual(['reset']);
  });

  test('sends a machine token the changes of its own organization only', async () => {
    const stream = await listen(await acme.machineToken('apikeys:verify'));
    await changeBilling(other.id);
    await changeBilling(acme.id);
    await expect.poll(() => changesOf(stream).length).toBeGreaterThan(0);
    expect(stream.text()).not.toContain(other.id);
  });

  test('issues ids that do not reveal changes of other organizations', async () => {
    const token = await acme.machineToken('apikeys:verify');
    const first = (await listen(token)).frames[0]!.id!;
    const again = (await listen(token)).frames[0]!.id!;
    await changeBilling(other.id);
    const later = (await listen(token)).frames[0]!.id!;
    expect(new Set([first, again, later]).size).toBe(3);
    for (const id of [first, again, later]) expect(id).toMatch(/^[\w-]{12}:[\w-]{22}$/);
    expect(eventsOf(await listen(token, first))).toEqual(['hello']);
  });

  test('begins with a reset for a forged id of the current epoch', async () => {
    const [epoch] = (await listen()).frames[0]!.id!.split(':');
    expect(eventsOf(await listen(SERVICE_TOKEN, `${epoch}:${'A'.repeat(22)}`))).toEqual(['reset']);
  });

  test.each([
    ['no credential', undefined, [401, 'credential_missing']],
    ['a wrong one', 'svc_wrong', [401, 'credential_invalid']],
    ['a person', owner, [403, 'permission_denied']],
    ['a machine that may not verify', narrowMachine, [403, 'permission_denied']],
  ])('%s is refused', async (_who, token, expected) => {
    const answer = await call(service, 'GET', '/v1/invalidations', token === undefined ? {} : { token });
    expect(outcome(answer)).toEqual(expected);
  });

  test('answers HEAD and ends', async () => {
    const answer = await call(service, 'HEAD', '/v1/invalidations', { token: SERVICE_TOKEN });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  });

  test('ends streams and returns 503 while this process may miss changes, then begins with a reset', async () => {
    const stream = await listen();
    service.trust.onLost();
    onTestFinished(() => service.trust.onOpen());
    await stream.ended;
    const answer = await call(service, 'GET', '/v1/invalidations', { token: SERVICE_TOKEN });
    expect(outcome(answer)).toEqual([503, 'database_unavailable']);
    expect(answer.headers.get('retry-after')).toBe('1');
    service.trust.onOpen();
    expect(eventsOf(await listen(SERVICE_TOKEN, stream.frames.at(-1)?.id))).toEqual(['reset']);
  });

  test('resets every stream after an unreadable notification', async () => {
    const stream = await listen();
    service.trust.onNotification('not ours');
    await expect.poll(() => eventsOf(stream)).toEqual(['reset', 'reset']);
  });

  test('sends heartbeats, so that silence means loss', async () => {
    const { url } = await startStreams({ heartbeatMs: 20 });
    const stream = await listen('', undefined, url);
    expect(JSON.parse(stream.frames[0]?.data ?? '')).toEqual({ heartbeat_ms: 20 });
    await expect.poll(() => stream.text().match(/^:$/gm)?.length ?? 0).toBeGreaterThan(2);
  });

  test('returns 429 concurrency_limited above the number of streams', async () => {
    const { streams, url } = await startStreams({ maxStreams: 2 });
    const [first] = [await listen('', undefined, url), await listen('', undefined, url)];
    expect(() => streams.open({ organizationId: undefined, lastEventId: undefined })).toThrow(
      expect.objectContaining({ code: 'concurrency_limited' }),
    );
    first.close();
    await expect.poll(streams.count).toBe(1);
    await listen('', undefined, url);
  });

  test('sends the changes of a moment to each stream in one write, with an id for each', async () => {
    const { hub, writes, url } = await startStreams();
    const stream = await listen('', undefined, url);
    const other = await listen('', undefined, url);
    const before = writes.length;
    for (let i = 0; i < 20; i++) hub.invalidate({ organizationId: `org_${i}` });
    await expect.poll(() => [changesOf(stream).length, changesOf(other).length]).toEqual([20, 20]);
    expect(writes.length).toBe(before + 2);
    expect(new Set(stream.frames.map(({ id }) => id)).size).toBe(21);
    const [, , third] = stream.frames;
    const again = await listen('', third?.id, url);
    expect(changesOf(again).map((change) => change.organization_id)).toEqual(
      changesOf(other)
        .slice(2)
        .map((change) => change.organization_id),
    );
  });

  test('disconnects a client that reads nothing, and keeps no changes for it', async () => {
    const { hub, streams, url } = await startStreams({ maxChanges: 1_000, heartbeatMs: 20 });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined).pause();
    socket.write('GET /v1/invalidations HTTP/1.1\r\nhost: x\r\n\r\n');
    await expect.poll(streams.count).toBe(1);
    const change = { organizationId: 'org_a'.padEnd(500, 'a') };
    for (let i = 0; i < 200 && streams.count() === 1; i++) {
      for (let j = 0; j < 500; j++) hub.invalidate(change);
      await new Promise(setImmediate);
    }
    await expect.poll(streams.count).toBe(0);
  });

  test('shuts down without waiting for streams', async () => {
    const { hub, streams, url } = await startStreams();
    const stream = await listen('', undefined, url);
    streams.end();
    // Told between the end and the close: nothing is written to a stream that is over.
    hub.invalidate({ organizationId: 'org_a' });
    await stream.ended;
    expect(changesOf(stream)).toEqual([]);
    expect(() => streams.open({ organizationId: undefined, lastEventId: undefined })).toThrow(
      expect.objectContaining({ code: 'database_unavailable' }),
    );
  });
});
