import { z } from 'zod';
import { timestamp } from '../clock.ts';
import { notFound } from '../http/http-error.ts';
import { listBody, readPageQuery, selectPage } from '../http/page.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Request, Route } from '../http/route.ts';
import { randomDigits } from '../random-text.ts';
import type { OneTimeCodes } from '../sessions/one-time-codes.ts';
import type { SessionRow } from '../sessions/session-store.ts';
import { endMembership } from './membership-routes.ts';
import type { MembershipDeps } from './membership-routes.ts';
import type { MembershipRow } from './membership-store.ts';
import { changeUser, createUser } from './user-changes.ts';
import type { UserRow } from './user-store.ts';
import { findUserByEmail, findUserByExternalId, getUser, toUser } from './user-store.ts';

const MAGIC_CODE_LENGTH = 6;

type Deps = MembershipDeps & { codes: OneTimeCodes };

const MagicAuth = z.object({ email: z.email() });

export function userRoutes(deps: Deps): Route[] {
  const access = 'environment';
  return [
    { method: 'get', path: '/user_management/users', access, handle: ({ query }) => list(deps, query) },
    { method: 'post', path: '/user_management/users', access, handle: (request) => createUser(deps, request) },
    {
      method: 'get',
      path: '/user_management/users/external_id/:external_id',
      access,
      handle: ({ params }) => {
        const row = findUserByExternalId(deps.store, params['external_id']!);
        if (!row) throw notFound('User', params['external_id']!);
        return { status: 200, body: toUser(row) };
      },
    },
    {
      method: 'get',
      path: '/user_management/users/:id',
      access,
      handle: ({ params }) => ({ status: 200, body: toUser(getUser(deps.store, params['id']!)) }),
    },
    { method: 'put', path: '/user_management/users/:id', access, handle: (request) => changeUser(deps, request) },
    {
      method: 'delete',
      path: '/user_management/users/:id',
      access,
      handle: ({ params }) => remove(deps, params['id']!),
    },
    {
      method: 'get',
      path: '/user_management/users/:id/sessions',
      access,
      handle: (request) => listSessions(deps, request),
    },
    { method: 'post', path: '/user_management/magic_auth', access, handle: ({ body }) => createMagicAuth(deps, body) },
  ];
}

function remove(deps: Deps, id: string): Reply {
  const { store, events } = deps;
  const user = getUser(store, id);
  store.transaction(() => {
    for (const row of store.all<MembershipRow>('select * from memberships where user_id = ?', user.id))
      endMembership(deps, row);
    store.run('delete from users where id = ?', user.id);
    events.emit('user.deleted', toUser(user), null);
  });
  return { status: 200 };
}

function list({ store }: Deps, query: URLSearchParams): Reply {
  const organizationId = query.get('organization_id') ?? query.get('organization');
  const selection = {
    table: 'users',
    where: `(?1 is null or email = ?1) and (?2 is null or exists
      (select 1 from memberships where memberships.user_id = users.id and memberships.organization_id = ?2))`,
    values: [query.get('email'), organizationId],
  };
  const page = selectPage<UserRow>(store, selection, readPageQuery(query));
  return {
    status: 200,
    body: listBody(
      page.rows.map((row) => toUser(row)),
      page,
    ),
  };
}

function listSessions({ store, sessions }: Deps, { params, query }: Request): Reply {
  const user = getUser(store, params['id']!);
  const page = selectPage<SessionRow>(
    store,
    { table: 'sessions', where: 'user_id = ?', values: [user.id] },
    readPageQuery(query),
  );
  return {
    status: 200,
    body: listBody(
      page.rows.map((row) => sessions.toBody(row)),
      page,
    ),
  };
}

/** Answers with the code that WorkOS would send by e-mail, as for applications that send their own. */
function createMagicAuth({ store, ids, clock, codes }: Deps, body: unknown): Reply {
  const { email } = parse(MagicAuth, body);
  const user = findUserByEmail(store, email);
  if (!user) throw notFound('User', email);
  const code = randomDigits(MAGIC_CODE_LENGTH);
  const expiresAt = codes.issue('magic', `${user.id}:${code}`, user.id, {});
  const now = timestamp(clock);
  const magicAuth = { object: 'magic_auth', id: ids.make('magic_auth'), user_id: user.id, email: user.email, code };
  return { status: 201, body: { ...magicAuth, expires_at: expiresAt, created_at: now, updated_at: now } };
}
