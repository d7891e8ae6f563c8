import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { FaultInput } from '../../src/emulator/faults/faults.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { makeSdkGateway } from '../../src/workos/sdk-gateway.ts';
import { PROFILE, startLocalWorkos } from '../support/local-workos.ts';
import { COOKIE_PASSWORD } from '../support/service.ts';

const BREAKER = 3;
const ORGANIZATION = 'org_acme';
const workos = await startLocalWorkos({
  seed: {
    organizations: [{ id: ORGANIZATION, name: 'Acme' }],
    people: [{ id: 'user_acme', email: 'a@acme.test' }],
    memberships: [{ userId: 'user_acme', organizationId: ORGANIZATION, role: 'owner' }],
  },
});
const { workosCalls } = makeMetrics();
afterAll(() => workos.close());
afterEach(() => {
  workos.faults.clear();
  workos.behave({ profile: PROFILE });
});

const makeGateway = () =>
  makeSdkGateway({
    apiKey: workos.apiKey,
    clientId: workos.clientId,
    cookiePassword: COOKIE_PASSWORD,
    apiUrl: workos.url,
    timeoutMs: 2_000,
    breakerFailures: BREAKER,
    workosCalls,
  });
const answer = (body: object): FaultInput => ({ kind: 'status', status: 200, body: body as never, times: 0 });
const list = (data: unknown[], after: string | null = null) =>
  answer({ object: 'list', data, list_metadata: { after } });
const read = async (keys: AsyncIterable<unknown>) => {
  const all = [];
  for await (const key of keys) all.push(key);
  return all.length;
};

describe('an unreadable answer', () => {
  it.each<[string, FaultInput]>([
    ['that is cut off', { kind: 'malformed_json', times: 0 }],
    ['that is empty', { kind: 'empty_body', times: 0 }],
    ['of another content type', { kind: 'wrong_content_type', times: 0 }],
    ['in an unknown charset', { kind: 'charset', charset: 'unknown', times: 0 }],
    ['of another shape', answer({ api_key: 'sk_x' })],
    ['whose key is no key', answer({ api_key: { id: 7, owner: { type: 'organization' } } })],
  ])('%s leaves the breaker closed', async (_what, fault) => {
    const gateway = makeGateway();
    workos.faults.add({ ...fault, path: '/api_keys/validations' });
    for (let i = 0; i < 3 * BREAKER; i++)
      await expect(gateway.validateKey('sk_asked')).rejects.toMatchObject({
        kind: 'malformed',
        code: 'workos_unavailable',
        outcome: 'unknown',
      });
    await expect(gateway.assertCallable()).resolves.toBeUndefined();
    workos.faults.clear();
    expect(await gateway.validateKey('sk_asked')).toBeUndefined();
    const { values } = await workosCalls.get();
    expect(values.some(({ labels }) => labels.outcome === 'malformed')).toBe(true);
  });

  it('that names a new key with an invalid id has an unknown outcome', async () => {
    const body = { id: 'api_key_\uFFFD', value: 'sk_of_a_new_key', obfuscated_value: 'sk_...' };
    workos.faults.add({ ...answer(body), path: '/organizations/:id/api_keys', method: 'POST' });
    const key = { organizationId: ORGANIZATION, name: 'a key', permissions: [], expiresAt: undefined };
    const failure = { kind: 'malformed', outcome: 'unknown' };
    await expect(makeGateway().createOrganizationKey(key)).rejects.toMatchObject(failure);
  });

  it('differs from an outage, which opens the breaker', async () => {
    const gateway = makeGateway();
    workos.faults.add({ kind: 'status', status: 503, times: 0 });
    for (let i = 0; i < BREAKER; i++)
      await expect(gateway.validateKey('sk_asked')).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(gateway.assertCallable()).rejects.toThrow(/is unavailable/);
  });
});

describe('a list', () => {
  it.each([
    ['repeats', ['api_key_a']],
    ['goes in a circle', ['api_key_a', 'api_key_b', 'api_key_c']],
  ])('fails as malformed when its cursor %s', async (_what, cursors) => {
    for (const after of cursors.slice(0, -1)) workos.faults.add({ ...list([], after), times: 1 });
    for (const after of cursors) workos.faults.add({ ...list([], after), times: after === cursors.at(-1) ? 100 : 1 });
    const before = workos.requests().length;
    await expect(read(makeGateway().listOrganizationKeys(ORGANIZATION))).rejects.toMatchObject({ kind: 'malformed' });
    expect(workos.requests().length - before).toBeLessThan(10);
  });

  it('fails as malformed at an unreadable item', async () => {
    workos.faults.add(list([{ id: 'api_key_a' }]));
    await expect(read(makeGateway().listOrganizationKeys(ORGANIZATION))).rejects.toMatchObject({ kind: 'malformed' });
  });
});

describe('answers of a newer version', () => {
  it('are read with new fields, kinds of owners and times without an offset', async () => {
    const gateway = makeGateway();
    workos.behave({
      unknown_fields: true,
      owner_kind: 'agent_registration',
      timestamps: 'plain',
      organization_names: false,
    });
    const expiresAt = new Date(Date.now() + 86_400_000);
    const issued = await gateway.createOrganizationKey({
      organizationId: ORGANIZATION,
      name: 'a key',
      permissions: [],
      expiresAt,
    });
    expect(await gateway.validateKey(issued.value)).toMatchObject({ organizationId: ORGANIZATION, expiresAt });
    expect(await read(gateway.listOrganizationKeys(ORGANIZATION))).toBe(1);
    expect(await gateway.expireKey(issued.id, undefined)).toBeInstanceOf(Date);
    expect(await gateway.listMemberships('user_acme')).toEqual([
      { organizationId: ORGANIZATION, organizationName: undefined, role: 'owner' },
    ]);
    const { events, unreadable } = await gateway.listEvents({
      rangeStart: new Date(Date.now() - 60_000),
      rangeEnd: undefined,
    });
    expect([events.map(({ type }) => type), unreadable]).toEqual([['api_key.created', 'api_key.updated'], []]);
  });
});
