import type { Pool } from 'pg';

type Row = { id: string; status: string; expires_at: Date | null };
/** A rotation as the database saw it at its commit: the old row before the change, and the successor's row. */
type Seen = { old: RowThen; successor: RowThen | null; again: boolean };
type RowThen = {
  id: string;
  label: string;
  description: string | null;
  metadata: object;
  permission_set: string | null;
  scopes: string[];
  expires_at: string | null;
  rate_limit: number | null;
  rate_limit_window_seconds: number | null;
  concurrency: number | null;
  ip_allow_list: string[];
  owner_user_id: string | null;
  environment: string;
};

const SAME = [
  'label',
  'description',
  'metadata',
  'permission_set',
  'scopes',
  'rate_limit',
  'rate_limit_window_seconds',
  'concurrency',
  'ip_allow_list',
  'owner_user_id',
  'environment',
] as const;

/**
 * Has the database note both rows in the transaction that names a successor: whatever was committed before is in the old
 * one, whatever comes after is not.
 */
export async function watchRotations(sql: Pool): Promise<void> {
  await sql.query(`
    create table rotations_seen (organization_id text, old jsonb, successor jsonb, again boolean);
    create function note_rotation() returns trigger language plpgsql as $$ begin
      insert into rotations_seen select old.organization_id, to_jsonb(old),
        (select to_jsonb(successor) from api_keys as successor
         where organization_id = new.organization_id and workos_id = new.rotated_to), old.rotated_to is not null;
      return new;
    end $$;
    create trigger note_rotation before update on api_keys for each row
      when (new.rotated_to is distinct from old.rotated_to) execute function note_rotation()`);
}

/** A rotation is as if it were alone: its successor is the old row as it was when the rotation was committed. */
export async function checkRotations(
  { sql, organizationId }: { sql: Pool; organizationId: string },
  rows: readonly Row[],
): Promise<string[]> {
  const { rows: rotations } = await sql.query<Seen>('select * from rotations_seen where organization_id = $1', [
    organizationId,
  ]);
  return rotations.flatMap(({ old, successor, again }) => {
    if (again) return ['rotation: one key was replaced twice'];
    if (!successor) return ['rotation: a key was replaced by none'];
    const ended = rows.find(({ id }) => id === old.id);
    return [
      ...SAME.filter((name) => !isSame(old[name], successor[name])).map(
        (name) =>
          `rotation: ${name} is ${JSON.stringify(successor[name])} where the old key's was ${JSON.stringify(old[name])}`,
      ),
      ...(endOf(successor) > endOf(old) ? [`rotation: the successor ends later than the old key was to`] : []),
      ...(ended?.expires_at || ended?.status === 'revoked' ? [] : ['rotation: the old key never ends']),
    ];
  });
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function endOf({ expires_at: end }: RowThen): number {
  return end === null ? Infinity : new Date(end).getTime();
}
