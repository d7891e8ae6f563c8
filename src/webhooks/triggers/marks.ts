import type { Knex } from 'knex';

export type Mark = { organizationId: string; subject: string; kind: string; at: Date };

/** Marks an event as published. @returns whether it was not marked before */
export async function mark(trx: Knex.Transaction, { organizationId, ...rest }: Mark, now: Date): Promise<boolean> {
  const rows = await trx('notice_marks')
    .insert({ organization_id: organizationId, ...rest, told_at: now })
    .onConflict(['organization_id', 'subject', 'kind', 'at'])
    .ignore()
    .returning('subject');
  return rows.length > 0;
}

/** Marks an event that may be published again after a while. @returns whether it was not marked since then */
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

/** Deletes the marks of earlier periods of disuse. */
export async function unmarkEarlier(trx: Knex.Transaction, { organizationId, subject, kind, at }: Mark): Promise<void> {
  await trx('notice_marks').where({ organization_id: organizationId, subject, kind }).where('at', '<', at).delete();
}
