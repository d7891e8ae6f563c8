import type { Knex } from 'knex';

export type Mark = { organizationId: string; subject: string; kind: string; at: Date };

/** Notes what is told now. @returns whether nobody had told it before */
export async function mark(trx: Knex.Transaction, { organizationId, ...rest }: Mark, now: Date): Promise<boolean> {
  const rows = await trx('notice_marks')
    .insert({ organization_id: organizationId, ...rest, told_at: now })
    .onConflict(['organization_id', 'subject', 'kind', 'at'])
    .ignore()
    .returning('subject');
  return rows.length > 0;
}

/** The same for what may be told again after a while. @returns whether it was not told since then */
export async function markAgain(
  trx: Knex.Transaction,
  { organizationId, ...rest }: Omit<Mark, 'at'>,
  { now, notSince }: { now: Date; notSince: Date },
): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: unknown[] }>(
    `insert into notice_marks as mark (organization_id, subject, kind, at, told_at) values (?, ?, ?, 'epoch', ?)
     on conflict (organization_id, subject, kind, at) do update set told_at = excluded.told_at where mark.told_at <= ?
     returning subject`,
    [organizationId, rest.subject, rest.kind, now, notSince],
  );
  return rows.length > 0;
}

/** A new period of disuse ends what was noted of the ones before. */
export async function unmarkEarlier(trx: Knex.Transaction, { organizationId, subject, kind, at }: Mark): Promise<void> {
  await trx('notice_marks').where({ organization_id: organizationId, subject, kind }).where('at', '<', at).delete();
}
