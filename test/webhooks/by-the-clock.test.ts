import { describe, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { expireAtWorkos } from '../support/at-workos.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import { deliver, outboxOf, secondProcess, startWebhookService } from './webhook-service.ts';
import { startReceiver } from './receiver.ts';

const DAY = 24 * 60 * 60_000;

const RULES = { billing: { grace_days: { trial: 3, past_due: 2 } } };
const crm = await startReceiver();
const service = await startWebhookService({
  endpoints: [{ name: 'crm', url: crm.url, secrets: [crm.secret] }],
  more: RULES,
});
const inDays = (days: number) => new Date(service.clock().getTime() + days * DAY);
/** Every loop that finds something, twice as if on two replicas, and then what sends. */
async function watch() {
  for (const loop of ['tell_postures', 'tell_expiring', 'tell_unused', 'tell_expiring', 'tell_unused', 'tell_postures'])
    await service.background.runOnce(loop);
  await deliver(service);
}
const told = (id: string, type: string) =>
  crm
    .takenOf(id)
    .filter(({ body }) => body.type === type)
    .map(({ body }) => body);
const detailsOf = (id: string, type: string) => told(id, type).map(({ data }) => data.details);
const daysTold = (id: string) => detailsOf(id, 'api_key.expiring').map((details) => details['days_left']);
await watch();

describe('api_key.expiring is sent', () => {
  test('seven days and one day before it, each once', async () => {
    const organization = await service.organizations.add();
    const end = inDays(8);
    const key = await createKey(service, await organization.session(), { expires_at: end.toISOString() });
    await watch();
    expect(daysTold(organization.id)).toEqual([]);
    service.clock.advance(DAY + 1_000);
    await watch();
    await watch();
    expect(daysTold(organization.id)).toEqual([7]);
    service.clock.advance(5 * DAY);
    await watch();
    expect(daysTold(organization.id)).toEqual([7]);
    service.clock.advance(DAY);
    await watch();
    service.clock.advance(2 * DAY);
    await watch();
    expect(daysTold(organization.id)).toEqual([7, 1]);
    expect(told(organization.id, 'api_key.expiring')[0]).toMatchObject({
      timestamp: new Date(end.getTime() - 7 * DAY).toISOString(),
      data: { api_key: { id: key.id, status: 'active', expires_at: end.toISOString() } },
    });
  });

  test('again for another expiry, once', async () => {
    const organization = await service.organizations.add();
    const key = await createKey(service, await organization.session(), { expires_at: inDays(8).toISOString() });
    service.clock.advance(1.5 * DAY);
    await watch();
    expect(daysTold(organization.id)).toEqual([7]);
    await expireAtWorkos(service, key.id, inDays(30));
    await service.background.runOnce('events');
    await watch();
    service.clock.advance(23.5 * DAY);
    await watch();
    await watch();
    expect(daysTold(organization.id)).toEqual([7, 7]);
  });

  test('once, with the days that are left, when the loop did not run for long', async () => {
    const organization = await service.organizations.add();
    await createKey(service, await organization.session(), { expires_at: inDays(20).toISOString() });
    service.clock.advance(19.5 * DAY);
    await watch();
    expect(daysTold(organization.id)).toEqual([1]);
  });

  test('as near as it is by then, when it is moved closer, and not when that is the grace of a key that was replaced', async () => {
    const organization = await service.organizations.add();
    const token = await organization.session();
    const moved = await createKey(service, token, { expires_at: inDays(30).toISOString() });
    const replaced = await createKey(service, token);
    service.clock.advance(10 * DAY);
    await expireAtWorkos(service, moved.id, inDays(2.5));
    await service.background.runOnce('events');
    const body = { grace_seconds: 3_600 };
    await call(service, 'POST', `/v1/api-keys/${replaced.id}/rotate`, { token: await organization.session(), body });
    await watch();
    expect(daysTold(organization.id)).toEqual([3]);
  });

  test('of a key that was replaced, when its grace comes to that', async () => {
    const organization = await service.organizations.add();
    const replaced = await createKey(service, await organization.session(), { expires_at: inDays(300).toISOString() });
    const body = { grace_seconds: 3 * 24 * 60 * 60 };
    await call(service, 'POST', `/v1/api-keys/${replaced.id}/rotate`, { token: await organization.session(), body });
    await watch();
    expect(daysTold(organization.id)).toEqual([]);
    service.clock.advance(2.5 * DAY);
    await watch();
    await watch();
    expect(daysTold(organization.id)).toEqual([1]);
    expect(told(organization.id, 'api_key.expiring')[0]?.data.api_key?.['id']).toBe(replaced.id);
  });

  test('of no key that was made with less, is revoked or has ended', async () => {
    const organization = await service.organizations.add();
    const token = await organization.session();
    await createKey(service, token, { label: 'short', expires_at: inDays(3).toISOString() });
    const revoked = await createKey(service, token, { label: 'gone', expires_at: inDays(8).toISOString() });
    await createKey(service, token, { label: 'over', expires_at: inDays(0.5).toISOString() });
    await call(service, 'DELETE', `/v1/api-keys/${revoked.id}`, { token });
    await watch();
    service.clock.advance(1.5 * DAY);
    await watch();
    expect(daysTold(organization.id)).toEqual([]);
    service.clock.advance(DAY);
    await watch();
    expect(daysTold(organization.id)).toEqual([1]);
  });
});

describe('api_key.unused is sent', () => {
  test('after 90 days since it was made, once, and again after 90 days since its last use', async () => {
    const organization = await service.organizations.add();
    const key = await createKey(service, await organization.session());
    service.clock.advance(89.9 * DAY);
    await watch();
    expect(detailsOf(organization.id, 'api_key.unused')).toEqual([]);
    service.clock.advance(0.2 * DAY);
    await watch();
    service.clock.advance(50 * DAY);
    await watch();
    expect(detailsOf(organization.id, 'api_key.unused')).toEqual([{ unused_days: 90, last_used_at: null }]);

    await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key: key.value } });
    await service.background.runOnce('flush_usage');
    const usedAt = service.clock().getTime();
    service.clock.advance(89 * DAY);
    await watch();
    expect(detailsOf(organization.id, 'api_key.unused')).toHaveLength(1);
    service.clock.advance(2 * DAY);
    await watch();
    const [, again] = detailsOf(organization.id, 'api_key.unused');
    expect(Math.abs(Date.parse(String(again?.['last_used_at'])) - usedAt)).toBeLessThan(60_000);
    expect(detailsOf(organization.id, 'api_key.unused')).toHaveLength(2);
    expect(await service.db('notice_marks').where({ subject: key.id, kind: 'unused' })).toHaveLength(1);
    expect(JSON.stringify(await outboxOf(service, organization.id))).not.toContain(key.value);
  });
});

const posturesOf = (id: string) =>
  told(id, 'organization.posture_changed').map(({ timestamp, data: { details } }) => [
    Date.parse(timestamp),
    details['from'],
    details['to'],
    details['cause'],
    details['reason'],
  ]);

const say = (id: string, body: object) =>
  call(service, 'PUT', `/v1/organizations/${id}/billing`, { token: SERVICE_TOKEN, body });

describe('organization.posture_changed is sent for a change by the clock', () => {
  test('at the end of a trial and of its grace, each once, in order', async () => {
    const { id } = await service.organizations.add(null);
    const end = inDays(5);
    await say(id, { status: 'trial', trial_ends_at: end.toISOString() });
    await watch();
    service.clock.advance(6 * DAY);
    await watch();
    await watch();
    service.clock.advance(3 * DAY);
    await watch();
    expect(posturesOf(id).slice(1)).toEqual([
      [end.getTime(), 'trial', 'grace', 'clock', 'trial_ended'],
      [end.getTime() + 3 * DAY, 'grace', 'trial_expired', 'clock', 'grace_ended'],
    ]);
  });

  test('also when the loop did not run until all of it was over', async () => {
    const { id } = await service.organizations.add(null);
    const end = inDays(5);
    await say(id, { status: 'trial', trial_ends_at: end.toISOString() });
    service.clock.advance(30 * DAY);
    await watch();
    expect(posturesOf(id).slice(1)).toEqual([
      [end.getTime(), 'trial', 'grace', 'clock', 'trial_ended'],
      [end.getTime() + 3 * DAY, 'grace', 'trial_expired', 'clock', 'grace_ended'],
    ]);
  });

  test('before what billing says next, when billing was faster than the loop', async () => {
    const { id } = await service.organizations.add(null);
    const end = inDays(1);
    await say(id, { status: 'trial', trial_ends_at: end.toISOString() });
    service.clock.advance(2 * DAY);
    await say(id, { status: 'active' });
    await watch();
    expect(posturesOf(id).map(([, from, to, cause]) => [from, to, cause])).toEqual([
      ['unknown', 'trial', 'billing'],
      ['trial', 'grace', 'clock'],
      ['grace', 'active', 'billing'],
    ]);
  });

  test('not when billing withdraws it in time', async () => {
    const { id } = await service.organizations.add(null);
    await say(id, { status: 'trial', trial_ends_at: inDays(1).toISOString() });
    await say(id, { status: 'trial', trial_ends_at: inDays(10).toISOString() });
    service.clock.advance(2 * DAY);
    await watch();
    expect(posturesOf(id)).toHaveLength(1);
  });
});

test('publishes everything once from two processes at once', async () => {
  const endpoints = [{ name: 'crm', url: crm.url, secrets: [crm.secret] }];
  const other = secondProcess(service, endpoints, RULES);
  const organization = await service.organizations.add(null);
  await say(organization.id, { status: 'trial', trial_ends_at: inDays(91).toISOString(), key_limit: 50 });
  const token = await organization.session();
  for (let i = 0; i < 5; i++) await createKey(service, token, { expires_at: inDays(97).toISOString() });
  for (const { background } of [service, other])
    for (const loop of ['tell_expiring', 'tell_unused', 'tell_postures']) await background.runOnce(loop);
  service.clock.advance(92 * DAY);
  for (const loop of ['tell_expiring', 'tell_unused', 'tell_postures'])
    await Promise.all([service.background.runOnce(loop), other.background.runOnce(loop)]);
  await deliver(service);
  expect(daysTold(organization.id)).toEqual([5, 5, 5, 5, 5]);
  expect(detailsOf(organization.id, 'api_key.unused')).toHaveLength(5);
  expect(posturesOf(organization.id).map(([, , to]) => to)).toEqual(['trial', 'grace']);
});

test('sends a new endpoint only what happens from then on', async () => {
  const organization = await service.organizations.add({ status: 'trial', trialEndsAt: inDays(2) });
  const token = await organization.session();
  const soon = await createKey(service, token, { label: 'soon', expires_at: inDays(7.5).toISOString() });
  service.clock.advance(DAY);
  await service.db('outbox_endpoints').delete();
  await service.db('notice_postures').delete();
  const other = await startReceiver();
  const { background } = secondProcess(service, [{ name: 'late', url: other.url, secrets: [other.secret] }]);
  const watchLate = async () => {
    for (const loop of ['tell_postures', 'tell_expiring', 'tell_unused', 'deliver_notices_late'])
      await background.runOnce(loop);
  };
  await watchLate();
  expect(other.tries).toEqual([]);
  service.clock.advance(6 * DAY);
  await watchLate();
  expect(other.takenOf(organization.id).map(({ body }) => [body.type, body.data.api_key?.['id']])).toEqual(
    expect.arrayContaining([
      ['organization.posture_changed', undefined],
      ['api_key.expiring', soon.id],
    ]),
  );
});
