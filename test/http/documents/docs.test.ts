import { createConfig, lintFromString } from '@redocly/openapi-core';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../../../src/errors.ts';
import { WEBHOOK_TYPES } from '../../../src/product/webhook-types.ts';
import { call, outcome } from '../../support/api.ts';
import { startService } from '../../support/service.ts';

type Schema = {
  enum?: string[];
  properties?: Record<string, Schema>;
  maxLength?: number;
  additionalProperties?: unknown;
};
type Response = { description: string; headers?: object; content?: Record<string, { schema: { $ref?: string } }> };
type Operation = {
  operationId: string;
  summary?: string;
  description?: string;
  responses: Record<string, Response>;
  parameters?: { name: string; in: string }[];
};
type Document = {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<
    string,
    Record<string, Operation & { requestBody?: { content: Record<string, { schema: object }> } }>
  >;
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, object> };
};

const service = await startService();
const text = async (path: string) => (await fetch(`${service.url}${path}`)).text();
const assetPaths = async () => [...(await text('/docs')).matchAll(/"(\/docs\/[^"]+)"/g)].map(([, path]) => path!);
const source = await text('/openapi.json');
const document = JSON.parse(source) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
);

describe('GET /openapi.json', () => {
  test('passes a public linter with its recommended rules', async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
    const errors = problems.filter(({ severity, ignored }) => severity === 'error' && ignored !== true);
    expect(errors.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([]);
  });

  test('fails the linter for a document with a fault', async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const broken = JSON.stringify({ ...document, info: {} });
    const problems = await lintFromString({ source: broken, absoluteRef: 'openapi.json', config });
    expect(problems.some(({ severity }) => severity === 'error')).toBe(true);
  });

  test('is OpenAPI 3.1 and names every public route', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(operations.map(([name]) => name)).toEqual(
      expect.arrayContaining([
        'post /v1/api-keys',
        'get /v1/api-keys',
        'get /v1/api-keys/{id}',
        'patch /v1/api-keys/{id}',
        'delete /v1/api-keys/{id}',
        'get /v1/permission-sets',
        'get /v1/api-keys/permissions',
        'get /v1/me/session',
        'get /v1/organization',
        'get /v1/audit-events',
        'put /v1/organizations/{id}/billing',
        'get /healthz',
        'get /readyz',
      ]),
    );
  });

  test.each(operations)('gives %s a name, a summary, one success and enveloped errors', (_name, operation) => {
    expect(operation.operationId).toMatch(/^[a-z][A-Za-z]+$/);
    expect(operation.summary).toMatch(/^[A-Z]/);
    const statuses = Object.keys(operation.responses);
    expect(statuses.filter((status) => status.startsWith('2'))).toHaveLength(1);
    for (const [status, response] of Object.entries(operation.responses)) {
      expect(response.headers).toHaveProperty('x-request-id');
      if (status.startsWith('2')) continue;
      expect(response.content?.['application/json']?.schema.$ref).toBe('#/components/schemas/Error');
      for (const [, code] of response.description.matchAll(/`(\w+)`/g)) expect(ERROR_CODES).toContain(code);
    }
  });

  test('has the closed lists of the product and of the errors', () => {
    const { schemas, securitySchemes } = document.components;
    expect(schemas['PermissionSetName']?.enum).toEqual(['full_access', 'submit_observe', 'read_only']);
    expect(schemas['Error']?.properties?.['error']?.properties?.['code']?.enum).toEqual(ERROR_CODES);
    expect(schemas['CreateApiKey']?.properties?.['label']?.maxLength).toBe(100);
    expect(schemas['CreateApiKey']?.additionalProperties).toBe(false);
    expect(Object.keys(securitySchemes)).toEqual(
      expect.arrayContaining(['bearer', 'apiKey', 'accessToken', 'sessionCookie', 'serviceToken']),
    );
  });

  test('returns a secret only from routes that create one', () => {
    const { schemas } = document.components;
    const withValue = Object.entries(schemas).filter(([, schema]) => schema.properties?.['value']);
    expect(withValue.map(([name]) => name)).toEqual(['CreatedApiKey']);
  });

  test('documents the statuses of create', () => {
    const create = document.paths['/v1/api-keys']?.['post'];
    expect(Object.keys(create?.responses ?? {})).toEqual(
      expect.arrayContaining(['201', '400', '401', '403', '409', '413', '415', '423', '502', '503']),
    );
    expect(create?.description).toContain('apikeys:write');
  });

  test("has a webhook for every outgoing event, with the API's key in it", () => {
    const { webhooks } = document;
    expect(Object.keys(webhooks)).toEqual([...WEBHOOK_TYPES]);
    const { requestBody, parameters = [] } = webhooks['api_key.expiring']!['post']!;
    expect(parameters.map(({ name }) => name)).toEqual(['webhook-id', 'webhook-timestamp', 'webhook-signature']);
    expect(requestBody?.content['application/json']?.schema).toMatchObject({
      properties: { data: { properties: { api_key: { $ref: '#/components/schemas/NoticedApiKey' } } } },
    });
    const { ApiKey, NoticedApiKey } = document.components.schemas;
    expect(Object.keys(ApiKey?.properties ?? {})).toEqual(
      expect.arrayContaining(Object.keys(NoticedApiKey?.properties ?? {})),
    );
  });

  test('describes the query parameters of every list', () => {
    const list = document.paths['/v1/api-keys']?.['get'];
    expect((list?.parameters ?? []).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['limit', 'after', 'before', 'status', 'permission_set', 'q', 'organization_id']),
    );
  });
});

describe('GET /docs', () => {
  // The linter held the event loop: connections that the service closed meanwhile are noticed first.
  beforeAll(() => sleep(100));

  test('loads files of this service alone', async () => {
    const html = await text('/docs');
    const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => String(address));
    expect(addresses.toSorted()).toEqual([
      expect.stringMatching(/^\/docs\/swagger-ui-[0-9a-f]{12}\.css$/),
      expect.stringMatching(/^\/docs\/swagger-ui-bundle-[0-9a-f]{12}\.js$/),
      'data:,',
    ]);
    expect(html).not.toMatch(/https?:\/\/|\/\/\w/);
    for (const path of await assetPaths()) {
      const { status, headers, body } = await fetch(`${service.url}${path}`);
      expect([status, headers.get('content-type')?.split(';')[0]]).toEqual([
        200,
        path.endsWith('.js') ? 'text/javascript' : 'text/css',
      ]);
      await body?.cancel();
    }
  });

  test('has a style that fetches nothing from elsewhere', async () => {
    const css = await text((await assetPaths()).find((path) => path.endsWith('.css'))!);
    expect(css).not.toMatch(/@import/);
    expect([...css.matchAll(/url\((?!["']?data:)[^)]*\)/g)].map(([url]) => url)).toEqual([]);
  });

  test('may run no other script, and reach no other service, by its policy', async () => {
    const { headers } = await call(service, 'GET', '/openapi.json');
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    const response = await fetch(`${service.url}/docs`);
    const policy = Object.fromEntries(
      String(response.headers.get('content-security-policy'))
        .split(';')
        .map((directive): [string, string] => [directive.split(' ')[0] ?? '', directive.split(' ').slice(1).join(' ')]),
    );
    expect(policy).toMatchObject({
      'default-src': "'self'",
      'script-src': expect.stringMatching(/^'self' 'sha256-[\w+/]{43}='$/),
      'script-src-attr': "'none'",
      'object-src': "'none'",
      'base-uri': "'self'",
      'frame-ancestors': "'self'",
      'form-action': "'self'",
      'img-src': "'self' data:",
    });
    expect(policy).not.toHaveProperty('connect-src');
    expect(policy).not.toHaveProperty('upgrade-insecure-requests');
    expect(JSON.stringify(policy)).not.toMatch(/http|\*|unsafe-eval/);
  });

  test('has the inline script that its policy names', async () => {
    const response = await fetch(`${service.url}/docs`);
    const script = /<script>([^<]+)<\/script>/.exec(await response.text())?.[1] ?? '';
    const hash = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(script))).toString('base64');
    expect(script).toContain('/openapi.json');
    expect(response.headers.get('content-security-policy')).toContain(`'sha256-${hash}'`);
  });
});

const get = (path: string, headers: Record<string, string>) => rawBytes(service, path, headers);
const kept = async (path: string) => (await get(path, {})).headers['cache-control'];

describe('prepared answers', () => {
  test('are sent compressed, once to each client, and uncompressed to one without gzip', async () => {
    for (const path of ['/openapi.json', '/docs', ...(await assetPaths())]) {
      const packed = await get(path, { 'accept-encoding': 'gzip, br' });
      expect([packed.status, packed.headers['content-encoding'], packed.headers['vary']]).toEqual([
        200,
        'gzip',
        'accept-encoding',
      ]);
      const plain = await get(path, { 'accept-encoding': 'identity' });
      expect(plain.headers).not.toHaveProperty('content-encoding');
      expect(gunzipSync(packed.body).equals(plain.body)).toBe(true);
      expect((await get(path, { 'accept-encoding': 'gzip;q=0' })).headers).not.toHaveProperty('content-encoding');
      const etag = String(packed.headers['etag']);
      for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
        const again = await get(path, { 'if-none-match': known });
        expect([again.status, again.body.length, again.headers['etag']]).toEqual([304, 0, etag]);
      }
      expect((await get(path, { 'if-none-match': '"x"' })).status).toBe(200);
    }
  });

  test('are named after their content if cached for ever, and revalidated if not', async () => {
    expect(await kept('/openapi.json')).toBe('no-cache');
    expect(await kept('/docs')).toBe('no-cache');
    for (const path of await assetPaths()) {
      expect(await kept(path)).toBe('public, max-age=31536000, immutable');
      const put = await call(service, 'PUT', path);
      expect(outcome(put)).toEqual([405, 'method_not_allowed']);
    }
    expect(outcome(await call(service, 'GET', '/docs/swagger-ui-000000000000.css'))).toEqual([404, 'route_not_found']);
  });
});

type RawAnswer = { status: number; headers: IncomingHttpHeaders; body: Buffer };

/** With nothing unpacked on the way. */
function rawBytes({ url }: { url: string }, path: string, headers: Record<string, string>): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const outgoing = request(`${url}${path}`, { headers, agent: false }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
    );
  });
  outgoing.on('error', reject).end();
  return promise;
}
