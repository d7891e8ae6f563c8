import { z } from 'zod';
import { timestamp, timestampIn } from '../clock.ts';
import { coded, notFound } from '../http/http-error.ts';
import { parse } from '../http/parse.ts';
import type { Route } from '../http/route.ts';
import { randomDigits } from '../random-text.ts';
import { insertRow, updateRow } from '../state/rows.ts';
import type { MembershipDeps } from './membership-routes.ts';
import type { UserRow } from './user-store.ts';
import { getUser, toUser, updateUser } from './user-store.ts';

const CODE_LENGTH = 6;
const LIFETIME_MS = 10 * 60 * 1000;

type Deps = MembershipDeps;
export type VerificationRow = {
  id: string;
  user_id: string;
  code: string;
  expires_at: string;
  used_at: string | null;
  created_at: string;
};

const Confirmation = z.object({ code: z.string().min(1).max(64) });

export function emailVerificationRoutes(deps: Deps): Route[] {
  const access = 'environment';
  return [
    {
      method: 'get',
      path: '/user_management/email_verification/:id',
      access,
      handle: ({ params }) => {
        const sql = 'select * from email_verifications where id = ?';
        const row = deps.store.get<VerificationRow>(sql, params['id']!);
        if (!row) throw notFound('Email Verification', params['id']!);
        return { status: 200, body: toVerification(deps, row) };
      },
    },
    {
      method: 'post',
      path: '/user_management/users/:id/email_verification/send',
      access,
      handle: ({ params }) => {
        const user = getUser(deps.store, params['id']!);
        if (user.email_verified === 1) throw coded(400, 'email_already_verified', 'The email is verified already.');
        startVerification(deps, user);
        return { status: 200, body: { user: toUser(user) } };
      },
    },
    {
      method: 'post',
      path: '/user_management/users/:id/email_verification/confirm',
      access,
      handle: ({ params, body }) => {
        const { code } = parse(Confirmation, body);
        return { status: 200, body: { user: toUser(confirmEmail(deps, getUser(deps.store, params['id']!), code)) } };
      },
    },
  ];
}

/** Creates a code, which is read from the API or shown on the hosted page instead of being sent. */
export function startVerification(deps: Deps, user: UserRow): VerificationRow {
  const row: VerificationRow = {
    id: deps.ids.make('email_verification'),
    user_id: user.id,
    code: randomDigits(CODE_LENGTH),
    expires_at: timestampIn(deps.clock, LIFETIME_MS),
    used_at: null,
    created_at: timestamp(deps.clock),
  };
  deps.store.transaction(() => {
    insertRow(deps.store, 'email_verifications', row);
    const { code: _code, ...data } = toVerification(deps, row);
    deps.events.emit('email_verification.created', data, null);
  });
  return row;
}

/** Throws 400 for a wrong, used or expired code. */
export function confirmEmail(deps: Deps, user: UserRow, code: string): UserRow {
  const row = deps.store.get<VerificationRow>(
    'select * from email_verifications where user_id = ? and code = ? order by created_at desc limit 1',
    user.id,
    code,
  );
  if (!row) throw coded(400, 'email_verification_code_incorrect', 'Invalid one-time code.');
  if (row.used_at !== null || row.expires_at <= timestamp(deps.clock))
    throw coded(400, 'email_verification_code_expired', 'The one-time code has expired.');
  return deps.store.transaction(() => {
    updateRow(deps.store, 'email_verifications', row.id, { used_at: timestamp(deps.clock) });
    return updateUser(deps, user, { email_verified: 1 });
  });
}

const toVerification = ({ store }: Deps, row: VerificationRow) => ({
  object: 'email_verification',
  id: row.id,
  user_id: row.user_id,
  email: getUser(store, row.user_id).email,
  expires_at: row.expires_at,
  created_at: row.created_at,
  updated_at: row.used_at ?? row.created_at,
  code: row.code,
});
