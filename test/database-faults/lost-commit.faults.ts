import { expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import type { Answer, CreatedKey } from '../support/api.ts';
import type { CommitLoss } from './proxy.ts';
import { create, expectedEverywhere, inOrder, startBehindProxy } from './start.ts';

const { service, proxy } = await startBehindProxy();

const LOSSES: CommitLoss[] = ['after', 'before', 'late'];
const works = async (value: unknown) =>
  (await call(service, 'GET', '/v1/me/session', { token: String(value) })).status === 200;
const isHonest = (answer: Answer) =>
  expect(['201', '200', '503 database_unavailable', '503 workos_unavailable']).toContain(
    outcome(answer).join(' ').trim(),
  );

// A creation commits twice: when it claims its place, and when its key becomes active.
const CREATIONS = LOSSES.flatMap((how) => [1, 2].map((nth): [CommitLoss, number] => [how, nth]));

test.each(CREATIONS)(
  'a creation whose commit is lost %s being done (the %i. one) leaves no orphan',
  async (how, nth) => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const lostBefore = proxy.lost();
    proxy.loseCommit(how, nth);
    const answer = await create(service, owner);
    expect(proxy.lost()).toBe(lostBefore + 1);
    isHonest(answer);
    const { there, here } = await expectedEverywhere(service, acme.id);
    expect(there).toEqual(here);
    expect(here).toEqual(answer.status === 201 ? [answer.body['id']] : []);
    const { body } = await call(service, 'GET', '/v1/organization', { token: await acme.session() });
    expect(body['usage']).toMatchObject({ api_keys: here.length });
  },
);

test('a creation whose commit succeeded without an answer gets its key', async () => {
  const acme = await service.organizations.add();
  proxy.loseCommit('after', 2);
  const answer = await create(service, await acme.session());
  expect(outcome(answer)).toEqual([201, undefined]);
  expect(await works(answer.body['value'])).toBe(true);
});

// With an Idempotency-Key one more: when the request takes its place.
const REPEATED = LOSSES.flatMap((how) => [1, 2, 3].map((nth): [CommitLoss, number] => [how, nth]));

test.each(REPEATED)(
  'a client that repeats until it has an answer gets the only key, its commit lost %s being done (the %i. one)',
  async (how, nth) => {
    const acme = await service.organizations.add();
    const key = `lost ${how} ${nth}`;
    proxy.loseCommit(how, nth);
    let answer = await create(service, await acme.session(), key);
    for (let i = 0; i < 10 && answer.status !== 201; i++) {
      expect([503, 409]).toContain(answer.status);
      service.clock.advance(6_000);
      answer = await create(service, await acme.session(), key);
    }
    expect(outcome(answer)).toEqual([201, undefined]);
    expect((await create(service, await acme.session(), key)).body).toEqual(answer.body);
    expect(await expectedEverywhere(service, acme.id)).toEqual({
      there: [answer.body['id']],
      here: [answer.body['id']],
    });
    expect(await works(answer.body['value'])).toBe(true);
  },
);

test.each(CREATIONS)(
  'a rotation whose commit is lost %s being done (the %i. one) is whole or not at all',
  async (how, nth) => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const old: CreatedKey = await createKey(service, owner);
    proxy.loseCommit(how, nth);
    const answer = await call(service, 'POST', `/v1/api-keys/${old.id}/rotate`, { token: owner, body: {} });
    isHonest(answer);
    const made = answer.status === 201 ? [String(answer.body['id'])] : [];
    const { there, here } = await expectedEverywhere(service, acme.id);
    expect(here).toEqual(inOrder([old.id, ...made]));
    expect(there).toEqual(here);
    expect(await works(old.value)).toBe(made.length === 0);
    expect(await works(answer.body['value'] ?? old.value)).toBe(true);
  },
);

test.each(LOSSES)(
  'a revocation whose commit is lost %s being done can be repeated, and is recorded once',
  async (how) => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const key = await createKey(service, owner);
    const revoke = () => call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
    proxy.loseCommit(how);
    isHonest(await revoke());
    expect((await revoke()).status).toBe(200);
    expect(await works(key.value)).toBe(false);
    expect(await expectedEverywhere(service, acme.id)).toEqual({ there: [], here: [] });
    const events = await service.db('audit_events').where({ organization_id: acme.id, action: 'api_key.revoked' });
    expect(events).toHaveLength(1);
  },
);

test.each(LOSSES)(
  'a suspension and a resumption whose commits are lost %s being done can be repeated, and are recorded once',
  async (how) => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const key = await createKey(service, owner);
    for (const verb of ['suspend', 'resume'] as const) {
      const turn = () => call(service, 'POST', `/v1/api-keys/${key.id}/${verb}`, { token: owner });
      // From here on memory has the key.
      expect(await works(key.value)).toBe(verb === 'suspend');
      proxy.loseCommit(how);
      isHonest(await turn());
      expect((await turn()).status).toBe(200);
      expect(await works(key.value)).toBe(verb === 'resume');
    }
    const events: { action: string }[] = await service.db('audit_events').where({ target_id: key.id });
    expect(events.map(({ action }) => action).toSorted()).toEqual([
      'api_key.created',
      'api_key.resumed',
      'api_key.suspended',
    ]);
    expect(await expectedEverywhere(service, acme.id)).toEqual({ there: [key.id], here: [key.id] });
  },
);
