import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';

const service = await startService();

/** An organization whose keys have these labels, oldest first. */
async function organizationWith(...labels: string[]) {
  const acme = await service.organizations.add();
  const owner = await acme.session('owner');
  const ids: string[] = [];
  for (const label of labels) ids.push((await createKey(service, owner, { label })).id);
  const list = async (query = '') => {
    const answer = await call(service, 'GET', `/v1/api-keys${query}`, { token: owner });
    expect(outcome(answer)).toEqual([200, undefined]);
    const { data, list_metadata: cursors } = answer.body;
    return { labels: data.map(({ label }) => label), cursors, data };
  };
  return { acme, owner, ids, list };
}

describe('GET /v1/api-keys', () => {
  test('lists newest first, without any secret', async () => {
    const { list, ids } = await organizationWith('first', 'second', 'third');
    const { labels, cursors, data } = await list();
    expect(labels).toEqual(['third', 'second', 'first']);
    expect(cursors).toEqual({ before: null, after: null });
    const fields =
      'concurrency created_at created_by description effective_scopes environment expires_at expires_in_days id ip_allow_list label last_used_at leaked_at metadata origin owner permission_set prefix rate_limit revoked_at rotated_from rotated_to scopes scopes_follow_set status suspended_at suspended_by suspension_reason updated_at';
    expect(Object.keys(data[0]!).toSorted()).toEqual(fields.split(' '));
    expect(data.map(({ id }) => id)).toEqual(ids.toReversed());
  });

  test('returns an empty list for an organization without keys', async () => {
    const { list } = await organizationWith();
    expect(await list()).toEqual({ labels: [], data: [], cursors: { before: null, after: null } });
  });

  test('pages to the oldest and back to the newest without a gap or a repeat', async () => {
    const { list } = await organizationWith('1', '2', '3', '4', '5');
    const newest = await list('?limit=2');
    expect(newest.labels).toEqual(['5', '4']);
    expect(newest.cursors.before).toBeNull();
    const middle = await list(`?limit=2&after=${newest.cursors.after}`);
    expect(middle.labels).toEqual(['3', '2']);
    const oldest = await list(`?limit=2&after=${middle.cursors.after}`);
    expect(oldest.labels).toEqual(['1']);
    expect(oldest.cursors.after).toBeNull();
    const back = await list(`?limit=2&before=${oldest.cursors.before}`);
    expect(back.labels).toEqual(['3', '2']);
    expect(await list(`?limit=2&before=${back.cursors.before}`)).toEqual(newest);
  });

  test('keeps its position when a key is created between two pages', async () => {
    const { list, owner } = await organizationWith('1', '2', '3');
    const { cursors } = await list('?limit=1');
    await createKey(service, owner, { label: '4' });
    expect((await list(`?limit=2&after=${cursors.after}`)).labels).toEqual(['2', '1']);
    expect((await list(`?limit=2&before=${cursors.after}`)).labels).toEqual(['4']);
  });

  test('pages through keys that were created at the same instant', async () => {
    const { list, acme } = await organizationWith('1', '2', '3', '4');
    await service.db('api_keys').where({ organization_id: acme.id }).update({ created_at: service.clock() });
    const seen: string[] = [];
    let query = '?limit=1';
    for (let page = 0; page < 4; page++) {
      const { labels, cursors } = await list(query);
      seen.push(...labels.map(String));
      query = `?limit=1&after=${cursors.after}`;
    }
    expect(seen.toSorted((a, b) => a.localeCompare(b))).toEqual(['1', '2', '3', '4']);
  });

  test('applies filters across pages', async () => {
    const { list } = await organizationWith('a1', 'b1', 'a2', 'b2', 'a3');
    const first = await list('?q=a&limit=2');
    expect(first.labels).toEqual(['a3', 'a2']);
    expect((await list(`?q=a&limit=2&after=${first.cursors.after}`)).labels).toEqual(['a1']);
  });

  test('finds part of a label, ignoring case', async () => {
    const { list } = await organizationWith('CI Runner — Staging', 'laptop');
    expect((await list('?q=runner')).labels).toEqual(['CI Runner — Staging']);
    expect((await list(`?q=${encodeURIComponent('— st')}`)).labels).toEqual(['CI Runner — Staging']);
    expect((await list('?q=nobody')).labels).toEqual([]);
  });

  test('finds the last four characters of a secret, and the id', async () => {
    const { owner, list } = await organizationWith('other');
    const { id, value } = await createKey(service, owner, { label: 'wanted' });
    const last = value.slice(-4);
    expect((await list(`?q=${last}`)).labels).toEqual(['wanted']);
    expect((await list(`?q=${id}`)).labels).toEqual(['wanted']);
    for (const other of [value.slice(-5), value.slice(-3), value.slice(0, 4), value, id.slice(0, -1)])
      expect((await list(`?q=${other}`)).labels).toEqual([]);
  });

  test("finds nothing by another organization's last four characters or id", async () => {
    const { owner } = await organizationWith();
    const { id, value } = await createKey(service, owner);
    const { list } = await organizationWith('mine');
    for (const q of [value.slice(-4), id])
      expect((await list(`?q=${q}&count=true`)).cursors).toMatchObject({ total: 0 });
  });

  test('sorts by age, expiry and label', async () => {
    const { acme, list } = await organizationWith('beta', 'Alpha', 'gamma');
    const expire = (label: string, days: number) =>
      service
        .db('api_keys')
        .where({ organization_id: acme.id, label })
        .update({ expires_at: new Date(service.clock().getTime() + days * 86_400_000) });
    await expire('gamma', 1);
    await expire('Alpha', 2);
    expect((await list('?sort=-created_at')).labels).toEqual(['gamma', 'Alpha', 'beta']);
    expect((await list('?sort=created_at')).labels).toEqual(['beta', 'Alpha', 'gamma']);
    expect((await list('?sort=expires_at')).labels).toEqual(['gamma', 'Alpha', 'beta']);
    expect((await list('?sort=label')).labels).toEqual(['Alpha', 'beta', 'gamma']);
  });

  test('counts what the filters find, on every page, only when asked', async () => {
    const { list } = await organizationWith('a1', 'b1', 'a2', 'a3');
    const first = await list('?q=a&limit=2&count=true');
    expect(first.cursors).toMatchObject({ total: 3 });
    const second = await list(`?q=a&limit=2&count=true&after=${first.cursors.after}`);
    expect([second.labels, second.cursors]).toMatchObject([['a1'], { total: 3 }]);
    expect((await list('?count=false')).cursors).toEqual({ before: null, after: null });
  });

  test.each([
    ['%', '100%'],
    ['_', 'a_b'],
    ['\\', 'back\\slash'],
    ["'", "it's"],
  ])('treats %s in q literally', async (character, label) => {
    const { list } = await organizationWith('100', 'aXb', 'backslash', 'its', label);
    expect((await list(`?q=${encodeURIComponent(character)}`)).labels).toEqual([label]);
  });

  test('filters by permission set', async () => {
    const { list, owner } = await organizationWith('reads');
    await createKey(service, owner, { label: 'everything', permission_set: 'full_access' });
    expect((await list('?permission_set=full_access')).labels).toEqual(['everything']);
    expect((await list('?permission_set=read_only')).labels).toEqual(['reads']);
    expect((await list('?permission_set=submit_observe')).labels).toEqual([]);
  });

  test('filters by status, with expiry judged by the clock', async () => {
    const { list, acme, owner, ids } = await organizationWith('active', 'revoked');
    const expiresAt = new Date(service.clock().getTime() + 60_000).toISOString();
    await createKey(service, owner, { label: 'expiring', expires_at: expiresAt });
    await call(service, 'DELETE', `/v1/api-keys/${ids[1]}`, { token: owner });
    expect((await list('?status=active')).labels).toEqual(['expiring', 'active']);
    service.clock.advance(60_000);
    expect((await list('?status=active')).labels).toEqual(['active']);
    expect((await list('?status=expired')).labels).toEqual(['expiring']);
    expect((await list('?status=revoked')).labels).toEqual(['revoked']);
    expect((await list()).data.map(({ status }) => status)).toEqual(['expired', 'revoked', 'active']);
    expect(acme.id).toMatch(/^org_/);
  });

  test('shows no key of another organization', async () => {
    const { list } = await organizationWith('mine');
    await organizationWith('theirs');
    expect((await list('?q=e')).labels).toEqual(['mine']);
  });

  test('shows no row without a key at WorkOS', async () => {
    const { list, owner } = await organizationWith('made');
    service.workos.faults.add({ kind: 'status', status: 503, method: 'POST', path: '/organizations/:id/api_keys' });
    const refused = await call(service, 'POST', '/v1/api-keys', {
      token: owner,
      body: { label: 'not made', permission_set: 'read_only' },
    });
    expect(outcome(refused)).toEqual([503, 'workos_unavailable']);
    expect((await list()).labels).toEqual(['made']);
  });

  test.each([
    ['?limit=0', 'limit'],
    ['?limit=101', 'limit'],
    ['?limit=-1', 'limit'],
    ['?limit=1e1', 'limit'],
    ['?limit=', 'limit'],
    ['?limit=1&limit=2', 'limit'],
    ['?status=provisioning', 'status'],
    ['?status=active&status=revoked', 'status'],
    ['?permission_set=admin', 'permission_set'],
    ['?q=', 'q'],
    ['?q=%00', 'q'],
    [`?q=${'x'.repeat(101)}`, 'q'],
    ['?after=api_key_made_up', 'after'],
    ['?before=api_key_made_up', 'before'],
    ["?after=' or 1=1 --", 'after'],
    ['?after=', 'after'],
    ['?sort=name', 'sort'],
    ['?sort=-label', 'sort'],
    ['?sort=label&sort=label', 'sort'],
    ['?count=yes', 'count'],
    ['?count=', 'count'],
    ['?offset=3', 'offset'],
    ['?__proto__=x', '__proto__'],
  ])('returns 400 on the field for %s', async (query, field) => {
    const acme = await service.organizations.add();
    const answer = await call(service, 'GET', `/v1/api-keys${query}`, { token: await acme.session() });
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect(Object.keys(answer.body.error.details?.['fields'] as object)).toEqual([field]);
  });

  test('returns 400 for a page in both directions', async () => {
    const { owner, ids } = await organizationWith('1');
    const answer = await call(service, 'GET', `/v1/api-keys?after=${ids[0]}&before=${ids[0]}`, { token: owner });
    expect(outcome(answer)).toEqual([400, 'validation_error']);
  });

  test("returns the same 400 for another organization's cursor as for an invented one", async () => {
    const { ids } = await organizationWith('theirs');
    const { owner } = await organizationWith('mine');
    const theirs = await call(service, 'GET', `/v1/api-keys?after=${ids[0]}`, { token: owner });
    const madeUp = await call(service, 'GET', '/v1/api-keys?after=api_key_made_up', { token: owner });
    expect(outcome(theirs)).toEqual([400, 'validation_error']);
    expect(theirs.body.error.details).toEqual(madeUp.body.error.details);
  });

  test('returns 403 to a member without apikeys:read', async () => {
    const { acme } = await organizationWith('1');
    const answer = await call(service, 'GET', '/v1/api-keys', { token: await acme.session('member') });
    expect(outcome(answer)).toEqual([403, 'permission_denied']);
  });

  test('pages in both directions through the few of thousands of keys that match a filter', async () => {
    const { acme, list } = await organizationWith();
    await service.db.raw(
      `insert into api_keys (organization_id, id, workos_id, origin, status, label, metadata, permission_set, scopes, prefix,
       hash_key, created_by_kind, created_by_id, created_at, updated_at)
     select :organization, lpad(i::text, 26, '0'), 'api_key_' || :organization || i, 'workos', 'active',
       case when i in (1, 1500, 1501, 1502, 2499) then 'wanted ' else 'other ' end || i, '{}', 'read_only', '{workspace:read}',
       'sk_...', '', 'workos', 'workos', now() - (2500 - i) * interval '1 second', now()
     from generate_series(1, 2500) i`,
      { organization: acme.id },
    );
    const newest = await list('?q=wanted&limit=2');
    expect(newest.labels).toEqual(['wanted 2499', 'wanted 1502']);
    const middle = await list(`?q=wanted&limit=2&after=${newest.cursors.after}`);
    expect(middle.labels).toEqual(['wanted 1501', 'wanted 1500']);
    const oldest = await list(`?q=wanted&limit=2&after=${middle.cursors.after}`);
    expect([oldest.labels, oldest.cursors.after]).toEqual([['wanted 1'], null]);
    expect((await list(`?q=wanted&limit=2&before=${oldest.cursors.before}`)).labels).toEqual(middle.labels);
    expect(await list(`?q=wanted&limit=2&before=${middle.cursors.before}`)).toEqual(newest);
    expect((await list('?q=wanted')).labels).toHaveLength(5);
    expect((await list('?q=absent')).labels).toEqual([]);
  });
});
