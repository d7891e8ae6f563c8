import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const everything = { api: ['read', 'create', 'wind_down'], keys: ['read', 'create', 'wind_down'] } as const;
const service = await startService({}, { billing: { postures: { decommissioning: { ...everything } } } as never });

describe('POST /v1/api-keys', () => {
  test('creates no key after the organization was decommissioned, on a replica whose clock is two minutes behind', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    await createKey(service, owner);
    const at = new Date(service.clock().getTime() - 1_000).toISOString();
    const body = { status: 'decommissioning', decommission_at: at };
    await call(service, 'PUT', `/v1/organizations/${acme.id}/billing`, { token: SERVICE_TOKEN, body });
    await service.background.runOnce('decommission');
    service.clock.advance(-120_000);
    const wanted = { label: 'late', permission_set: 'read_only' };
    const answer = await call(service, 'POST', '/v1/api-keys', { token: owner, body: wanted });
    service.clock.advance(120_000);
    expect(outcome(answer)).toEqual([423, 'billing_inactive']);
  });
});
