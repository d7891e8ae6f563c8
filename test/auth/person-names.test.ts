import { beforeEach, describe, expect, test } from 'vitest';
import { makeAskForNames } from '../../src/auth/ask-for-names.ts';
import { makePersonNames } from '../../src/auth/person-names.ts';
import type { PersonNames } from '../../src/auth/person-names.ts';
import { call, createKey } from '../support/api.ts';
import { restartWith } from '../support/restart.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { workos } = service;

let acme: Awaited<ReturnType<typeof service.organizations.add>>;
beforeEach(async () => {
  acme = await service.organizations.add();
});

async function rename(name: string | null): Promise<void> {
  const headers = { authorization: `Bearer ${workos.apiKey}`, 'content-type': 'application/json' };
  const url = `${workos.url}/user_management/users/${acme.userId('owner')}`;
  const answer = await fetch(url, { method: 'PUT', headers, body: JSON.stringify({ name }) });
  expect(answer.status).toBe(200);
}
const read = async (path: string) => (await call(service, 'GET', path, { token: await acme.session() })).body;
const creators = async () => (await read('/v1/api-keys')).data.map((key) => key['created_by']);
const actors = async () => (await read('/v1/audit-events')).data.map((event) => event['actor']);

describe('the name of a person', () => {
  test("is beside the id of a key's creator and of an actor, once their session was described", async () => {
    await rename('Ada Lovelace');
    const key = await createKey(service, await acme.session());
    const person = { kind: 'user', id: acme.userId('owner') };
    expect(await creators()).toEqual([{ ...person, name: null }]);
    expect(await actors()).toEqual([{ ...person, name: null }]);
    await read('/v1/me/session');
    expect(await creators()).toEqual([{ ...person, name: 'Ada Lovelace' }]);
    expect(await actors()).toEqual([{ ...person, name: 'Ada Lovelace' }]);
    expect((await read(`/v1/api-keys/${key.id}`))['created_by']).toEqual({ ...person, name: 'Ada Lovelace' });
  });

  test('is asked from WorkOS after a list has missed it, also by a process that has just started', async () => {
    await rename('Ada Lovelace');
    await createKey(service, await acme.session());
    const started = await restartWith(service, {});
    const names = async (path: string, field: string) => {
      const { body } = await call(started, 'GET', path, { token: await acme.session() });
      return body.data.map((item) => (item[field] as { name: string | null }).name);
    };
    expect(await names('/v1/api-keys', 'created_by')).toEqual([null]);
    await started.background.runOnce('person_names');
    expect(await names('/v1/api-keys', 'created_by')).toEqual(['Ada Lovelace']);
    expect(await names('/v1/audit-events', 'actor')).toEqual(['Ada Lovelace']);
  });

  test('is asked again after an outage, and once of a person whom WorkOS does not have', async () => {
    await rename('Ada Lovelace');
    await createKey(service, await acme.session());
    const path = '/user_management/users/:id';
    const askedSince = (before: number) =>
      workos
        .requests()
        .slice(before)
        .filter((each) => each.path.endsWith(acme.userId('owner'))).length;
    await creators();
    workos.faults.add({ kind: 'status', status: 503, path, times: 0 });
    await service.background.runOnce('person_names');
    workos.faults.clear();
    expect(await creators()).toMatchObject([{ name: null }]);
    workos.faults.add({ kind: 'status', status: 404, path, times: 0 });
    await service.background.runOnce('person_names');
    workos.faults.clear();
    const before = workos.requests().length;
    expect(await creators()).toMatchObject([{ name: null }]);
    await service.background.runOnce('person_names');
    expect(askedSince(before)).toBe(0);
    await read('/v1/me/session');
    expect(await creators()).toMatchObject([{ name: 'Ada Lovelace' }]);
  });

  test('is null for machines, and for people without one', async () => {
    await createKey(service, await acme.machineToken());
    await createKey(service, await acme.session());
    await read('/v1/me/session');
    expect(await creators()).toEqual([
      { kind: 'user', id: acme.userId('owner'), name: null },
      { kind: 'machine', id: acme.machineClientId, name: null },
    ]);
  });

  test('costs no list a call to WorkOS, and none fails while WorkOS does', async () => {
    await createKey(service, await acme.session());
    workos.faults.add({ kind: 'status', status: 503, path: '/user_management/users/:id' });
    const asked = workos.requests().length;
    expect(await creators()).toMatchObject([{ name: null }]);
    expect(await actors()).toMatchObject([{ name: null }]);
    expect(workos.requests().length).toBe(asked);
    workos.faults.clear();
  });

  test('stays as it was in a repeated answer of a creation', async () => {
    await rename('Ada Lovelace');
    const request = {
      token: await acme.session(),
      headers: { 'idempotency-key': 'named' },
      body: { label: 'a', permission_set: 'read_only' },
    };
    const first = await call(service, 'POST', '/v1/api-keys', request);
    await read('/v1/me/session');
    expect((await call(service, 'POST', '/v1/api-keys', request)).body).toEqual(first.body);
    expect(first.body['created_by']).toMatchObject({ name: null });
  });
});

const person = (id: string) => ({ kind: 'user', id });

describe('makeAskForNames', () => {
  const signal = new AbortController().signal;

  /** Asks for people while the budget has so many calls, and returns who was asked for. */
  async function askedOf(names: PersonNames, budget: number, heldMs = 0): Promise<string[]> {
    const asked: string[] = [];
    const getUser = (id: string) => {
      asked.push(id);
      return Promise.resolve({ id, email: `${id}@acme.test`, name: `name of ${id}` });
    };
    let left = budget;
    await makeAskForNames({ names, workos: { getUser, heldMs: () => heldMs }, mayAsk: () => left-- > 0 })(signal);
    return asked;
  }

  test('asks within its budget, the longest missing first, and never twice', async () => {
    const names = makePersonNames({ asks: true });
    for (const id of ['user_1', 'user_2', 'user_3', 'user_1']) names.nameOf(person(id));
    expect(await askedOf(names, 2)).toEqual(['user_1', 'user_2']);
    expect(names.nameOf(person('user_1'))).toBe('name of user_1');
    expect(await askedOf(names, 9)).toEqual(['user_3']);
    expect(await askedOf(names, 9)).toEqual([]);
  });

  test('asks for people alone: for no machine, key or e-mail address of an impersonator', async () => {
    const names = makePersonNames({ asks: true });
    for (const id of ['support@product.test', 'user_1/../organizations', 'user_', `user_${'x'.repeat(60)}`])
      names.nameOf(person(id));
    names.nameOf({ kind: 'machine', id: 'user_1' });
    expect(await askedOf(names, 9)).toEqual([]);
  });

  test('asks for none where that is configured, and leaves WorkOS alone while it wants fewer requests', async () => {
    const silent = makePersonNames({ asks: false });
    silent.nameOf(person('user_1'));
    expect(await askedOf(silent, 9)).toEqual([]);
    const names = makePersonNames({ asks: true });
    names.nameOf(person('user_1'));
    expect(await askedOf(names, 9, 1_000)).toEqual([]);
    expect(await askedOf(names, 9)).toEqual(['user_1']);
  });

  test('notes a bounded number of people', async () => {
    const names = makePersonNames({ asks: true });
    for (let i = 0; i < 1_100; i++) names.nameOf(person(`user_${i}`));
    expect(await askedOf(names, 2_000)).toHaveLength(1_000);
  });
});
