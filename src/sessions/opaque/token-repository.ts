import type { Knex } from 'knex';
import { transaction } from '../../db/transaction.ts';

/** What an access token of WorkOS said of a session. */
export type Facts = {
  organizationId: string;
  role: string | undefined;
  scopes: readonly string[];
  issuedAt: Date;
  factsUntil: Date;
};
export type OpaqueSession = Facts & { sessionId: string; userId: string };
/** The right to renew a session until `until`. */
export type Claim = {
  sessionId: string;
  until: Date;
  sealedRefresh: Buffer | undefined;
  /** A renewal before this one was not concluded: WorkOS may have used the refresh token up. */
  isInterrupted: boolean;
  lostAt: Date | undefined;
};
export type Renewed = Facts & { tokenHash: Buffer; sealedRefresh: Buffer | undefined; lostAt: Date | undefined };

type Row = {
  session_id: string;
  user_id: string;
  organization_id: string;
  role: string | null;
  scopes: string[];
  issued_at: Date;
  facts_until: Date;
};
type ClaimedRow = { sealed_refresh: Buffer | null; renewing_until: Date | null; lost_at: Date | null };

const COLUMNS = [
  'session_id',
  'user_id',
  'organization_id',
  'role',
  'scopes',
  'issued_at',
  'facts_until',
] as const satisfies (keyof Row)[];

export type TokenRepository = ReturnType<typeof makeTokenRepository>;

/** The table `session_tokens`: sessions with an opaque token. A request with it has no other caller, so it is read by token. */
export function makeTokenRepository(db: Knex) {
  return {
    async find(tokenHashes: readonly Buffer[]): Promise<OpaqueSession | undefined> {
      const row = await db<Row>('session_tokens')
        .whereRaw('token_hash = any(?)', [[...tokenHashes]])
        .first(COLUMNS);
      return row && toSession(row);
    },

    async insert({ sessionId, userId, ...renewed }: Pick<OpaqueSession, 'sessionId' | 'userId'> & Renewed) {
      await db('session_tokens').insert({ session_id: sessionId, user_id: userId, ...columnsOf(renewed) });
    },

    /**
     * Claims the renewal of a session whose facts end by `horizon`.
     * @returns undefined when it has ended or was renewed, or another replica renews it
     */
    claim: (sessionId: string, { now, until, horizon }: { now: Date; until: Date; horizon: Date }) =>
      transaction(db, async (trx): Promise<Claim | undefined> => {
        const { rows } = await trx.raw<{ rows: ClaimedRow[] }>(
          `select sealed_refresh, renewing_until, lost_at from session_tokens
           where session_id = ? and facts_until <= ? and (renewing_until is null or renewing_until <= ?)
             and exists (select 1 from user_sessions as session
               where session.session_id = session_tokens.session_id and session.ended_at is null)
           for update`,
          [sessionId, horizon, now],
        );
        const [row] = rows;
        if (!row) return undefined;
        await trx('session_tokens').where({ session_id: sessionId }).update({ renewing_until: until });
        const { sealed_refresh, renewing_until: before, lost_at } = row;
        const sealedRefresh = sealed_refresh ?? undefined;
        return { sessionId, until, sealedRefresh, isInterrupted: before !== null, lostAt: lost_at ?? undefined };
      }),

    /** Gives a claim back: at once if WorkOS did nothing, else as an interrupted one that can be claimed from `at` on. */
    async release({ sessionId, until }: Claim, at: Date | undefined): Promise<void> {
      await db('session_tokens')
        .where({ session_id: sessionId, renewing_until: until })
        .update({ renewing_until: at ?? null });
    },

    /**
     * Concludes a renewal. One that took longer than its claim still counts if the one after it lost the refresh token.
     * @returns whether the session was still there and not over
     */
    async conclude({ sessionId, until }: Claim, renewed: Renewed, within: Knex = db): Promise<boolean> {
      const changed = await within('session_tokens')
        .where({ session_id: sessionId })
        .whereRaw('(renewing_until = ? or lost_at is not null)', [until])
        .whereRaw('exists (select 1 from user_sessions where session_id = ? and ended_at is null)', [sessionId])
        .update({ ...columnsOf(renewed), renewing_until: null });
      return changed > 0;
    },
  };
}

/** Forgets the refresh token of a session that ends, so that a renewal under way cannot bring one back. */
export async function forgetRefreshToken(trx: Knex.Transaction, sessionId: string): Promise<void> {
  await trx('session_tokens')
    .where({ session_id: sessionId })
    .update({ sealed_refresh: null, renewing_until: null, lost_at: null });
}

function columnsOf({ tokenHash, sealedRefresh, lostAt, ...facts }: Renewed) {
  return {
    token_hash: tokenHash,
    sealed_refresh: sealedRefresh ?? null,
    organization_id: facts.organizationId,
    role: facts.role ?? null,
    scopes: [...facts.scopes],
    issued_at: facts.issuedAt,
    facts_until: facts.factsUntil,
    lost_at: lostAt ?? null,
  };
}

function toSession(row: Row): OpaqueSession {
  return {
    sessionId: row.session_id,
    userId: row.user_id,
    organizationId: row.organization_id,
    role: row.role ?? undefined,
    scopes: row.scopes,
    issuedAt: row.issued_at,
    factsUntil: row.facts_until,
  };
}
