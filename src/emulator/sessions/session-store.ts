import type { Clock } from '../clock.ts';
import { timestamp, timestampIn } from '../clock.ts';
import type { EventLog } from '../events/event-log.ts';
import { sha256 } from '../hashing.ts';
import { randomAlphanumerics } from '../random-text.ts';
import type { Store } from '../state/store.ts';
import type { Ids } from '../ulid.ts';

const SESSION_LIFETIME_MS = 30 * 24 * 60 * 60 * 1000;
const REFRESH_TOKEN_LENGTH = 43;

export type AuthMethod = 'password' | 'magic_code';

export type SessionRow = {
  id: string;
  position: string;
  user_id: string;
  organization_id: string | null;
  auth_method: AuthMethod;
  status: 'active' | 'revoked';
  ip_address: string | null;
  user_agent: string | null;
  expires_at: string;
  ended_at: string | null;
  created_at: string;
  updated_at: string;
};

export type NewSession = {
  userId: string;
  organizationId: string | null;
  authMethod: AuthMethod;
  ipAddress: string | null;
  userAgent: string | null;
};

export type SessionStore = {
  open(session: NewSession): SessionRow;
  find(id: string): SessionRow | undefined;
  switchOrganization(row: SessionRow, organizationId: string): SessionRow;
  /** Revokes the session, unless it has ended. */
  revoke(row: SessionRow): void;
  revokeOfMember(userId: string, organizationId: string): void;
  issueRefreshToken(session: SessionRow): string;
  /** Consumes the token; `undefined` when it is unknown or used, or its session has ended. */
  redeemRefreshToken(token: string): SessionRow | undefined;
  toBody(row: SessionRow): object;
};

type Deps = { store: Store; ids: Ids; clock: Clock; events: EventLog };

export function createSessionStore(deps: Deps): SessionStore {
  const { store, clock, events } = deps;
  const find = (id: string): SessionRow | undefined => store.get<SessionRow>('select * from sessions where id = ?', id);
  const toBody = (row: SessionRow): object => toSession(row, clock);
  const revoke = (row: SessionRow): void =>
    store.transaction(() => {
      if (row.status === 'revoked') return;
      const now = timestamp(clock);
      store.run(`update sessions set status = 'revoked', ended_at = ?, updated_at = ? where id = ?`, now, now, row.id);
      events.emit(
        'session.revoked',
        toBody({ ...row, status: 'revoked', ended_at: now, updated_at: now }),
        row.organization_id,
      );
    });
  return {
    find,
    toBody,
    revoke,
    open: (session) => openSession(deps, session),
    switchOrganization: (row, organizationId) => {
      const now = timestamp(clock);
      store.run('update sessions set organization_id = ?, updated_at = ? where id = ?', organizationId, now, row.id);
      return { ...row, organization_id: organizationId, updated_at: now };
    },
    revokeOfMember: (userId, organizationId) => {
      const sql = 'select * from sessions where user_id = ? and organization_id = ?';
      for (const row of store.all<SessionRow>(sql, userId, organizationId)) revoke(row);
    },
    issueRefreshToken: (session) => {
      const token = randomAlphanumerics(REFRESH_TOKEN_LENGTH);
      store.run('insert into refresh_tokens (token_hash, session_id) values (?, ?)', sha256(token), session.id);
      return token;
    },
    redeemRefreshToken: (token) => redeem(deps, token),
  };
}

function openSession({ store, ids, clock, events }: Deps, session: NewSession): SessionRow {
  const position = ids.ulid();
  const now = timestamp(clock);
  const row: SessionRow = {
    id: `session_${position}`,
    position,
    user_id: session.userId,
    organization_id: session.organizationId,
    auth_method: session.authMethod,
    status: 'active',
    ip_address: session.ipAddress,
    user_agent: session.userAgent,
    expires_at: timestampIn(clock, SESSION_LIFETIME_MS),
    ended_at: null,
    created_at: now,
    updated_at: now,
  };
  store.run(
    `insert into sessions (id, position, user_id, organization_id, auth_method, status, ip_address, user_agent, expires_at, created_at, updated_at)
     values (?, ?, ?, ?, ?, 'active', ?, ?, ?, ?, ?)`,
    row.id,
    position,
    row.user_id,
    row.organization_id,
    row.auth_method,
    row.ip_address,
    row.user_agent,
    row.expires_at,
    now,
    now,
  );
  store.run('update users set last_sign_in_at = ? where id = ?', now, row.user_id);
  events.emit('session.created', toSession(row, clock), row.organization_id);
  return row;
}

function redeem({ store, clock }: Deps, token: string): SessionRow | undefined {
  const hash = sha256(token);
  const session = store.get<SessionRow>(
    `select sessions.* from refresh_tokens join sessions on sessions.id = refresh_tokens.session_id
     where token_hash = ? and used_at is null and status = 'active' and expires_at > ?`,
    hash,
    timestamp(clock),
  );
  if (session) store.run('update refresh_tokens set used_at = ? where token_hash = ?', timestamp(clock), hash);
  return session;
}

function toSession(row: SessionRow, clock: Clock): object {
  const isOver = row.status === 'active' && row.expires_at <= timestamp(clock);
  return {
    object: 'session',
    id: row.id,
    user_id: row.user_id,
    ...(row.organization_id !== null && { organization_id: row.organization_id }),
    auth_method: row.auth_method,
    status: isOver ? 'expired' : row.status,
    ip_address: row.ip_address,
    user_agent: row.user_agent,
    expires_at: row.expires_at,
    ended_at: isOver ? row.expires_at : row.ended_at,
    created_at: row.created_at,
    updated_at: row.updated_at,
  };
}
