import { describe, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import type { Organization } from '../support/organizations.ts';
import { startService } from '../support/service.ts';
import { takeWorkosDown } from '../support/workos-faults.ts';

const DAY_MS = 24 * 60 * 60_000;
const service = await startService();

const review = async (acme: Organization): Promise<Answer> =>
  call(service, 'GET', '/v1/access-review', { token: await acme.session() });
const inAYear = () => new Date(service.clock().getTime() + 365 * DAY_MS).toISOString();
const make = async (acme: Organization, label: string) =>
  createKey(service, await acme.session(), { label, expires_at: inAYear() });

describe('GET /v1/access-review, about creators who have no row of a member', () => {
  test('finds keys of people who left before their organization had rows of members', async () => {
    const acme = await service.organizations.add();
    const left = await acme.session('operator', { sub: 'user_long_gone' });
    await createKey(service, left, { label: 'of one who left', expires_at: inAYear() });
    await make(acme, "the owner's");
    expect(await service.db('members').where({ organization_id: acme.id })).toEqual([]);
    const first = await review(acme);
    expect([first.body.data, first.body['unknown_creators']]).toEqual([[], 2]);
    await service.background.runOnce('members');
    const asked = service.workos.requests().length;
    const second = await review(acme);
    expect(second.body.data).toMatchObject([{ label: 'of one who left', findings: ['creator_left'] }]);
    expect(second.body['unknown_creators']).toBe(0);
    await service.background.runOnce('members');
    expect(service.workos.requests()).toHaveLength(asked);
    const csv = await call(service, 'GET', '/v1/access-review/export', { token: await acme.session() });
    expect(String(csv.body['csv'])).toContain('creator_left');
  });

  test('asks WorkOS again about a creator while it does not answer, and says that it is not known', async () => {
    const acme = await service.organizations.add();
    await make(acme, 'of a member');
    takeWorkosDown(service);
    try {
      await review(acme);
      await service.background.runOnce('members');
      expect((await review(acme)).body).toMatchObject({ data: [], unknown_creators: 1 });
    } finally {
      service.workos.faults.clear();
    }
    service.clock.advance(60_000);
    await service.background.runOnce('members');
    expect((await review(acme)).body).toMatchObject({ data: [], unknown_creators: 0 });
  });

  test('has WorkOS asked about 200 creators at a review, and not about impersonators', async () => {
    const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
    const key = await make(acme, 'one of many');
    const [row] = await service.db('api_keys').where({ workos_id: key.id });
    const rowOf = (n: number, creator: string) => ({
      ...row,
      id: `${String(row.id).slice(0, -4)}${String(n).padStart(4, '0')}`,
      workos_id: `api_key_${acme.name}_${n}`,
      secret_hash: Buffer.from(`${acme.name} ${n}`.padEnd(32, ' ')),
      created_by_id: creator,
      metadata: JSON.stringify(row.metadata),
    });
    await service.db('api_keys').insert(Array.from({ length: 250 }, (_, n) => rowOf(n, `user_many_${n}`)));
    await service.db('api_keys').insert(rowOf(999, 'helper@staff.example'));
    const rows = () => service.db('members').where({ organization_id: acme.id }).pluck<string[]>('user_id');
    expect((await review(acme)).body['unknown_creators']).toBe(251);
    expect(await rows()).toHaveLength(200);
    await review(acme);
    expect(await rows()).toHaveLength(251);
    expect(await rows()).not.toContain('helper@staff.example');
    await service.db('members').where({ organization_id: acme.id }).delete();
  });
});
