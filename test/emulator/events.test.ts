import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import type { Answer } from './harness.ts';
import { call, createKey, sdk, startDemo, steppedClock } from './harness.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const { clock, forward } = steppedClock();
const daysAgo = (days: number): string => new Date(clock().getTime() - days * DAY_MS).toISOString();
let emulator: Emulator;

beforeAll(async () => {
  emulator = await startDemo({ clock });
});
afterAll(() => emulator.close());

const list = (query = ''): Promise<Answer> => call(emulator, 'GET', `/events?limit=100&${query}`);
const types = ({ body }: Answer): string[] => body.data.map(({ event }: { event: string }) => event);
const last = async (query: string) => (await list(query)).body.data.at(-1);

const keysIn = async (query: string) =>
  (await list(`organization_id=org_initech&${query}`)).body.data.map(({ data }: { data: { id: string } }) => data.id);

describe('events', () => {
  it('are not emitted for a seed', async () => {
    expect((await list()).body.data).toEqual([]);
  });

  it('cover the life of a key, without its value', async () => {
    const key = await createKey(emulator, {}, 'org_hooli');
    const expiresAt = new Date(clock().getTime() + 60_000).toISOString();
    await call(emulator, 'POST', `/api_keys/${key.id}/expire`, { body: { expires_at: expiresAt } });
    await call(emulator, 'DELETE', `/api_keys/${key.id}`);
    const answer = await list('organization_id=org_hooli');
    expect(types(answer)).toEqual(['api_key.created', 'api_key.updated', 'api_key.revoked']);
    expect(answer.body.data[1].data).toMatchObject({
      id: key.id,
      expires_at: expiresAt,
      previous_attributes: { expires_at: null },
    });
    expect(answer.text).not.toContain(key.value);
  });

  it('cover the life of an organization and of a permission', async () => {
    const { body } = await call(emulator, 'POST', '/organizations', { body: { name: 'Brief' } });
    await call(emulator, 'PUT', `/organizations/${body.id}`, { body: { name: 'Briefly' } });
    await call(emulator, 'DELETE', `/organizations/${body.id}`);
    expect(types(await list(`organization_id=${body.id}`))).toEqual([
      'organization.created',
      'organization.updated',
      'organization.deleted',
    ]);
    await call(emulator, 'POST', '/authorization/permissions', { body: { slug: 'told:of', name: 'Told of' } });
    expect(await last('events=permission.created')).toMatchObject({ data: { slug: 'told:of' } });
  });

  it('come oldest first in any requested order, and continue from a cursor', async () => {
    const all = (await list('order=desc')).body.data;
    const made = all.map(({ id }: { id: string }) => id);
    expect(made).toEqual(made.toSorted());
    const first = await call(emulator, 'GET', '/events?limit=2');
    expect(first.body.list_metadata).toEqual({ after: made[1] });
    const rest = await list(`after=${made[1]}`);
    expect(rest.body.data).toEqual(all.slice(2));
    expect(rest.body.list_metadata).toEqual({ after: null });
  });

  it.each([
    'events=api_key.created,api_key.revoked',
    'events=api_key.created&events=api_key.revoked',
    'events[]=api_key.created&events[]=api_key.revoked',
    'events[0]=api_key.created&events[1]=api_key.revoked',
  ])('are filtered by %s', async (query) => {
    expect(types(await list(`organization_id=org_hooli&${query}`))).toEqual(['api_key.created', 'api_key.revoked']);
  });

  it('refuse after together with range_start, an unknown cursor and a range past 30 days with 400', async () => {
    const { id } = (await list()).body.data[0];
    expect(await list(`after=${id}&range_start=${daysAgo(1)}`)).toMatchObject({ status: 400 });
    expect(await list('after=event_nowhere')).toMatchObject({ status: 400 });
    expect(await list(`range_start=${daysAgo(40)}&range_end=${daysAgo(1)}`)).toMatchObject({ status: 400 });
    expect(await list('range_start=yesterday')).toMatchObject({ status: 422 });
  });

  it('are limited to a range, and to the last 90 days', async () => {
    const old = await createKey(emulator, {}, 'org_initech');
    forward(50 * DAY_MS);
    const recent = await createKey(emulator, {}, 'org_initech');
    expect(await keysIn('')).toEqual([old.id, recent.id]);
    expect(await keysIn(`range_start=${daysAgo(1)}`)).toEqual([recent.id]);
    expect(await keysIn(`range_start=${daysAgo(60)}`)).toEqual([old.id]);
    expect(await keysIn(`range_end=${daysAgo(10)}`)).toEqual([old.id]);
    forward(45 * DAY_MS);
    expect(await keysIn('')).toEqual([recent.id]);
  });

  it('that are delayed appear later, after those that overtook them', async () => {
    const { id: cursor } = await last('');
    emulator.deliverEvents({ delay_ms: 1_000 });
    const late = await createKey(emulator);
    emulator.deliverEvents({ delay_ms: 0 });
    const prompt = await createKey(emulator);
    const seen = async () =>
      (await list(`after=${cursor}`)).body.data.map(({ data }: { data: { id: string } }) => data.id);
    expect(await seen()).toEqual([prompt.id]);
    forward(1_000);
    expect(await seen()).toEqual([prompt.id, late.id]);
  });

  it('are read by the official SDK, with filters', async () => {
    const { data, listMetadata } = await sdk(emulator).events.listEvents({
      events: ['api_key.created'],
      organizationId: 'org_initech',
      limit: 1,
    });
    expect(data).toMatchObject([{ event: 'api_key.created', data: { owner: { id: 'org_initech' } } }]);
    expect(listMetadata).toMatchObject({ after: null });
  });
});
