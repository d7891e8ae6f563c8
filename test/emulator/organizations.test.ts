import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import type { Answer } from './harness.ts';
import { call, createKey, sdk, startDemo, validate } from './harness.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo();
});
afterAll(() => emulator.close());

const create = (body: object): Promise<Answer> => call(emulator, 'POST', '/organizations', { body });
const update = (id: string, body: object): Promise<Answer> => call(emulator, 'PUT', `/organizations/${id}`, { body });

const search = async (query: string): Promise<string[]> =>
  (await call(emulator, 'GET', `/organizations?${query}`)).body.data.map(({ id }: { id: string }) => id);

describe('organizations', () => {
  it('lists the demo, newest first', async () => {
    const { body } = await call(emulator, 'GET', '/organizations');
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual([
      'org_umbrella',
      'org_initech',
      'org_hooli',
      'org_globex',
      'org_acme',
    ]);
  });

  it('finds organizations by part of the name and by domain', async () => {
    const { body: created } = await create({
      name: 'Domain Owner',
      domain_data: [{ domain: 'owner.test', state: 'verified' }],
    });
    expect(await search('search=ACM')).toEqual(['org_acme']);
    expect(await search('domains=nobody.test,owner.test')).toEqual([created.id]);
  });

  it('creates, changes and reads back by id and external id', async () => {
    const { status, body } = await create({ name: 'New', external_id: 'ours-1', metadata: { tier: 'gold' } });
    expect(status).toBe(201);
    expect(body.id).toMatch(/^org_[0-9A-Z]{26}$/);
    const changed = await update(body.id, { stripe_customer_id: 'cus_1', metadata: { tier: null, size: 'xl' } });
    expect(changed.body).toMatchObject({
      name: 'New',
      external_id: 'ours-1',
      stripe_customer_id: 'cus_1',
      metadata: { size: 'xl' },
    });
    expect((await call(emulator, 'GET', '/organizations/external_id/ours-1')).body).toEqual(changed.body);
    expect((await call(emulator, 'GET', `/organizations/${body.id}`)).body).toEqual(changed.body);
  });

  it('accepts a Stripe customer on update only', async () => {
    expect((await create({ name: 'No Stripe yet', stripe_customer_id: 'cus_x' })).body).not.toHaveProperty(
      'stripe_customer_id',
    );
  });

  it('refuses ids that another organization uses with 400', async () => {
    const { body: first } = await create({ name: 'First', external_id: 'taken' });
    await update(first.id, { stripe_customer_id: 'cus_taken' });
    expect(await create({ name: 'Second', external_id: 'taken' })).toMatchObject({
      status: 400,
      body: { code: 'external_id_already_used' },
    });
    expect(await update('org_acme', { stripe_customer_id: 'cus_taken' })).toMatchObject({
      status: 400,
      body: { code: 'stripe_customer_id_already_used' },
    });
    expect(await update(first.id, { external_id: 'taken' })).toMatchObject({ status: 200 });
  });

  it('refuses too much metadata with 400 and a missing name with 422', async () => {
    expect(await create({ name: 'x', metadata: { ['k'.repeat(41)]: 'v' } })).toMatchObject({
      status: 400,
      body: { code: 'invalid_metadata' },
    });
    expect(await create({})).toMatchObject({ status: 422 });
  });

  it('returns 404 for an unknown organization', async () => {
    for (const [method, path] of [
      ['GET', '/organizations/org_x'],
      ['PUT', '/organizations/org_x'],
      ['DELETE', '/organizations/org_x'],
      ['GET', '/organizations/external_id/x'],
    ] as const) {
      expect(await call(emulator, method, path, method === 'PUT' ? { body: { name: 'x' } } : {})).toMatchObject({
        status: 404,
      });
    }
  });

  it('deletes an organization with its keys', async () => {
    const { body } = await create({ name: 'Short-lived' });
    const key = await createKey(emulator, {}, body.id);
    expect(await call(emulator, 'DELETE', `/organizations/${body.id}`)).toMatchObject({ status: 202 });
    expect(await validate(emulator, key.value)).toBeNull();
    expect(await call(emulator, 'GET', `/organizations/${body.id}`)).toMatchObject({ status: 404 });
  });

  it('works through the official SDK', async () => {
    const { organizations } = sdk(emulator);
    const created = await organizations.createOrganization({ name: 'By the SDK', externalId: 'sdk-1' });
    expect(await organizations.getOrganizationByExternalId('sdk-1')).toMatchObject({ id: created.id });
    await organizations.updateOrganization({ organization: created.id, name: 'Renamed' });
    expect(await organizations.getOrganization(created.id)).toMatchObject({ name: 'Renamed', externalId: 'sdk-1' });
    await organizations.deleteOrganization(created.id);
    await expect(organizations.getOrganization(created.id)).rejects.toMatchObject({ status: 404 });
  });
});
