import { describe, expect, test } from 'vitest';
import { FILE, broken } from './file.ts';
import { describedBy, refusalOf } from './start.ts';

// Each case breaks one text of the file; the fault is named at the line of that text, or at one after it.
type Case = [what: string, text: string, by: string, message: string, after?: number];

const OF_THE_FILE: Case[] = [
  ['an unknown code', '    credential_invalid:', '    credential_lost:', 'Unrecognized key: "credential_lost"', 1],
  ['a status below 400', '{ status: 400, code: no.permission }', '{ status: 200, code: x }', 'from 400 to 599'],
  ['a status above 599', '{ status: 400, code: no.permission }', '{ status: 600, code: x }', 'from 400 to 599'],
  ['an answer without a body', 'path: /me', 'path: /me\n      status: 204', 'an answer that has a body', 1],
  ['a code with a space', 'code: no.permission', "code: 'no permission'", 'letters, digits'],
  ['an unknown variable', 'message: $message', 'message: $text', "'$text' is none of $code"],
  ['details, which may carry a token', 'message: $message', 'message: $details', 'would carry tokens'],
  ['an envelope without a code', 'error: $code', 'error: failed', 'no member with $code'],
  ['a constant that is a key', 'message: $message', 'message: sk_0123456789abcdef', 'form of a credential'],
  ['a default that is a key', 'email: a@b.test', 'email: sk_0123456789abcdef', 'form of a credential'],
  [
    'a message that is a token',
    'code: no.permission',
    'code: x, message: eyJhbGciOiJIUzI1NiJ9',
    'form of a credential',
  ],
  ['a password as a constant', 'permission_set: reader', 'password: x', 'is a secret'],
  ['a member that objects have', '{ id: user_id,', '{ constructor: user_id,', 'Invalid key'],
  ['a member that would be dropped', '{ id: user_id,', '{ __proto__: user_id, id: user_id,', 'can have this name'],
  ['a member that objects have, below another', '{ id: user_id,', '{ a.constructor: user_id,', 'Invalid key'],
  ['no slash before the base path', 'base_path: /api/v1', 'base_path: api/v1', 'such as /api/v1'],
  ['a slash after the base path', 'base_path: /api/v1', 'base_path: /api/v1/', 'such as /api/v1'],
  ['a base path without a name', 'base_path: /api/v1', 'base_path: /', 'such as /api/v1'],
  ['a pattern as a path', 'path: /me', "path: '/me*'", 'such as /api-keys/{id}'],
  ['a method without a meaning', 'path: /me', 'path: /me\n      method: head', 'Invalid option', 1],
  [
    'two codes as one, with different remedies',
    'permission_denied: { status: 400, code: no.permission }',
    'permission_denied: { status: 400, code: key.incorrect }',
    'cannot distinguish to authenticate from to ask for permission',
    2,
  ],
  [
    "a code that is another's of Latchkey",
    'permission_denied: { status: 400, code: no.permission }',
    'permission_denied: { status: 429, code: rate_limited }',
    'cannot distinguish to ask for permission from to wait',
  ],
  [
    'a console without the routes that it calls',
    'base_path: /api/v1',
    'base_path: /api/v1\n  keep_v1: false',
    'console calls',
    1,
  ],
  ['every origin', 'base_path: /api/v1', "base_path: /api/v1\n  cors: { origins: ['*'] }", 'must be an origin', 1],
];

const AGAINST_ROUTES: Case[] = [
  ['an unknown operation', '    getApiKey:', '    fetchApiKey:', "'fetchApiKey' is no operation", 1],
  [
    'an operation that is switched off',
    'password_sign_in: true',
    'password_sign_in: false',
    "'login' is no operation",
    12,
  ],
  ['a webhook', 'listApiKeys: { path: /keys }', 'receiveWorkosEvent: { path: /keys }', 'is a webhook'],
  ['a required field that is not mapped', '{ title: label }', '{ }', "lacks Latchkey's required field 'label'"],
  ['half of a sign-in', ', secret: password }', ' }', "required field 'password'"],
  ['an unknown field in a request', '{ title: label }', '{ title: label, colour: colour }', "has no field 'colour'"],
  [
    'an unknown field with a value',
    'permission_set: reader',
    'permission_set: reader, colour: red',
    "has no field 'colour'",
  ],
  [
    'a field that is set twice',
    'permission_set: reader',
    'permission_set: reader, label: x',
    "'label' is set twice",
    -1,
  ],
  ['members of which one is in the other', '{ title: label }', '{ title: label, title.text: expires_at }', 'overlap'],
  [
    'fields of two requests',
    '{ loginOrEmail: email, secret: password }',
    '{ loginOrEmail: email, secret: pending_authentication_token }',
    'mixes fields of different requests',
  ],
  ['an unknown field in an answer', '{ keyId: id,', '{ keyId: key_id,', "has no field 'key_id'"],
  [
    'a field that some callers do not have',
    '      defaults: { api_key: { email: a@b.test } }\n',
    '',
    "no field 'email' for api_key",
    -1,
  ],
  [
    'a field that a third kind of caller does not have',
    '      callers: [user, api_key]\n',
    '',
    "'user_id' for machine",
    0,
  ],
  [
    'a default of no member',
    'api_key: { email: a@b.test }',
    'api_key: { email: a@b.test, login: api }',
    'does not have',
  ],
  [
    'two operations on one path',
    'listApiKeys: { path: /keys }',
    'listApiKeys: { path: /me }',
    'is answered by getSession already',
  ],
  [
    'two operations on one path with other parameters',
    'listApiKeys: { path: /keys }',
    "revokeApiKey: { path: '/keys/{no}', method: post, params: { no: id } }\n    rotateApiKey: { path: '/keys/{key}', params: { key: id } }",
    'is answered by revokeApiKey already',
    1,
  ],
  ['a parameter that is not in the path', '/keys/{keyId}', '/keys/one', "lacks the parameter '{keyId}'"],
  ['a parameter that Latchkey lacks', 'path: /me', "path: '/me/{id}'", "'{id}' is no parameter"],
  ['a change by GET', 'path: /auth/login', 'path: /auth/login\n      method: get', 'which changes nothing', 1],
  ['a body where there is none', 'path: /me', 'path: /me\n      request: { a: b }', 'takes no such body', 1],
  ['a base path that shadows routes', 'base_path: /api/v1', 'base_path: /v1', "shadows '/v1"],
  ['a base path among routes', 'base_path: /api/v1', 'base_path: /v1/client', "shadows '/v1'"],
  ['a base path among pages', 'base_path: /api/v1', 'base_path: /docs', "shadows '/docs'"],
];

describe("a product's API", () => {
  test('is accepted without a fault', async () => {
    const { routes } = await describedBy(FILE);
    const own = routes.filter(({ path }) => path.startsWith('/api/v1/'));
    expect(own.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual([
      'get /api/v1/keys',
      'get /api/v1/keys/{keyId}',
      'get /api/v1/me',
      'post /api/v1/auth/login',
      'post /api/v1/keys',
      'post /api/v1/verify',
    ]);
  });

  test.each([...OF_THE_FILE, ...AGAINST_ROUTES])(
    'stops the start, with its line, for %s',
    async (_what, text, by, message, after = 0) => {
      const { yaml, line } = broken(text, by);
      const named = (await refusalOf(yaml)).split('\n').filter((fault) => fault.includes(message));
      expect(named).not.toEqual([]);
      expect(named[0]).toMatch(new RegExp(`^ *line ${line + after}: api\\.`));
    },
  );

  test('stops the start for hosts of organizations without a domain', async () => {
    const refusal = await refusalOf(`${FILE}\norganization_hosts: { pattern: '{organization}.localhost' }\n`);
    expect(refusal).toContain('organization_hosts.pattern');
    expect(refusal).toContain("'{organization}.example.com'");
  });

  test('stops the start for callers whom the operation does not admit', async () => {
    const { yaml } = broken(
      'callers: [user, api_key]',
      'callers: [user, api_key]\n    logout: { path: /out, callers: [api_key] }\n    getMeta:\n      path: /meta',
    );
    expect(await refusalOf(yaml)).toContain('api.operations.logout.callers: may be user alone');
  });

  test('names every fault at once', async () => {
    const { yaml } = broken('{ title: label }', '{ colour: colour }');
    const faults = await refusalOf(yaml.replace('getApiKey:', 'fetchApiKey:'));
    expect(faults.split('\n').length).toBeGreaterThan(2);
  });
});
