import { describe, expect, test } from 'vitest';
import type { Product } from '../../src/client/client.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import type { Options } from '../support/service.ts';

const service = await startService({ LATCHKEY_IDEMPOTENCY_WINDOW_MS: '90500' });
const productOf = (name: string) => readProduct(new URL(`../../examples/systems/${name}.yaml`, import.meta.url));
const shownFor = (name: string) => shownWith(productOf(name));
async function shownWith(product: NonNullable<Options['product']>) {
  const other = await startService({}, { product });
  const token = await (await other.organizations.add()).session('member');
  return (await call(other, 'GET', '/v1/product', { token })).body;
}

test.each(['POST /v1/tasks', 'GET /v1/tasks', 'POST /v1/tasks/a/renew', 'DELETE /v1/tasks/a'])(
  '%s is 404 route_not_found where the product has no tasks',
  async (route) => {
    const [method = '', path = ''] = route.split(' ');
    const asked = await call(service, method, path, { token: SERVICE_TOKEN });
    expect(outcome(asked)).toEqual([404, 'route_not_found']);
  },
);

describe('GET /v1/product', () => {
  test('shows what the product offers, with defaults for what its file does not say', async () => {
    const acme = await service.organizations.add();
    const answer = await call(service, 'GET', '/v1/product', { token: await acme.session('member') });
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        name: 'Evershell',
        key_prefix: null,
        owners: ['organization'],
        keys_per_user: null,
        environments: ['live'],
        permission_sets: true,
        chosen_scopes: false,
        expiry: { default_days: null, max_days: null, extendable: false },
        rotation: { max_grace_seconds: 604_800, renews_expiry: false },
        show_again: true,
        idempotency_seconds: 90,
        inactivity_minutes: null,
        webhook_deliveries: null,
        tasks: null,
        ci: {
          audience: 'https://keys.evershell.example',
          guide_url: null,
          issuers: [
            {
              name: 'github',
              kind: 'github',
              url: service.workos.ciIssuer('github'),
              needs_organization: false,
              pins: [
                { claims: ['repository_id'], with_more: false },
                { claims: ['repository_owner_id'], with_more: true },
              ],
              claims: expect.arrayContaining(['repository', 'event_name', 'environment']),
              refused: { event_name: ['pull_request_target', 'workflow_run'] },
              companions: {},
            },
            expect.objectContaining({ name: 'gitlab', kind: 'gitlab', companions: { ref: 'ref_type' } }),
          ],
          reserved_claims: ['iss', 'aud', 'exp', 'iat', 'nbf', 'jti'],
          permission_sets: ['full_access', 'submit_observe', 'read_only'],
          scopes: [],
          environments: ['live'],
          lifetime_seconds: { min: 60, default: 3_600, max: 86_400 },
          active_keys: { default: 5, max: 10_000 },
          max_policies: 100,
        },
        console: {
          section: 'API keys',
          create: 'Create API key',
          variable: 'EVERSHELL_API_KEY',
          header: 'Authorization: Bearer',
          base_url: null,
          revoke: 'button',
        },
      },
    ]);
  });

  test('shows the rules and the words of Mixus', async () => {
    expect(await shownFor('mixus')).toMatchObject({
      key_prefix: 'mxs_eval_',
      ci: null,
      owners: ['user'],
      keys_per_user: { limit: 10, within: 'everywhere' },
      permission_sets: false,
      chosen_scopes: true,
      expiry: { default_days: 90, max_days: 365, extendable: true },
      show_again: false,
      tasks: { max: 10, per: 'owner', default_seconds: 300, longest_seconds: 3_600 },
      console: { section: 'mixus API Keys', create: 'Generate API Key', revoke: 'trash', variable: 'MIXUS_API_KEY' },
    });
  });

  test('shows the minutes after which a session of Embermind ends, and its header', async () => {
    expect(await shownFor('embermind')).toMatchObject({
      inactivity_minutes: 30,
      console: { section: 'Admin Panel', header: 'x-api-key', base_url: 'https://api.embermind.ch' },
    });
  });

  test('shows what policies of other CI issuers may have', async () => {
    const shown = await shownWith({
      chosen_scopes: ['tasks:write'],
      ci: {
        audience: 'https://keys.example.com',
        guide_url: 'https://docs.example.com/ci',
        issuers: [
          'circleci',
          { name: 'ghes', like: 'github', url: 'https://github.example.com/_services/token' },
          { name: 'builds', url: 'https://ci.example.com', pins: ['project', 'team'], algorithm: 'ES256' },
        ],
      },
    });
    const ci = shown['ci'] as NonNullable<Product['ci']>;
    const [circleci, ghes, builds] = ci.issuers;
    expect(ci).toMatchObject({ guide_url: 'https://docs.example.com/ci', scopes: ['tasks:write'] });
    expect(circleci).toMatchObject({ kind: 'circleci', needs_organization: true });
    expect(circleci!.url).toMatch(/\/org\/\{organization\}$/);
    expect(ghes).toMatchObject({ name: 'ghes', kind: 'github', url: 'https://github.example.com/_services/token' });
    expect(builds).toMatchObject({ kind: 'own', pins: [{ claims: ['project', 'team'], with_more: false }] });
  });

  test('answers every caller of an organization in every posture', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session('owner'));
    const late = await service.organizations.add({ status: 'past_due' });
    for (const token of [await acme.machineToken(''), key.value, await late.session('member')])
      expect(outcome(await call(service, 'GET', '/v1/product', { token }))).toEqual([200, undefined]);
  });

  test('returns 401 without a credential, and 403 to a service token', async () => {
    expect(outcome(await call(service, 'GET', '/v1/product'))).toEqual([401, 'credential_missing']);
    const byService = await call(service, 'GET', '/v1/product', { token: SERVICE_TOKEN });
    expect(outcome(byService)).toEqual([403, 'permission_denied']);
  });

  test('returns 400 for a parameter that it does not have', async () => {
    const token = await (await service.organizations.add()).session();
    const answer = await call(service, 'GET', '/v1/product?section=Keys', { token });
    expect(outcome(answer)).toEqual([400, 'validation_error']);
  });
});
