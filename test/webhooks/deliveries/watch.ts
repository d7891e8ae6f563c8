import { beforeEach } from 'vitest';
import { call, createKey } from '../../support/api.ts';
import { SERVICE_TOKEN } from '../../support/service.ts';
import type { Organization } from '../../support/organizations.ts';
import { startReceiver } from '../receiver.ts';
import { deliver, startWebhookService } from '../webhook-service.ts';

export const PATH = '/v1/webhook-deliveries';
const DAY = 24 * 60 * 60_000;

/** Service tokens of fewer scopes than all. */
export const TOKENS = { billing: 'svc_of_billing', reads: 'svc_that_reads', writes: 'svc_that_writes' };

type More = { token?: string; headers?: Record<string, string> };

/** The whole service with two endpoints and audit forwarding, and a new organization for each test. */
export async function startWatching() {
  const crm = await startReceiver();
  const secrets = [crm.secret];
  const service = await startWebhookService({
    endpoints: [
      { name: 'crm', url: `${crm.url}/a-secret-path?token=a-secret-token`, secrets },
      { name: 'audit', url: crm.url, secrets, events: ['api_key.revoked'] },
    ],
    auditForwarding: true,
    env: {
      LATCHKEY_KEY_CHANGES_PER_MINUTE: '20',
      LATCHKEY_SERVICE_TOKENS: [
        SERVICE_TOKEN,
        `${TOKENS.billing}:billing:read+billing:write`,
        `${TOKENS.reads}:webhooks:read`,
        `${TOKENS.writes}:webhooks:write`,
      ].join(','),
    },
  });
  const state: { acme?: Organization } = {};
  beforeEach(async () => {
    state.acme = await service.organizations.add();
    crm.answerWith(() => 200);
  });

  const acme = () => state.acme!;
  const ask = async (method: string, path: string, more: More = {}) =>
    call(service, method, path, { token: await acme().session('owner'), ...more });
  const list = async (query = '') => (await ask('GET', PATH + query)).body.data;
  return {
    crm,
    service,
    acme,
    ask,
    list,
    get: async (id: unknown) => (await ask('GET', `${PATH}/${String(id)}`)).body,
    replay: (id: unknown, more: More = {}) => ask('POST', `${PATH}/${String(id)}/replay`, more),
    replays: () =>
      service.db('audit_events').where({ organization_id: acme().id, action: 'webhook_delivery.replayed' }),

    /** Makes a key, whose delivery fails until it is given up. */
    async failedDelivery(): Promise<string> {
      await createKey(service, await acme().session());
      crm.answerWith(() => 500);
      await deliver(service);
      service.clock.advance(3 * DAY);
      await deliver(service);
      crm.answerWith(() => 200);
      const [delivery] = await list('?status=failed');
      return String(delivery?.['id']);
    },
  };
}
