import { createConfig, lintFromString } from '@redocly/openapi-core';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../../src/errors.ts';
import { NOTICE_TYPES } from '../../src/permissions/notice-types.ts';
import { call } from '../support/api.ts';
import { startService } from '../support/service.ts';

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
const source = await text('/openapi.json');
const document = JSON.parse(source) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
);

describe('the document', () => {
  test('passes a public linter with its recommended rules', async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
    const errors = problems.filter(({ severity, ignored }) => severity === 'error' && ignored !== true);
    expect(errors.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([]);
  });

  test('a document with a fault does not pass', async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const broken = JSON.stringify({ ...document, info: {} });
    const problems = await lintFromString({ source: broken, absoluteRef: 'openapi.json', config });
    expect(problems.some(({ severity }) => severity === 'error')).toBe(true);
  });

  test('is OpenAPI 3.1 and names every route that the issue names', () => {
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

  test.each(operations)('%s has a name, a summary, one success and enveloped errors', (_name, operation) => {
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

  test('only creating answers with the secret', () => {
    const { schemas } = document.components;
    const withValue = Object.entries(schemas).filter(([, schema]) => schema.properties?.['value']);
    expect(withValue.map(([name]) => name)).toEqual(['CreatedApiKey']);
  });

  test('says which status create answers when', () => {
    const create = document.paths['/v1/api-keys']?.['post'];
    expect(Object.keys(create?.responses ?? {})).toEqual(
      expect.arrayContaining(['201', '400', '401', '403', '409', '413', '415', '423', '502', '503']),
    );
    expect(create?.description).toContain('apikeys:write');
  });

  test('has a webhook for every notice, whose key is the one of the API', () => {
    const { webhooks } = document;
    expect(Object.keys(webhooks)).toEqual([...NOTICE_TYPES]);
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

  test('describes a query parameter of every list', () => {
    const list = document.paths['/v1/api-keys']?.['get'];
    expect((list?.parameters ?? []).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['limit', 'after', 'before', 'status', 'permission_set', 'q', 'organization_id']),
    );
  });
});

describe('the page', () => {
  test('loads only what this service serves', async () => {
    const html = await text('/docs');
    const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => String(address));
    expect(addresses.toSorted()).toEqual(['/docs/swagger-ui-bundle.js', '/docs/swagger-ui.css', 'data:,']);
    expect(html).not.toMatch(/https?:\/\/|\/\/\w/);
    for (const path of ['/docs/swagger-ui-bundle.js', '/docs/swagger-ui.css']) {
      const { status, headers, body } = await fetch(`${service.url}${path}`);
      expect([status, headers.get('content-type')?.split(';')[0]]).toEqual([
        200,
        path.endsWith('.js') ? 'text/javascript' : 'text/css',
      ]);
      await body?.cancel();
    }
  });

  test('its style fetches nothing from elsewhere', async () => {
    const css = await text('/docs/swagger-ui.css');
    expect(css).not.toMatch(/@import/);
    expect([...css.matchAll(/url\((?!["']?data:)[^)]*\)/g)].map(([url]) => url)).toEqual([]);
  });

  test('may run no script but its own, and reach nothing but this service', async () => {
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

  test('the inline script is the one that the policy names', async () => {
    const response = await fetch(`${service.url}/docs`);
    const script = /<script>([^<]+)<\/script>/.exec(await response.text())?.[1] ?? '';
    const hash = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(script))).toString('base64');
    expect(script).toContain('/openapi.json');
    expect(response.headers.get('content-security-policy')).toContain(`'sha256-${hash}'`);
  });
});
