import type { OrganizationCaller } from '../../src/http/caller.ts';
import { errorCodesOf, successOf } from '../../src/http/route.ts';
import type { Access, Route } from '../../src/http/route.ts';
import { codes, tablesPage } from './page.ts';
import type { Page } from './page.ts';
import { CONSOLE, PAGES } from './other-routes.ts';
import type { RouteEntry } from './other-routes.ts';
import { SWITCHES, describedService } from './service.ts';

const CALLERS: Record<OrganizationCaller['kind'], string> = {
  user: 'people',
  machine: 'machines',
  api_key: 'API keys',
  ci: 'CI sessions',
};

/** Returns the page of every route, from the objects that serve them. */
export async function routesPage(): Promise<Page> {
  const { routes } = await describedService();
  const switchOf = await switchesOf(routes);
  const implied = impliedCodes(routes);
  const sections = [...Map.groupBy(routes, ({ tag }) => tag)].map(([title, tagged]) => ({
    title,
    entries: [
      ...tagged.map((route) => entryOf(route, switchOf.get(nameOf(route)), implied[route.access.kind])),
      ...(title === 'Operations' ? PAGES : []),
    ],
  }));
  sections.push({ title: 'Console', entries: [...CONSOLE] });
  return tablesPage(
    { file: 'routes.md', title: 'Routes', introduction: introduction(implied) },
    {
      route: ({ name }) => codes([name]),
      'who may call, with which scope': ({ callers, scopes }) => joined(': ', callers, scopes),
      billing: ({ billing }) => billing,
      meaning: ({ meaning }) => meaning,
      answers: ({ status, errors }) => joined('; ', status, errors),
    },
    sections,
  );
}

/** Joins the texts that are not empty. */
function joined(separator: string, ...texts: string[]): string {
  return texts.filter((text) => text !== '').join(separator);
}

function introduction(implied: Implied): string {
  return `Parameters, bodies and answers are in the OpenAPI document, which every service has at \`/openapi.json\` and shows at \`/docs\`.

People are signed in at WorkOS, machines hold a token of a machine application, services hold a service token
(\`LATCHKEY_SERVICE_TOKENS\`). Each of the first two, an API key and a CI session belongs to one organization, and acts on that alone. One of the
named scopes is needed; those that end in \`:own\` are for a person's own keys, where the product has personal keys.

The billing class says what a request does to a tenant: \`create\` needs a posture that allows it, \`wind_down\` and \`read\` pass in
every posture unless the product file says otherwise; forward authentication judges what the key is used for.

Beside the codes in the last column a route answers those that its kind implies (docs/reference/error-codes.md says what they mean):

- anyone: ${codes(implied.public)}
- by signature: ${codes(implied.signed)}
- services: ${codes(implied.service)}
- people, machines, API keys: ${codes(implied.tenant)}`;
}

type Implied = Record<Access['kind'], ReadonlySet<string>>;

/** Returns the error codes that all routes of a kind have. */
function impliedCodes(routes: readonly Route[]): Implied {
  const of = (kind: Access['kind']) =>
    routes
      .filter(({ access }) => access.kind === kind)
      .map((route): ReadonlySet<string> => errorCodesOf(route))
      .reduce((all, one) => new Set([...all].filter((code) => one.has(code))));
  const tenant = of('tenant');
  return { public: of('public'), signed: of('signed'), service: of('service'), tenant, forwarded: tenant };
}

function entryOf(route: Route, condition: string | undefined, implied: ReadonlySet<string>): RouteEntry {
  const { access, summary } = route;
  const notes = [
    `${summary}.`,
    ...(route.idempotent ? ['Takes an `Idempotency-Key`.'] : []),
    ...(access.kind === 'forwarded' ? ['Any method will do.'] : []),
    ...(condition === undefined ? [] : [`Exists only where \`${condition}\` is set.`]),
  ];
  return {
    name: nameOf(route),
    callers: callersOf(access),
    scopes: 'scope' in access ? codes(access.scope) : '',
    billing: billingOf(access),
    meaning: notes.join(' '),
    status: codes([successOf(route).status, ...(route.mayBeEmpty ? [204] : [])]),
    errors: codes([...errorCodesOf(route)].filter((code) => !implied.has(code))),
  };
}

function billingOf(access: Access): string {
  if (access.kind === 'forwarded') return 'by the key';
  return access.kind === 'tenant' ? codes([access.billing]) : '';
}

function callersOf(access: Access): string {
  if (access.kind === 'tenant') return access.callers.map((kind) => CALLERS[kind]).join(', ');
  if (access.kind === 'forwarded') return CALLERS.api_key;
  if (access.kind === 'service') return access.machines ? 'services, machines' : 'services';
  return access.kind === 'signed' ? `${access.schemes.map(({ sender }) => sender).join(', ')}, by signature` : 'anyone';
}

function nameOf({ method, path }: Route): string {
  return `${method.toUpperCase()} ${path}`;
}

/** Returns the setting without which a route does not exist, by the route's name. */
async function switchesOf(routes: readonly Route[]): Promise<ReadonlyMap<string, string>> {
  const switches = new Map<string, string>();
  for (const name of SWITCHES) {
    const left = new Set((await describedService(name)).routes.map(nameOf));
    for (const route of routes.map(nameOf)) if (!left.has(route)) switches.set(route, name);
  }
  return switches;
}
