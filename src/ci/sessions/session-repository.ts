import type { Knex } from 'knex';
import type { Policy } from '../policies/policy.ts';

/** A CI session: a job may make keys under a policy until it expires. */
export type CiSession = {
  organizationId: string;
  id: string;
  policyId: string;
  /** Metadata of every key that the session makes. */
  keyMetadata: Readonly<Record<string, string>>;
  createdAt: Date;
  expiresAt: Date;
};

type Row = {
  organization_id: string;
  id: string;
  policy_id: string;
  key_metadata: Record<string, string>;
  created_at: Date;
  expires_at: Date;
};
/** A session with what its policy says now. */
export type SessionOfToken = CiSession & Pick<Policy, 'issuer' | 'enabled' | 'issue'>;
type Place = Pick<CiSession, 'organizationId' | 'id'>;

const COLUMNS = [
  'organization_id',
  'id',
  'policy_id',
  'key_metadata',
  'created_at',
  'expires_at',
] as const satisfies (keyof Row)[];

export type SessionRepository = ReturnType<typeof makeSessionRepository>;

export function makeSessionRepository(db: Knex) {
  return {
    /** @returns whether the policy is still there, enabled and for sessions; nothing is inserted otherwise */
    async insert(trx: Knex.Transaction, session: CiSession, tokenHash: Buffer): Promise<boolean> {
      const { organizationId, id, policyId, keyMetadata, createdAt, expiresAt } = session;
      const { rows } = await trx.raw<{ rows: unknown[] }>(
        `insert into ci_sessions (organization_id, id, policy_id, token_hash, key_metadata, created_at, expires_at)
         select organization_id, ?, id, ?, ?, ?, ? from ci_policies
         where organization_id = ? and id = ? and enabled and issue = 'session' for share
         returning 1`,
        [id, tokenHash, JSON.stringify(keyMetadata), createdAt, expiresAt, organizationId, policyId],
      );
      return rows.length > 0;
    },

    /** Finds the session of whichever organization by its token: a request with it has no other caller. */
    async findByToken(tokenHashes: readonly Buffer[]): Promise<SessionOfToken | undefined> {
      const { rows } = await db.raw<{ rows: (Row & Pick<Policy, 'issuer' | 'enabled' | 'issue'>)[] }>(
        `select ${COLUMNS.map((name) => `session.${name}`).join(', ')}, policy.issuer, policy.enabled, policy.issue
         from ci_sessions as session join ci_policies as policy
           on policy.organization_id = session.organization_id and policy.id = session.policy_id
         where session.token_hash = any(?) and session.ended_at is null`,
        [[...tokenHashes]],
      );
      const [row] = rows;
      return row && { ...toSession(row), issuer: row.issuer, enabled: row.enabled, issue: row.issue };
    },

    /** Reads a session that was not ended, and keeps it so until the transaction ends. */
    async hold(trx: Knex.Transaction, { organizationId, id }: Place): Promise<CiSession | undefined> {
      const row = await table(trx)
        .where({ organization_id: organizationId, id, ended_at: null })
        .forShare()
        .first(COLUMNS);
      return row && toSession(row);
    },

    /** @returns the session, if this ended it */
    async end(trx: Knex.Transaction, { organizationId, id }: Place, now: Date): Promise<CiSession | undefined> {
      const [row] = await table(trx)
        .where({ organization_id: organizationId, id, ended_at: null })
        .where('expires_at', '>', now)
        .update({ ended_at: now })
        .returning(COLUMNS);
      return row && toSession(row);
    },

    /** Deletes at most `limit` expired sessions. @returns how many */
    async sweep(now: Date, limit: number): Promise<number> {
      const { rows } = await db.raw<{ rows: unknown[] }>(
        `delete from ci_sessions where (organization_id, id) in (
           select organization_id, id from ci_sessions where expires_at <= ? limit ? for update skip locked
         ) returning 1`,
        [now, limit],
      );
      return rows.length;
    },
  };
}

function table(trx: Knex.Transaction) {
  return trx<Row & { ended_at: Date | null }>('ci_sessions');
}

function toSession(row: Row): CiSession {
  return {
    organizationId: row.organization_id,
    id: row.id,
    policyId: row.policy_id,
    keyMetadata: row.key_metadata,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
