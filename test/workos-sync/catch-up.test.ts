import { afterEach, expect, test } from 'vitest';
import { makeGap } from '../../src/invalidation/gap.ts';
import { createKey } from '../support/api.ts';
import { deleteAtWorkos } from '../support/at-workos.ts';
import { startService } from '../support/service.ts';
import { startTestEnvironment } from '../support/test-environment.ts';
import { failAt } from '../support/workos-faults.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
const other = await startTestEnvironment();
const service = await startService(other.env);
const { db, workos, background } = service;
const gap = makeGap(db);

afterEach(() => {
  workos.faults.clear();
  other.workos.faults.clear();
});

const stoodStillSince = (since: Date) => db('invalidation_beats').update({ behind_since: since });
const poll = () => background.runOnce('events');
const pollTest = () => background.runOnce('test_events');
const said = (text: string) => service.logs.filter((line) => line.includes(text)).length;

test('a gap is closed once the events of every environment were read to the end since', async () => {
  const acme = await service.organizations.add();
  const key = await createKey(service, await acme.session());
  await stoodStillSince(new Date(Date.now() - 3_600_000));
  await deleteAtWorkos(service, key.id);
  await poll();
  expect(await gap.since()).toMatch(/^\d{4}-.*T/);
  await pollTest();
  expect(await gap.since()).toBeUndefined();
  expect(await db('api_keys').where({ workos_id: key.id }).first('status')).toEqual({ status: 'revoked' });
  expect([said('database stood still'), said('mirror has caught up')]).toEqual([2, 1]);
});

test('a gap stays open while WorkOS does not answer, and while another replica reads', async () => {
  await stoodStillSince(new Date(Date.now() - 3_600_000));
  await pollTest();
  failAt(service, 'events', { kind: 'status', status: 503, times: 0 });
  await expect(poll()).rejects.toThrow('WorkOS');
  expect(await gap.since()).toBeDefined();
  workos.faults.clear();
  await db('event_cursors')
    .where({ name: 'workos' })
    .update({ leased_until: new Date(Date.now() + 60_000) });
  await poll();
  expect(await gap.since()).toBeDefined();
  await db('event_cursors').where({ name: 'workos' }).update({ leased_until: null });
  await poll();
  expect(await gap.since()).toBeUndefined();
});

test('what was read in an earlier gap closes no later one', async () => {
  await stoodStillSince(new Date(Date.now() - 3_600_000));
  await poll();
  await stoodStillSince(new Date(Date.now() - 1_800_000));
  await pollTest();
  expect(await gap.since()).toBeDefined();
  await poll();
  expect(await gap.since()).toBeUndefined();
});

test('a gap longer than WorkOS keeps events is left to a reconciliation', async () => {
  await stoodStillSince(new Date(Date.now() - 90 * DAY_MS));
  await poll();
  await pollTest();
  const since = await gap.since();
  expect(since).toBeDefined();
  expect(said('run npm run reconcile')).toBeGreaterThan(0);
  await gap.close('2020-01-01T00:00:00Z');
  expect(await gap.since()).toBe(since);
  await gap.close(since);
  expect(await gap.since()).toBeUndefined();
});
