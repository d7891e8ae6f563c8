import type { IncomingMessage } from 'node:http';
import { basename } from 'node:path';
import { parse } from 'yaml';
import { pick, standIn } from './stand-in-proxies.ts';
import type { Plan } from './stand-in-proxies.ts';

// As written in https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/forwardauth/ and, for
// rules, .../http/routing/rules-and-priority/.
type Middleware = {
  forwardAuth?: { address: string; authRequestHeaders: string[]; authResponseHeadersRegex: string };
  headers?: { customRequestHeaders: Record<string, string> };
};
type Static = { providers: { file: { filename: string } } };
type Dynamic = {
  http: {
    routers: Record<string, { rule: string; middlewares: string[]; service: string }>;
    middlewares: Record<string, Middleware>;
    services: Record<string, { loadBalancer: { servers: { url: string }[] } }>;
  };
};

const HOP_BY_HOP = ['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'content-length'];

/** Plays Traefik with a static configuration and the dynamic one that it names. */
export async function standInTraefik(example: string, read: (example: string) => Promise<string>): Promise<string> {
  const { providers } = parse(await read(example)) as Static;
  const { http } = parse(await read(basename(providers.file.filename))) as Dynamic;
  return standIn((req) => planOf(http, req));
}

function planOf({ routers, middlewares, services }: Dynamic['http'], req: IncomingMessage): Plan | undefined {
  // The longest rule comes first.
  const router = Object.values(routers)
    .toSorted((a, b) => b.rule.length - a.rule.length)
    .find(({ rule }) => matches(rule, req));
  if (!router) return undefined;
  const chain = router.middlewares.map((name) => middlewares[name]!);
  const auth = chain.find(({ forwardAuth }) => forwardAuth)!.forwardAuth!;
  const after = chain.slice(chain.findIndex(({ forwardAuth }) => forwardAuth) + 1);
  const copied = new RegExp(auth.authResponseHeadersRegex, 'i');
  const dropped = after.flatMap(({ headers }) => namesOfEmpty(headers?.customRequestHeaders ?? {}));
  return {
    ask: {
      method: 'GET',
      url: auth.address,
      headers: { ...pick(req.headers, (name) => auth.authRequestHeaders.includes(name)), ...forwarded(req) },
    },
    refusal: ({ headers }) => pick(headers, (name) => !HOP_BY_HOP.includes(name)),
    forward: ({ headers }) => ({
      ...pick(req.headers, (name) => !copied.test(name) && !dropped.includes(name)),
      ...pick(headers, (name) => copied.test(name)),
    }),
    api: services[router.service]!.loadBalancer.servers[0]!.url,
  };
}

/** PathPrefix, and Method if the rule has any, of which one is enough. */
function matches(rule: string, { method, url }: IncomingMessage): boolean {
  const prefix = /PathPrefix\(`([^`]+)`\)/.exec(rule)![1]!;
  const methods = [...rule.matchAll(/Method\(`([^`]+)`\)/g)].map(([, name]) => name);
  return url!.startsWith(prefix) && (methods.length === 0 || methods.includes(method));
}

function namesOfEmpty(headers: Record<string, string>): string[] {
  return Object.keys(headers)
    .filter((name) => headers[name] === '')
    .map((name) => name.toLowerCase());
}

function forwarded({ method, url, headers, socket }: IncomingMessage) {
  return {
    'x-forwarded-method': method!,
    'x-forwarded-proto': 'http',
    'x-forwarded-host': headers.host!,
    'x-forwarded-uri': url!,
    'x-forwarded-for': socket.remoteAddress!,
    'accept-encoding': 'gzip',
  };
}
