import { expect, test } from 'vitest';
import { PASSWORD, addPerson, login, logout, tokensOf } from '../sessions/sign-in/sign-in.ts';
import { deliver, outboxOf, registerAuditSchemas, startWebhookService } from './webhook-service.ts';

const secrets = [`whsec_${Buffer.alloc(32, 7).toString('base64')}`];
const service = await startWebhookService({
  endpoints: [{ name: 'crm', url: 'http://127.0.0.1:9/', secrets }],
  auditForwarding: true,
  more: { sessions: { password_sign_in: true } },
});
await registerAuditSchemas(service);

type Kept = { organization_id: string; event: { action: string; actor: object; targets: object[]; metadata: object } };

test('forwards sign-ins and sign-outs to WorkOS Audit Logs, and to no endpoint', async () => {
  const { email, userId, organizations } = await addPerson(service);
  const organizationId = organizations[0]!;
  const tokens = tokensOf(await login(service, { email, password: PASSWORD }));
  await login(service, { email, password: 'wrong', organization_id: organizationId });
  await logout(service, tokens.access_token);
  const waiting = await outboxOf(service, organizationId);
  expect(waiting.map(({ endpoint, type }) => [endpoint, type])).toEqual([
    ['workos', 'session.created'],
    ['workos', 'session.refused'],
    ['workos', 'session.ended'],
  ]);
  await deliver(service, 'workos');
  const kept = service.workos.auditEvents() as unknown as Kept[];
  expect(kept.filter(({ organization_id: id }) => id === organizationId).map(({ event }) => event)).toMatchObject([
    {
      action: 'session.created',
      actor: { type: 'user', id: userId },
      targets: [{ type: 'session' }],
      context: { location: '127.0.0.1' },
      metadata: { credential: 'password' },
    },
    { action: 'session.refused', actor: { id: 'unknown' }, targets: [{ type: 'organization', id: organizationId }] },
    { action: 'session.ended', metadata: { user_id: userId, reason: 'signed_out' } },
  ]);
  const secret = [email, PASSWORD, tokens.access_token, tokens.refresh_token];
  for (const text of secret) expect(JSON.stringify([waiting, kept])).not.toContain(text);
  // No posture is looked at because somebody mistyped a password.
  expect(await service.db('notice_postures').where({ organization_id: organizationId })).toEqual([]);
});
