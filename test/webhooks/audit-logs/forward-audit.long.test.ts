import { describe, expect, test } from 'vitest';
import { call, createKey } from '../../support/api.ts';
import { atWorkos } from '../../support/at-workos.ts';
import { takeWorkosDown } from '../../support/workos-faults.ts';
import { AUDIT_ACTIONS } from '../../../src/audit/audit-event.ts';
import { auditSchemaOf } from '../../../src/webhooks/audit-logs/audit-schemas.ts';
import { deliver, outboxOf, registerAuditSchemas, startWebhookService } from '../webhook-service.ts';

const service = await startWebhookService({ auditForwarding: true });
await registerAuditSchemas(service);
const AUDIT_LOGS = { method: 'POST', path: '/audit_logs/events' } as const;

type Kept = { event: { action: string; metadata: Record<string, unknown> }; idempotency_key: string };
const keptOf = (organizationId: string) =>
  service.workos
    .auditEvents()
    .filter(({ organization_id: id }) => id === organizationId)
    .map((row) => row as unknown as Kept);
const recordedOf = async (organizationId: string): Promise<string[]> =>
  service.db('audit_events').where({ organization_id: organizationId }).orderBy('sequence').pluck('id');

async function organizationWithEvents(keys: number) {
  const organization = await service.organizations.add();
  const token = await organization.session();
  for (let i = 0; i < keys; i++) await createKey(service, token, { label: `key ${i}`, description: 'of a test' });
  return { ...organization, token };
}

describe('audit forwarding', () => {
  test('forwards every audit event once and in order', async () => {
    const { id, token } = await organizationWithEvents(1);
    const key = await createKey(service, token, { label: 'second', rate_limit: { limit: 5, window_seconds: 60 } });
    await call(service, 'PATCH', `/v1/api-keys/${key.id}`, { token, body: { label: 'renamed' } });
    await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token });
    await deliver(service, 'workos');
    await deliver(service, 'workos');
    const kept = keptOf(id);
    expect(kept.map(({ event }) => event.action)).toEqual([
      'api_key.created',
      'api_key.created',
      'api_key.updated',
      'api_key.revoked',
    ]);
    expect(kept.map(({ idempotency_key: eventId }) => eventId)).toEqual(await recordedOf(id));
    expect(kept[1]!.event).toMatchObject({
      occurred_at: expect.stringMatching(/Z$/),
      actor: { type: 'user', id: expect.stringMatching(/^user_/) },
      targets: [{ type: 'api_key', id: key.id }],
      context: { location: '127.0.0.1' },
      metadata: { event_id: kept[1]!.idempotency_key, sequence: 2, label: 'second' },
    });
    const links = await service.db('audit_events').where({ organization_id: id }).orderBy('sequence').pluck('hash');
    expect(kept.map(({ event }) => event.metadata['link'])).toEqual(links.map((hash) => hash.toString('base64')));
    expect(JSON.stringify(kept)).not.toContain(key.value);
  });

  test('forwards the impersonator and the user, in a field of the schema', async () => {
    const { id, userId } = await organizationWithEvents(1);
    const [{ target_id: keyId } = { target_id: '' }] = await service.db('audit_events').where({ organization_id: id });
    const impersonator = { email: 'support@product.test' };
    const opened = await atWorkos<{ access_token: string }>(service, 'POST', '/_emulator/impersonations', {
      user_id: userId('owner'),
      organization_id: id,
      impersonator,
    });
    expect((await call(service, 'DELETE', `/v1/api-keys/${keyId}`, { token: opened.access_token })).status).toBe(200);
    await deliver(service, 'workos');
    const [own, acted] = keptOf(id).map(({ event }) => event);
    expect(own).toMatchObject({ actor: { type: 'user', id: userId('owner') } });
    expect(own!.metadata).not.toHaveProperty('impersonated_user_id');
    expect(acted).toMatchObject({
      action: 'api_key.revoked',
      actor: { type: 'user', id: impersonator.email },
      metadata: { impersonated_user_id: userId('owner') },
    });
    for (const action of AUDIT_ACTIONS)
      expect(auditSchemaOf(action).metadata).toMatchObject({ impersonated_user_id: 'string' });
  });

  test('forwards everything after an outage of WorkOS, which delays no request', async () => {
    const { id, token } = await organizationWithEvents(2);
    const key = await createKey(service, token);
    takeWorkosDown(service);
    const answer = await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token });
    expect(answer.status).toBe(200);
    for (let i = 0; i < 3; i++) {
      await deliver(service, 'workos');
      service.clock.advance(60_000);
    }
    expect(keptOf(id)).toEqual([]);
    service.workos.faults.clear();
    service.clock.advance(60 * 60_000);
    await deliver(service, 'workos');
    expect(keptOf(id).map(({ idempotency_key: eventId }) => eventId)).toEqual(await recordedOf(id));
    expect(keptOf(id)).toHaveLength(4);
  });

  test('resends an event whose answer was lost, and WorkOS has it once', async () => {
    const { id } = await organizationWithEvents(2);
    service.workos.faults.add({ kind: 'lost_answer', ...AUDIT_LOGS });
    await deliver(service, 'workos');
    service.clock.advance(60_000);
    await deliver(service, 'workos');
    expect(keptOf(id).map(({ idempotency_key: eventId }) => eventId)).toEqual(await recordedOf(id));
  });

  test('gives up an event that WorkOS refuses for good: logged, counted, kept as dead, and no other is delayed', async () => {
    const { id } = await organizationWithEvents(3);
    service.workos.faults.add({ kind: 'status', status: 422, ...AUDIT_LOGS });
    await deliver(service, 'workos');
    expect((await outboxOf(service, id)).map(({ status, attempts }) => [status, attempts])).toEqual([
      ['dead', 1],
      ['delivered', 1],
      ['delivered', 1],
    ]);
    expect(keptOf(id)).toHaveLength(2);
    const line = service.logs.find((text) => text.includes('webhook delivery given up'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      endpoint: 'workos',
      organization_id: id,
      failure: 'answered 422',
    });
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toContain('latchkey_notices_total{endpoint="workos",type="api_key.created",outcome="dead"} 1');
  });

  test('drops the events of an organization that WorkOS has deleted: counted, and no error is logged', async () => {
    const { id } = await organizationWithEvents(2);
    await atWorkos(service, 'DELETE', `/organizations/${id}`);
    await deliver(service, 'workos');
    // Its deletion has not arrived here yet, so the event is tried again.
    expect((await outboxOf(service, id)).map(({ status }) => status)).toEqual(['waiting', 'waiting']);
    await service.background.runOnce('events');
    service.clock.advance(60_000);
    const before = service.logs.length;
    await deliver(service, 'workos');
    const rows = await outboxOf(service, id);
    expect(rows.length).toBeGreaterThan(2);
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['dropped']));
    expect(rows[0]).toMatchObject({ attempts: 2, last_failure: 'WorkOS has deleted the organization' });
    expect(
      service.logs.slice(before).filter((line) => line.includes(id) && /"level":"(?:warn|error)"/.test(line)),
    ).toEqual([]);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toContain('latchkey_notices_total{endpoint="workos",type="api_key.created",outcome="dropped"} 2');
    service.clock.advance(8 * 24 * 60 * 60_000);
    await service.background.runOnce('sweep_notices');
    expect(await outboxOf(service, id)).toEqual([]);
  });

  test('retries after 429 and 401', async () => {
    const { id } = await organizationWithEvents(1);
    for (const status of [429, 401]) {
      service.workos.faults.add({ kind: 'status', status, ...AUDIT_LOGS });
      await deliver(service, 'workos');
      expect((await outboxOf(service, id))[0]).toMatchObject({ status: 'waiting', last_failure: `answered ${status}` });
      service.clock.advance(60_000);
    }
    await deliver(service, 'workos');
    expect(keptOf(id)).toHaveLength(1);
  });

  test('waits as long as WorkOS asks, and loses nothing', async () => {
    const { id: first } = await organizationWithEvents(1);
    const headers = { 'retry-after': '1' };
    service.workos.faults.add({ kind: 'status', status: 429, headers, ...AUDIT_LOGS });
    await deliver(service, 'workos');
    const { id: second } = await organizationWithEvents(1);
    await deliver(service, 'workos');
    expect(keptOf(second)).toEqual([]);
    expect((await outboxOf(service, second))[0]).toMatchObject({ status: 'waiting', attempts: 1 });
    service.clock.advance(60_000);
    await deliver(service, 'workos');
    for (const id of [first, second]) expect(keptOf(id)).toHaveLength(1);
  });

  test('does not give up an event whose three days end while WorkOS asks to wait', async () => {
    const { id } = await organizationWithEvents(1);
    service.workos.faults.add({ kind: 'status', status: 429, headers: { 'retry-after': '60' }, ...AUDIT_LOGS });
    await service.db('outbox').where({ organization_id: id }).update({ retry_until: service.clock() });
    await deliver(service, 'workos');
    expect((await outboxOf(service, id))[0]).toMatchObject({ status: 'waiting', last_failure: 'answered 429' });
    service.clock.advance(60_000);
    await deliver(service, 'workos');
    expect(keptOf(id)).toHaveLength(1);
  });

  test('creates keys while Audit Logs ask to wait, and the other way round', async () => {
    const limit = { kind: 'status', status: 429, headers: { 'retry-after': '30' } } as const;
    const { id, token } = await organizationWithEvents(1);
    service.workos.faults.add({ ...limit, ...AUDIT_LOGS });
    await deliver(service, 'workos');
    const { id: keyId } = await createKey(service, token);
    service.clock.advance(60_000);
    service.workos.faults.add({ ...limit, method: 'DELETE' });
    expect((await call(service, 'DELETE', `/v1/api-keys/${keyId}`, { token })).status).toBe(200);
    const refused = await call(service, 'POST', '/v1/api-keys', {
      token,
      body: { label: 'x', permission_set: 'read_only' },
    });
    expect(refused.status).toBe(503);
    await deliver(service, 'workos');
    expect(keptOf(id).map(({ idempotency_key: eventId }) => eventId)).toEqual(await recordedOf(id));
    expect(keptOf(id)).toHaveLength(3);
    service.clock.advance(60_000);
  });

  const FAILURES = 3;

  test('creates keys while Audit Logs are down, however many organizations wait for them', async () => {
    const own = await startWebhookService({
      auditForwarding: true,
      env: { WORKOS_BREAKER_FAILURES: String(FAILURES) },
    });
    const tokens: string[] = [];
    for (let i = 0; i < 2 * FAILURES; i++) {
      const token = await (await own.organizations.add()).session();
      await createKey(own, token);
      tokens.push(token);
    }
    own.workos.faults.add({ kind: 'status', status: 500, times: 0, ...AUDIT_LOGS });
    await deliver(own, 'workos');
    const waiting = await own.db('outbox').where({ status: 'waiting' }).whereNotNull('last_failure');
    expect(waiting).toHaveLength(2 * FAILURES);
    for (const token of tokens) await createKey(own, token);
  });

  test('sends no more events a second than the background budget allows', async () => {
    const own = await startWebhookService({ auditForwarding: true, env: { WORKOS_SETTLEMENTS_PER_SECOND: '50' } });
    await registerAuditSchemas(own);
    for (let i = 0; i < 10; i++) {
      const token = await (await own.organizations.add()).session();
      for (let n = 0; n < 3; n++) await createKey(own, token);
    }
    const from = performance.now();
    await deliver(own, 'workos');
    expect(own.workos.auditEvents()).toHaveLength(30);
    // The first goes at once, and the others 20 ms apart.
    expect(performance.now() - from).toBeGreaterThan(29 * 20 - 50);
  });
});
