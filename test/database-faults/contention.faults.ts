import type { Knex } from 'knex';
import { expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { create, expectedEverywhere, startBehindProxy, timed } from './start.ts';

const { service } = await startBehindProxy({}, { poolMax: 3 });

/** A transaction of ours, which may stand idle as long as it likes. */
async function hold(): Promise<Knex.Transaction> {
  const holder = await service.db.transaction();
  await holder.raw('set local idle_in_transaction_session_timeout = 0');
  return holder;
}

test('when every connection is taken the others are 503 within a bounded wait', async () => {
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const owner = await acme.session();
  await createKey(service, owner);
  const holder = await hold();
  await holder('tenants').where({ organization_id: acme.id }).forUpdate();
  const waiting = Array.from({ length: 12 }, () => timed(() => create(service, owner)));
  const answers = await Promise.all(waiting);
  await holder.rollback();
  for (const { answer, elapsedMs } of answers) {
    expect(outcome(answer)).toEqual([503, 'database_unavailable']);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(elapsedMs).toBeLessThan(9_000);
  }
  expect((await create(service, owner)).status).toBe(201);
  const { there, here } = await expectedEverywhere(service, acme.id);
  expect(there).toEqual(here);
  expect(here).toHaveLength(2);
});

test('a statement that waits for a lock has a deadline of its own', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const key = await createKey(service, owner);
  const holder = await hold();
  await holder('api_keys').where({ workos_id: key.id }).forUpdate();
  const { answer, elapsedMs } = await timed(() => call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner }));
  await holder.rollback();
  expect(outcome(answer)).toEqual([503, 'database_unavailable']);
  expect(elapsedMs).toBeGreaterThan(4_500);
  expect(elapsedMs).toBeLessThan(7_000);
  expect((await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner })).status).toBe(200);
});

test('the loser of a deadlock is retried, and the client sees no error', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const key = await createKey(service, owner);
  const deadlocks = async () =>
    Number(
      (await service.db('pg_stat_database').whereRaw('datname = current_database()').first('deadlocks')).deadlocks,
    );
  const before = await deadlocks();
  // The revocation holds the key and waits for the head of the audit chain; we hold the head and then want the key.
  const holder = await hold();
  await holder('audit_heads').where({ organization_id: acme.id }).forUpdate();
  const revocation = call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
  await expect.poll(waitsForLock, { interval: 20 }).toBe(true);
  await holder('api_keys').where({ workos_id: key.id }).forUpdate();
  await holder.commit();
  expect((await revocation).status).toBe(200);
  await expect.poll(deadlocks, { timeout: 15_000 }).toBeGreaterThan(before);
  const actions = await service
    .db('audit_events')
    .where({ organization_id: acme.id })
    .orderBy('sequence')
    .pluck('action');
  expect(actions).toEqual(['api_key.created', 'api_key.revoked']);
});

async function waitsForLock(): Promise<boolean> {
  const { rows } = await service.db.raw<{ rows: unknown[] }>(
    "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rows.length > 0;
}

test.each([
  [2, 201],
  [100, 503],
])('a creation that has to give way %i times is answered with %i', async (times, status) => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  // A sequence counts on when a transaction is undone.
  await service.db.raw(`
    create sequence given_way;
    create function give_way() returns trigger language plpgsql as $$
    begin
      if nextval('given_way') <= ${times} then
        raise exception 'could not serialize access' using errcode = 'serialization_failure';
      end if;
      return new;
    end $$;
    create trigger give_way before update on api_keys for each row when (new.status = 'active')
      execute function give_way();
  `);
  const answer = await create(service, owner);
  await service.db.raw('drop trigger give_way on api_keys; drop function give_way; drop sequence given_way;');
  expect(answer.status).toBe(status);
  const { there, here } = await expectedEverywhere(service, acme.id);
  expect(there).toEqual(here);
  expect(here).toHaveLength(status === 201 ? 1 : 0);
  expect((await create(service, owner)).status).toBe(201);
});
