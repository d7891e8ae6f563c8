import type { Knex } from 'knex';

/** A token, and the row of the key that it is exchanged for. */
export type TokenUse = { organizationId: string; tokenHash: Buffer; rowId: string; expiresAt: Date };
/** `free`: nothing was made of it yet. */
export type TokenState = 'free' | 'used' | 'in progress';

export type TokenUses = ReturnType<typeof makeTokenUses>;

/**
 * Records which tokens were exchanged, until they expire. A token whose exchange made nothing is free again: its row of
 * `api_keys` has failed, or was never committed.
 */
export function makeTokenUses(db: Knex) {
  return {
    /** Takes a token in the transaction that inserts the key's row. Concurrent takers of one token wait for each other. */
    async take(trx: Knex.Transaction, use: TokenUse): Promise<TokenState> {
      const { organizationId, tokenHash, rowId, expiresAt } = use;
      const { rows } = await trx.raw<{ rows: unknown[] }>(
        `insert into ci_token_uses as use (organization_id, token_hash, key_row_id, expires_at) values (?, ?, ?, ?)
         on conflict (organization_id, token_hash) do update set key_row_id = excluded.key_row_id
           where not use.is_made and not exists (
             select from api_keys where organization_id = use.organization_id and id = use.key_row_id and status <> 'failed'
           )
         returning 1`,
        [organizationId, tokenHash, rowId, expiresAt],
      );
      return rows.length > 0 ? 'free' : stateOf(trx, use);
    },

    /** Reads whether a token can be taken now, so that a replay costs nothing else. */
    find: (use: Pick<TokenUse, 'organizationId' | 'tokenHash'>): Promise<TokenState> => stateOf(db, use),

    /** Records, in the transaction that makes the key active, that the token is used up. */
    async made(trx: Knex.Transaction, { organizationId, tokenHash }: TokenUse): Promise<void> {
      await trx('ci_token_uses')
        .where({ organization_id: organizationId, token_hash: tokenHash })
        .update({ is_made: true });
    },

    /** Deletes at most `limit` uses of expired tokens. @returns how many */
    async sweep(now: Date, limit: number): Promise<number> {
      const { rows } = await db.raw<{ rows: unknown[] }>(
        `delete from ci_token_uses where (organization_id, token_hash) in (
           select organization_id, token_hash from ci_token_uses where expires_at <= ? limit ? for update skip locked
         ) returning 1`,
        [now, limit],
      );
      return rows.length;
    },
  };
}

async function stateOf(on: Knex, { organizationId, tokenHash }: Pick<TokenUse, 'organizationId' | 'tokenHash'>) {
  const { rows } = await on.raw<{ rows: { is_made: boolean }[] }>(
    `select use.is_made from ci_token_uses as use
     left join api_keys as key on key.organization_id = use.organization_id and key.id = use.key_row_id
     where use.organization_id = ? and use.token_hash = ? and (use.is_made or key.status <> 'failed')`,
    [organizationId, tokenHash],
  );
  const [use] = rows;
  if (!use) return 'free' as const;
  return use.is_made ? ('used' as const) : ('in progress' as const);
}
