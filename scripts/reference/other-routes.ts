import { codes } from './page.ts';

/** A route as the reference shows it. */
export type RouteEntry = {
  name: string;
  callers: string;
  scopes: string;
  billing: string;
  meaning: string;
  status: string;
  errors: string;
};

/** Pages that are served without a route object. */
export const PAGES: readonly RouteEntry[] = [
  { name: 'GET /metrics', meaning: 'Metrics for Prometheus; on the operations port alone where there is one.' },
  { name: 'GET /openapi.json', meaning: 'The OpenAPI 3.1 document.' },
  { name: 'GET /docs', meaning: 'The API in a browser, without a network.' },
].map((page) => ({ ...page, callers: 'anyone', scopes: '', billing: '', status: '`200`', errors: '' }));

/** The console's routes, which exist unless the product file switches the console off. */
export const CONSOLE: readonly RouteEntry[] = [
  { name: 'GET /', meaning: 'Leads to the console; to `/docs` where there is none.', status: '`302`', errors: [] },
  {
    name: 'GET /console',
    meaning: 'The page, also at every path below it without a dot.',
    errors: ['route_not_found'],
  },
  { name: 'GET /console/assets/{file}', meaning: "The page's scripts and styles.", errors: ['route_not_found'] },
  {
    name: 'GET /console/latchkey-keys.js',
    meaning:
      'The element `<latchkey-keys>` as a module, with its languages beside it. Pages of `console.element_origins` may load it.',
    errors: ['route_not_found'],
  },
  {
    name: 'GET /console/sign-in',
    meaning:
      "Leads to AuthKit's sign-in page, and then to `return_to` in the console; `organization_id` chooses the organization.",
    status: '`302`',
    errors: [],
  },
  {
    name: 'GET /console/callback',
    meaning:
      'Sets the session cookie for the code that AuthKit hands out. A refusal leads to `/console/signed-out?reason=CODE`.',
    status: '`302`',
    errors: [],
  },
  {
    name: 'POST /console/refresh',
    meaning: 'Renews the session in the cookie, or moves it to `organization_id`. From the same origin only.',
    errors: [
      'credential_missing',
      'credential_invalid',
      'credential_expired',
      'permission_denied',
      'organization_choice_required',
      'organization_not_found',
      'rate_limited',
      'workos_unavailable',
    ],
  },
  {
    name: 'POST /console/sign-out',
    meaning:
      'Ends the session in the cookie. The page then goes to the `url` of the answer. From the same origin only.',
    errors: ['permission_denied'],
  },
].map(({ status = '`200`', errors, ...page }) => ({
  ...page,
  status,
  errors: codes(errors),
  callers: 'browsers',
  scopes: '',
  billing: '',
}));
