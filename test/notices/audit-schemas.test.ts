import { expect, it } from 'vitest';
import { AUDIT_ACTIONS } from '../../src/audit/audit-event.ts';
import { makeRegisterAuditSchemas } from '../../src/notices/audit-schemas.ts';
import type { Registered } from '../../src/notices/audit-schemas.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { makeSdkGateway } from '../../src/workos/sdk-gateway.ts';
import { createKey } from '../support/api.ts';
import { atWorkos } from '../support/at-workos.ts';
import { COOKIE_PASSWORD } from '../support/service.ts';
import { deliver, startNoticeService } from './notice-service.ts';

const service = await startNoticeService({ auditForwarding: true });
service.workos.behave({ audit_schemas: 'required' });
const { apiKey, clientId, url: apiUrl } = service.workos;
const gateway = makeSdkGateway({
  apiKey,
  clientId,
  apiUrl,
  cookiePassword: COOKIE_PASSWORD,
  timeoutMs: 2_000,
  breakerFailures: 5,
  workosCalls: makeMetrics().workosCalls,
});
async function register(): Promise<Registered[]> {
  const all = [];
  for await (const one of makeRegisterAuditSchemas(gateway)()) all.push(one);
  return all;
}
const keptOf = (organizationId: string) =>
  service.workos.auditEvents().filter(({ organization_id: id }) => id === organizationId);
const keyIn = async () => {
  const acme = await service.organizations.add();
  await createKey(service, await acme.session());
  await deliver(service, 'workos');
  return acme.id;
};

it('registers what is missing, once, after which events are taken with its version', async () => {
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
