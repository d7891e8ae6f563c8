import { expect, it } from 'vitest';
import { AUDIT_ACTIONS } from '../../../src/audit/audit-event.ts';
import { call, createKey } from '../../support/api.ts';
import { atWorkos } from '../../support/at-workos.ts';
import { deliver, registerAuditSchemas, startWebhookService } from '../webhook-service.ts';

const service = await startWebhookService({ auditForwarding: true });
service.workos.behave({ audit_schemas: 'required' });
const register = () => registerAuditSchemas(service);
const keptOf = (organizationId: string) =>
  service.workos.auditEvents().filter(({ organization_id: id }) => id === organizationId);
const keyIn = async () => {
  const acme = await service.organizations.add();
  await createKey(service, await acme.session());
  await deliver(service, 'workos');
  return acme.id;
};

it('registers missing schemas once, after which WorkOS accepts events with their version', async () => {
  expect(keptOf(await keyIn())).toEqual([]);
  const own = '/audit_logs/actions/organization.created/schemas';
  await atWorkos(service, 'POST', own, { targets: [{ type: 'their_own' }] });
  const first = await register();
  expect(first.map(({ action }) => action)).toEqual([...AUDIT_ACTIONS]);
  expect(first.filter(({ outcome }) => outcome !== 'registered')).toEqual([
    { action: 'organization.created', outcome: 'other_targets', version: 1 },
  ]);
  expect((await register()).filter(({ outcome }) => outcome === 'registered')).toEqual([]);
  const [event, ...others] = keptOf(await keyIn());
  expect([event?.event, others]).toMatchObject([{ action: 'api_key.created', version: 1 }, []]);
});

it('registers CI policies as what happens in CI is about', async () => {
  await register();
  const acme = await service.organizations.add();
  const body = { name: 'deploy', issuer: 'github', permission_sets: ['read_only'], when: { repository_id: '1' } };
  const made = await call(service, 'POST', '/v1/ci/policies', { token: await acme.session(), body });
  expect(made.status).toBe(201);
  await deliver(service, 'workos');
  expect(keptOf(acme.id)).toMatchObject([{ event: { action: 'ci_policy.created', targets: [{ type: 'ci_policy' }] } }]);
});
