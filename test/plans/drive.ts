import { call, createKey } from '../support/api.ts';
import type { Organization } from '../support/organizations.ts';
import { documentedRoutes } from '../security/routes-of-document.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import type { Service } from '../support/service.ts';

/** A token for staff. */
export const STAFF_TOKEN = 'svc_staff_of_the_plans';

type Request = { query?: readonly string[]; body?: object; headers?: Record<string, string> };

/** Every list with each of its filters, and what each route is asked besides; a route without a line is asked plainly. */
function requestsOf(acme: Organization, keyId: string, value: string): Record<string, Request> {
  const billing = { status: 'active' };
  const key = { organization_id: acme.id, api_key_id: keyId };
  const use = { key_id: keyId, organization_id: acme.id, code: 'valid', count: 1, at: new Date().toISOString() };
  return {
    'POST /v1/api-keys': {
      body: { label: 'of the plans', permission_set: 'read_only' },
      headers: { 'idempotency-key': 'plans' },
    },
    'GET /v1/api-keys': {
      query: [
        '',
        '?status=active',
        '?status=revoked',
        '?status=suspended',
        '?status=expired',
        '?permission_set=full_access',
        '?environment=test',
        '?owner=user',
        '?owner=organization',
        '?expires_before=2020-01-01T00:00:00Z',
        '?q=nothing',
        '?q=abcd',
        ...['created_at', 'expires_at', 'label'].flatMap((sort) => [`?sort=${sort}`, `?sort=${sort}&q=nothing`]),
        '?count=true',
        '?count=true&status=active&q=abcd',
      ],
    },
    'GET /v1/api-keys/usage': {
      query: [`?ids=${Array.from({ length: 100 }, (_, i) => `api_key_${i}`).join(',')}&interval=day`],
    },
    'GET /v1/organizations': {
      query: [
        '',
        '?posture=trial_expired',
        '?status=past_due',
        '?plan=scale',
        '?trial_ends_before=2020-01-01T00:00:00Z',
        '?q=nothing',
      ],
    },
    'POST /v1/api-keys/dry-run': { body: { label: 'judged', permission_set: 'read_only' } },
    'PATCH /v1/api-keys/{id}': { body: { label: 'renamed' } },
    'POST /v1/api-keys/{id}/rotate': { body: { grace_seconds: 60 } },
    'POST /v1/api-keys/{id}/suspend': { body: { reason: 'of the plans' } },
    'GET /v1/audit-events': {
      query: [
        '',
        '?action=api_key.rotated',
        '?action=session.refused',
        '?action=session.refused,api_key.rotated,api_key.created',
        '?from=2020-01-01T00:00:00Z&to=2021-01-01T00:00:00Z',
        `?from=${new Date(Date.now() - 3_600_000).toISOString()}&action=api_key.rotated`,
        '?target_id=api_key_17',
        '?actor_id=client_fill',
        '?actor_id=client_fill&action=api_key.revoked',
        '?actor_id=nobody',
        `?target_id=${acme.id}&action=organization.billing_changed`,
      ],
    },
    'GET /v1/webhook-deliveries': {
      query: [
        '',
        '?status=failed',
        '?status=retrying',
        '?type=api_key.unused',
        '?from=2020-01-01T00:00:00Z&to=2021-01-01T00:00:00Z',
      ],
    },
    'GET /v1/access-review': { query: ['', '?finding=creator_left', '?finding=unused,unused_scopes&limit=100'] },
    'GET /v1/audit-events/export': {
      query: ['', '?action=api_key.rotated&from=2020-01-01T00:00:00Z', '?actor_id=nobody&to=2999-01-01T00:00:00Z'],
    },
    'PUT /v1/organization/ip-allow-list': { body: { ip_allow_list: [] } },
    'POST /v1/auth/check-api-key': { body: {} },
    'POST /v1/auth/check-token': { body: {} },
    'POST /v1/api-keys/verify': { body: { key: value } },
    'PUT /v1/organizations/{id}/billing': { body: billing },
    'POST /v1/organizations/{id}/api-keys': { body: { label: 'by staff', permission_set: 'read_only' } },
    'GET /v1/organizations/{id}/api-keys': { query: ['', '?status=active&q=abcd', '?sort=label'] },
    'PUT /v1/organizations/{id}/ip-allow-list': { body: { ip_allow_list: [] } },
    'POST /v1/usage': { body: { uses: [use] } },
    'POST /v1/auth/login': { body: { email: 'nobody@example.com', password: 'wrong' } },
    'POST /v1/auth/refresh': { body: { refresh_token: 'none' } },
    'POST /v1/leases/{id}/release': { body: {} },
    'POST /v1/tasks': { body: { ...key, name: 'of_the_plans' } },
    'POST /v1/tasks/{name}/renew': { body: key },
    'GET /v1/tasks': { query: [`?${new URLSearchParams(key).toString()}`] },
    'DELETE /v1/tasks/{name}': { query: [`?${new URLSearchParams(key).toString()}`] },
  };
}

/** The last, since they end what others need. */
const ENDS = ['DELETE /v1/api-keys/{id}', 'DELETE /v1/organizations/{id}/api-keys/{key_id}', 'POST /v1/auth/logout'];
/** It does not end by itself, and reads nothing of tables. */
const STREAM = 'GET /v1/invalidations';

/** Asks every route of the document, each with every credential that it may take. @returns their names */
export async function driveRoutes(service: Service, acme: Organization): Promise<string[]> {
  const owner = await acme.session();
  const { id, value } = await createKey(service, owner);
  const requests = requestsOf(acme, id, value);
  const tokens = {
    tenant: [owner, await acme.machineToken('apikeys:write audit:read'), value],
    service: [SERVICE_TOKEN, STAFF_TOKEN],
  };
  const routes = await documentedRoutes(service);
  const order = routes.filter(({ name }) => !ENDS.includes(name) && name !== STREAM);
  for (const route of [...order, ...routes.filter(({ name }) => ENDS.includes(name))]) {
    const { query = [''], body, headers = {} } = requests[route.name] ?? {};
    const path = route.path
      .replace('{id}', route.access === 'service' ? acme.id : id)
      .replace('{delivery_id}', 'notice_0')
      .replace('{key_id}', id)
      .replace('{name}', 'of_the_plans');
    const credentials = route.access === 'public' ? [undefined] : tokens[route.access];
    for (const token of credentials) {
      for (const end of query) {
        const asked = { headers, ...(token !== undefined && { token }), ...(route.hasBody && body && { body }) };
        const { body: answer } = await call(service, route.method, path + end, asked);
        const after = answer.list_metadata?.after;
        if (after) await call(service, route.method, `${path}${end === '' ? '?' : `${end}&`}after=${after}`, asked);
      }
    }
  }
  return routes.map(({ name }) => name);
}
