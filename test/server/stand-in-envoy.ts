import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { pick, standIn } from './stand-in-proxies.ts';
import type { Plan } from './stand-in-proxies.ts';

// As written in https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/ext_authz/v3/ext_authz.proto
// (of path_override, in https://github.com/envoyproxy/envoy/pull/43447) and
// .../config/common/mutation_rules/v3/mutation_rules.proto: the question has the method of the request,
// its Host and its Authorization, an empty body, and what is allowed besides.
type Matcher = { exact?: string; prefix?: string };
type Patterns = { patterns: Matcher[] };
type Change = {
  remove?: string;
  remove_on_match?: { key_matcher: Matcher };
  append?: { header: { key: string; value: string } };
};
type Mutation = { mutations: { request_mutations: Change[] } };
type ExtAuthz = {
  allowed_headers: Patterns;
  http_service: {
    server_uri: { cluster: string };
    path_override: string;
    authorization_response: Record<'allowed_upstream_headers' | 'allowed_client_headers', Patterns>;
  };
};
type Route = { match: { prefix: string }; route: { cluster: string }; request_headers_to_remove: string[] };
type Manager = {
  route_config: { virtual_hosts: { routes: Route[] }[] };
  http_filters: { name: string; typed_config: object }[];
};
type Address = { address: { socket_address: { address: string; port_value: number } } };
type Cluster = { name: string; load_assignment: { endpoints: { lb_endpoints: { endpoint: Address }[] }[] } };
type Bootstrap = {
  static_resources: {
    listeners: { filter_chains: { filters: { typed_config: Manager }[] }[] }[];
    clusters: Cluster[];
  };
};

/** Plays Envoy with the text of a bootstrap configuration. */
export async function standInEnvoy(text: string): Promise<string> {
  const { listeners, clusters } = (parse(text) as Bootstrap).static_resources;
  const manager = listeners[0]!.filter_chains[0]!.filters[0]!.typed_config;
  const addressOf = (name: string) => clusterAddress(clusters.find((cluster) => cluster.name === name)!);
  return standIn((req) => planOf(manager, addressOf, req));
}

function planOf(manager: Manager, addressOf: (cluster: string) => string, req: IncomingMessage): Plan | undefined {
  const route = manager.route_config.virtual_hosts[0]!.routes.find(({ match }) => req.url!.startsWith(match.prefix));
  if (!route) return undefined;
  const [mutation, authz] = manager.http_filters.map(({ typed_config: config }) => config) as [Mutation, ExtAuthz];
  const removed = mutation.mutations.request_mutations.flatMap(({ remove, remove_on_match: matched }) =>
    remove === undefined ? (matched?.key_matcher ?? []) : { exact: remove },
  );
  const { server_uri: server, path_override: path, authorization_response: response } = authz.http_service;
  const added = mutation.mutations.request_mutations.flatMap(({ append }) => append?.header ?? []);
  const headers = {
    ...pick(req.headers, (name) => !isIn({ patterns: removed }, name)),
    ...Object.fromEntries(added.map(({ key, value }) => [key, value.replace('%REQ(:PATH)%', req.url!)])),
  };
  return {
    ask: {
      method: req.method!,
      url: addressOf(server.cluster) + path,
      headers: {
        ...pick(headers, (name) => ['host', 'authorization'].includes(name) || isIn(authz.allowed_headers, name)),
        'content-length': 0,
        'x-envoy-internal': 'true',
        'x-forwarded-for': req.socket.remoteAddress!,
        'x-envoy-expected-rq-timeout-ms': '5000',
      },
    },
    refusal: (answer) => pick(answer.headers, (name) => isIn(response.allowed_client_headers, name)),
    forward: (answer) => ({
      ...pick(headers, (name) => !route.request_headers_to_remove.includes(name)),
      ...pick(answer.headers, (name) => isIn(response.allowed_upstream_headers, name)),
    }),
    api: addressOf(route.route.cluster),
  };
}

function isIn({ patterns }: Patterns, name: string): boolean {
  return patterns.some(({ exact, prefix }) => name === exact || (prefix !== undefined && name.startsWith(prefix)));
}

function clusterAddress({ load_assignment: { endpoints } }: Cluster): string {
  const { address, port_value: port } = endpoints[0]!.lb_endpoints[0]!.endpoint.address.socket_address;
  return `http://${address}:${port}`;
}
