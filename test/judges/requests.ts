/** A request; `{name}` in a path or body is a value of an earlier answer. */
export type Probe = {
  /** The name in the table and the explanations. */
  name: string;
  method: string;
  path: string;
  body?: object;
  /** Sent without the environment's secret. */
  isPublic?: boolean;
  /** Names a field of the answer for later requests. */
  keep?: Readonly<Record<string, string>>;
};

const USERS = '/user_management/users';
const MEMBERSHIPS = '/user_management/organization_memberships';
const INVITATIONS = '/user_management/invitations';
const AUTHENTICATE = '/user_management/authenticate';
const CLIENT = { client_id: 'client_judged', client_secret: '{apiKey}' };
const EMAIL = 'ada@example.com';
const PASSWORD = 'a-long-Passw0rd!';

const get = (name: string, path: string, more: Partial<Probe> = {}): Probe => ({ name, method: 'GET', path, ...more });
const post = (name: string, path: string, body: object, more: Partial<Probe> = {}): Probe => ({
  name,
  method: 'POST',
  path,
  body,
  ...more,
});
const put = (name: string, path: string, body: object): Probe => ({ name, method: 'PUT', path, body });
const remove = (name: string, path: string): Probe => ({ name, method: 'DELETE', path });

/** Sent in this order: later ones use what earlier ones created. */
export const PROBES: readonly Probe[] = [
  get('a wrong secret', '/organizations', { isPublic: true }),
  post('create an organization', '/organizations', { name: 'Judged', external_id: 'crm-1' }, { keep: { org: 'id' } }),
  post('create an organization, name missing', '/organizations', {}),
  get('read an organization', '/organizations/{org}'),
  get('read an organization by external id', '/organizations/external_id/crm-1'),
  put('set stripe_customer_id', '/organizations/{org}', { stripe_customer_id: 'cus_judged' }),
  get('list organizations', '/organizations?limit=1'),
  get('read an unknown organization', '/organizations/org_unknown'),
  post('create a permission', '/authorization/permissions', { slug: 'notes:read', name: 'Read notes' }),
  post('create a permission again', '/authorization/permissions', { slug: 'notes:read', name: 'Read notes' }),
  get('list permissions', '/authorization/permissions'),
  post('create a role', '/authorization/roles', { slug: 'editor', name: 'Editor' }),
  put('set the permissions of a role', '/authorization/roles/editor/permissions', { permissions: ['notes:read'] }),
  get('list roles', '/authorization/roles'),
  post(
    'create a user',
    USERS,
    { email: EMAIL, password: PASSWORD, first_name: 'Ada', email_verified: true },
    { keep: { user: 'id' } },
  ),
  post('create a user again', USERS, { email: EMAIL }),
  get('read a user', `${USERS}/{user}`),
  put('change a user', `${USERS}/{user}`, { last_name: 'Lovelace' }),
  get('list users by email', `${USERS}?email=${EMAIL}`),
  get('read an unknown user', `${USERS}/user_unknown`),
  post(
    'create a membership',
    MEMBERSHIPS,
    { user_id: '{user}', organization_id: '{org}', role_slug: 'editor' },
    { keep: { membership: 'id' } },
  ),
  get('read a membership', `${MEMBERSHIPS}/{membership}`),
  get('list memberships', `${MEMBERSHIPS}?user_id={user}`),
  get('list memberships of nobody', MEMBERSHIPS),
  put('deactivate a membership', `${MEMBERSHIPS}/{membership}/deactivate`, {}),
  put('reactivate a membership', `${MEMBERSHIPS}/{membership}/reactivate`, {}),
  post(
    'invite somebody',
    INVITATIONS,
    { email: 'eve@example.com', organization_id: '{org}' },
    { keep: { invitation: 'id', token: 'token' } },
  ),
  get('read an invitation', `${INVITATIONS}/{invitation}`),
  get('read an invitation by token', `${INVITATIONS}/by_token/{token}`),
  get('list invitations', INVITATIONS),
  post('revoke an invitation', `${INVITATIONS}/{invitation}/revoke`, {}),
  post(
    'sign in',
    AUTHENTICATE,
    { ...CLIENT, grant_type: 'password', email: EMAIL, password: PASSWORD },
    { isPublic: true, keep: { refresh: 'refresh_token' } },
  ),
  post(
    'sign in with a wrong password',
    AUTHENTICATE,
    { ...CLIENT, grant_type: 'password', email: EMAIL, password: 'wrong' },
    { isPublic: true },
  ),
  post(
    'refresh a session',
    AUTHENTICATE,
    { ...CLIENT, grant_type: 'refresh_token', refresh_token: '{refresh}' },
    { isPublic: true },
  ),
  post(
    'refresh with a used token',
    AUTHENTICATE,
    { ...CLIENT, grant_type: 'refresh_token', refresh_token: '{refresh}' },
    { isPublic: true },
  ),
  post('start a device', '/user_management/authorize/device', { client_id: 'client_judged' }, { isPublic: true }),
  get('list sessions of a user', `${USERS}/{user}/sessions`, { keep: { session: 'data.0.id' } }),
  post('revoke a session', '/user_management/sessions/revoke', { session_id: '{session}' }),
  post('revoke an unknown session', '/user_management/sessions/revoke', { session_id: 'session_unknown' }),
  get('read the JWKS', '/sso/jwks/client_judged', { isPublic: true }),
  post(
    'create an API key',
    '/organizations/{org}/api_keys',
    { name: 'CI', permissions: ['notes:read'] },
    { keep: { key: 'id', value: 'value' } },
  ),
  post('create an API key, name missing', '/organizations/{org}/api_keys', {}),
  get('list API keys', '/organizations/{org}/api_keys'),
  post('validate an API key by value', '/api_keys/validations', { value: '{value}' }),
  post('validate an API key by key', '/api_keys/validations', { key: '{value}' }),
  post('validate nonsense', '/api_keys/validations', { value: 'sk_nonsense' }),
  post('create a key of a user', `${USERS}/{user}/api_keys`, { name: 'Own', organization_id: '{org}' }),
  post('expire an API key', '/api_keys/{key}/expire', {}),
  post('expire an API key again', '/api_keys/{key}/expire', {}),
  remove('delete an API key', '/api_keys/{key}'),
  remove('delete an API key again', '/api_keys/{key}'),
  get('list events', '/events?events=organization.created'),
  post(
    'create a webhook endpoint',
    '/webhook_endpoints',
    { endpoint_url: 'https://example.com/hook', events: ['user.created'] },
    { keep: { webhook: 'id' } },
  ),
  get('list webhook endpoints', '/webhook_endpoints'),
  {
    name: 'change a webhook endpoint',
    method: 'PATCH',
    path: '/webhook_endpoints/{webhook}',
    body: { status: 'disabled' },
  },
  remove('delete a webhook endpoint', '/webhook_endpoints/{webhook}'),
  post(
    'create a machine application',
    '/connect/applications',
    { name: 'CI', application_type: 'm2m', organization_id: '{org}' },
    { keep: { application: 'id' } },
  ),
  post('create a client secret', '/connect/applications/{application}/client_secrets', {}),
  post('send an audit event', '/audit_logs/events', {
    organization_id: '{org}',
    event: {
      action: 'notes.read',
      occurred_at: '2026-01-01T00:00:00.000Z',
      actor: { type: 'user', id: '{user}' },
      targets: [{ type: 'note', id: '1' }],
      context: { location: '192.0.2.1' },
    },
  }),
  remove('delete a membership', `${MEMBERSHIPS}/{membership}`),
  remove('delete a user', `${USERS}/{user}`),
  remove('delete an organization', '/organizations/{org}'),
  remove('delete an organization again', '/organizations/{org}'),
];
