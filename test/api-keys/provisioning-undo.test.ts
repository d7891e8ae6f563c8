import { afterEach, describe, expect, test } from 'vitest';
import { createKey, outcome, requestKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos, workosRequests } from '../support/workos-keys.ts';

const service = await startService();

// The row of a key with this label cannot become active, which is what a lost database looks like in the third step.
await service.db.raw(`
  create function refuse_activation() returns trigger language plpgsql as $$
  begin
    raise exception 'the second local step fails';
  end $$;
  create trigger refuse_activation before update on api_keys
    for each row when (new.status = 'active' and new.label = 'cannot be activated') execute function refuse_activation();
`);

afterEach(() => service.workos.faults.clear());

describe('POST /v1/api-keys when the row cannot become active', () => {
  test('deletes the key at WorkOS before it answers', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const answer = await requestKey(service, owner, { label: 'cannot be activated' });
    expect(outcome(answer)).toEqual([500, 'internal_error']);
    expect(workosRequests(service, 'POST', `/organizations/${acme.id}/api_keys`)).toBe(1);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    const row = await service.db('api_keys').where({ organization_id: acme.id }).first('status', 'workos_id');
    expect(row).toEqual({ status: 'failed', workos_id: null });
    expect(await service.db('audit_events').where({ organization_id: acme.id })).toEqual([]);
  });

  test('returns an error without internals', async () => {
    const acme = await service.organizations.add();
    const { body } = await requestKey(service, await acme.session(), { label: 'cannot be activated' });
    expect(body.error).toEqual({
      code: 'internal_error',
      message: expect.any(String),
      request_id: expect.stringMatching(/^req_/),
    });
    expect(body.error.message).not.toMatch(/local step|api_keys|update/);
  });

  test('leaves the row to the settler when the deletion fails, too', async () => {
    const acme = await service.organizations.add();
    service.workos.faults.add({ kind: 'status', status: 503, method: 'DELETE', path: '/api_keys/:id' });
    expect(outcome(await requestKey(service, await acme.session(), { label: 'cannot be activated' }))).toEqual([
      500,
      'internal_error',
    ]);
    const there = await keysAtWorkos(service, acme.id);
    expect(there).toHaveLength(1);
    const row = await service.db('api_keys').where({ organization_id: acme.id }).first('id', 'status', 'due_at');
    expect(row).toMatchObject({ status: 'failed', due_at: expect.any(Date) });
    expect(there[0]?.name).toContain(`[lk:${row.id}:`);
    const line = service.logs.find((text) => text.includes(there[0]!.id));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ level: 'warn', workos_id: there[0]!.id });
  });

  test('frees the quota, so that the next key is created', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    for (let i = 0; i < 9; i++) await createKey(service, owner);
    expect(outcome(await requestKey(service, owner, { label: 'cannot be activated' }))).toEqual([
      500,
      'internal_error',
    ]);
    expect(outcome(await requestKey(service, owner, { label: 'the tenth' }))).toEqual([201, undefined]);
  });
});
