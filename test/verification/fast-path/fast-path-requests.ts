import * as fc from 'fast-check';

export type RawRequest = { method: string; target: string; headers: (readonly [string, string])[]; body: string };

/** What the requests are about: credentials and addresses that mean something to the service. */
export type World = { keys: readonly string[]; serviceTokens: readonly string[]; session: string };

const VERIFY = '/v1/api-keys/verify';
const FORWARD = '/v1/auth/forward';
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'];
const NAMED = ['/../', '/./', '%2e%2e', '%2f', '/', '//', ';x', '#x', '%', '%00', '\\', '\\..\\', 'x', '\u00e9'];

/** One usual value most of the time, and an unusual one now and then. */
const mostly = (usual: string, ...others: string[]) =>
  fc.oneof({ weight: 14, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

const targetOf = (path: string, query: fc.Arbitrary<string>, queries: number) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(path) },
    { weight: queries, arbitrary: query.map((text) => `${path}?${text}`) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...NAMED), fc.constantFrom('', 'forward', 'verify', 'session'), query)
        .map(([part, last, text]) => `${path}${part}${last}${text === '' ? '' : `?${text}`}`),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        path.toUpperCase(),
        `/${path}`,
        `http://elsewhere.test${path}`,
        path.replace('auth', '%61uth').replace('verify', 'v%65rify'),
        `/v1/../v1${path.slice(3)}`,
        `${path}?`,
        `${path}??`,
        `${path}#`,
      ),
    },
  );

const PAIRS = [
  'scope=workspace:read',
  'scope=workspace%3aread',
  'scope=workspace:read+workspace:read',
  'scope=caps:write',
  'scope=',
  'scope=%zz',
  'scope=%c3%28',
  'environment=live',
  'environment=any',
  'environment=test',
  'environment=other',
  'operation=read',
  'operation=create',
  'operation=delete',
  'map=403',
  'map=404',
  'organization_id=org_x',
  'api_key=x',
  'token=eyJx',
  '__proto__=x',
  'constructor=x',
  '=',
  '',
  'map',
  'SCOPE=x',
];
const query = fc.array(fc.constantFrom(...PAIRS), { maxLength: 3 }).map((pairs) => pairs.join('&'));

/** Header names in any case, since case does not matter. */
const spelled = (name: string) => fc.constantFrom(name, name, name.toUpperCase());
const header = (name: string, value: fc.Arbitrary<string>) => fc.tuple(spelled(name), value);
const now = (name: string, value: fc.Arbitrary<string>, weight = 1) =>
  fc.oneof({ weight: 30, arbitrary: fc.constant([]) }, { weight, arbitrary: header(name, value).map((one) => [one]) });
const text = fc.stringMatching(/^[\u0020-\u007e\u0080-\u00ff]{0,40}$/);

const hosts = fc.oneof(
  { weight: 30, arbitrary: header('host', fc.constant('latchkey')).map((one) => [one]) },
  { weight: 1, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(header('host', fc.constantFrom('latchkey', 'elsewhere', '')), { maxLength: 3 }) },
);

const forwardedFor = fc
  .array(fc.constantFrom('192.0.2.7', '198.51.100.1', '2001:db8::1', 'unknown', ''), { minLength: 1, maxLength: 3 })
  .map((all) => all.join(', '));

const others = fc
  .tuple(
    now('x-forwarded-for', forwardedFor, 6),
    now('user-agent', text),
    now('accept', fc.constantFrom('text/event-stream', '*/*', '')),
    now('x-forwarded-uri', fc.constantFrom('/x', '/x?api_key=sk_x', '/x?api_key=eyJx', '/?API_KEY=x')),
    now('x-original-url', fc.constantFrom('/x', '/x?api_key=sk_x', '/x?token=eyJx')),
    now('x-forwarded-method', fc.constantFrom('GET', 'POST')),
    now('cookie', fc.constantFrom('a=b', 'wos_session=x', 'wos_session=', '')),
    now('x-access-token', fc.constantFrom('', 'eyJx')),
    now('expect', fc.constantFrom('100-continue', 'a pony')),
    now('content-encoding', fc.constantFrom('gzip', 'identity', '')),
    now('origin', fc.constantFrom('https://elsewhere.test', 'null')),
    now('if-none-match', fc.constant('*')),
  )
  .map((all) => all.flat());

const credentialsOf = (name: string, usual: string, values: readonly string[]) =>
  fc.oneof(
    { weight: 14, arbitrary: header(name, fc.constant(usual)).map((one) => [one]) },
    { weight: 2, arbitrary: header(name, fc.constantFrom(...values)).map((one) => [one]) },
    { weight: 1, arbitrary: fc.array(header(name, fc.constantFrom(...values)), { maxLength: 3 }) },
  );

const bearersOf = (tokens: readonly string[]) => [
  ...tokens.flatMap((token) => [`Bearer ${token}`, `Bearer  ${token}`, `bearer ${token}`, `Bearer ${token} x`]),
  'Bearer ',
  'Basic x',
  '',
  `Bearer ${tokens[0]}\u00a0`,
];

/** Requests to verify: most of them such as the fast path takes, the others nearly so. */
export function verifyRequests({ keys, serviceTokens, session }: World): fc.Arbitrary<RawRequest> {
  const asked = fc.record(
    {
      key: fc.oneof(fc.constantFrom(...keys), fc.constantFrom('', 'sk_none', 'x'.repeat(513))),
      environment: fc.constantFrom('live', 'any', 'test', 'x'),
      scopes: fc.constantFrom([], ['workspace:read'], ['caps:write'], [1]),
      operation: fc.constantFrom('read', 'create', 'x'),
      ip: fc.constantFrom('192.0.2.7', '198.51.100.1', '2001:db8::1', 'x'),
      user_agent: text,
      cost: fc.constantFrom(0, 1, 2, -1, 1.5),
      lease: fc.boolean(),
      more: fc.constant(1),
    },
    { requiredKeys: ['key'] },
  );
  const json = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...keys).map((key) => JSON.stringify({ key })) },
    { weight: 4, arbitrary: asked.map((one) => JSON.stringify(one)) },
    { weight: 1, arbitrary: fc.array(asked, { maxLength: 3 }).map((all) => JSON.stringify({ keys: all })) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', '{', 'null', '[]', '"x"', '7', `{"key":"${keys[0]}"}x`, '\u00ef\u00bb\u00bf{}'),
    },
    { weight: 1, arbitrary: fc.constantFrom(...keys).map((key) => `\u00ef\u00bb\u00bf{"key":"${key}"}`) },
    { weight: 1, arbitrary: fc.constantFrom(...keys).map((key) => `{"key":"${key}","__proto__":{"cost":0}}`) },
    { weight: 1, arbitrary: fc.constantFrom(...keys).map((key) => `{"key":"sk_x","key":"${key}"}`) },
    { weight: 1, arbitrary: text.map((odd) => `{"key":"${odd}"}`) },
    { weight: 1, arbitrary: fc.constantFrom(...keys).map((key) => `{"key":"${key}"}${' '.repeat(5_000)}`) },
  );
  const type = fc.oneof(
    { weight: 20, arbitrary: header('content-type', fc.constant('application/json')).map((one) => [one]) },
    {
      weight: 2,
      arbitrary: fc.array(
        header('content-type', fc.constantFrom('application/json', 'text/plain', 'application/json; charset=utf-8')),
        { maxLength: 2 },
      ),
    },
  );
  const bearer = credentialsOf('authorization', `Bearer ${serviceTokens[0]}`, bearersOf([...serviceTokens, session]));
  const apiKey = now('x-api-key', fc.constantFrom('', ...keys));
  return fc
    .tuple(mostly('POST', ...METHODS), targetOf(VERIFY, query, 1), fc.tuple(hosts, bearer, apiKey, type, others), json)
    .map(([method, target, headers, body]) => ({ method, target, headers: headers.flat(), body }));
}

/** Requests of a key for a route that memory answers: most such as the fast path takes, the others nearly so. */
export const readRequests = (world: World, path: string) => requestsByKey(world, path);
export const forwardRequests = (world: World) => requestsByKey(world, FORWARD);

/** Requests with a key of their own: most of them such as the fast path takes, the others nearly so. */
function requestsByKey({ keys, serviceTokens, session }: World, path: string): fc.Arbitrary<RawRequest> {
  const key = fc.constantFrom(...keys).chain((each) =>
    fc.oneof(
      { weight: 4, arbitrary: credentialsOf('x-api-key', each, [...keys, ` ${each}`, `${each}x`, '', 'x']) },
      {
        weight: 2,
        arbitrary: credentialsOf('authorization', `Bearer ${each}`, bearersOf([each, ...serviceTokens, session])),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(
            credentialsOf('x-api-key', each, keys),
            credentialsOf('authorization', `Bearer ${each}`, bearersOf(keys)),
          )
          .map((both) => both.flat()),
      },
    ),
  );
  const body = fc.oneof({ weight: 8, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.constant('x') });
  return fc
    .tuple(
      path === FORWARD ? fc.constantFrom(...METHODS, 'GET', 'GET', 'GET') : mostly('GET', ...METHODS),
      targetOf(path, query, path === FORWARD ? 8 : 1),
      fc.tuple(hosts, key, others),
      body,
    )
    .map(([method, target, headers, sent]) => ({ method, target, headers: headers.flat(), body: sent }));
}
