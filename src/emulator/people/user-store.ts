import type { Clock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import type { EventLog } from '../events/event-log.ts';
import { notFound } from '../http/http-error.ts';
import { readJson } from '../state/json.ts';
import { insertRow, updateRow } from '../state/rows.ts';
import type { Store } from '../state/store.ts';
import type { Ids } from '../ulid.ts';

export type UserRow = {
  id: string;
  position: string;
  email: string;
  password_hash: string | null;
  first_name: string | null;
  last_name: string | null;
  name: string | null;
  email_verified: number;
  external_id: string | null;
  metadata: string;
  locale: string | null;
  last_sign_in_at: string | null;
  created_at: string;
  updated_at: string;
};

/** Fields that a request may set; `undefined` for those that it leaves out. */
export type UserFields = Partial<Omit<UserRow, 'id' | 'position' | 'last_sign_in_at' | 'created_at' | 'updated_at'>>;

type Deps = { store: Store; ids: Ids; clock: Clock; events: EventLog };

export const findUserByEmail = (store: Store, email: string): UserRow | undefined =>
  store.get<UserRow>('select * from users where email = ?', email);

export const findUserByExternalId = (store: Store, externalId: string): UserRow | undefined =>
  store.get<UserRow>('select * from users where external_id = ?', externalId);

export function getUser(store: Store, id: string): UserRow {
  const row = store.get<UserRow>('select * from users where id = ?', id);
  if (!row) throw notFound('User', id);
  return row;
}

export function insertUser({ store, ids, clock, events }: Deps, fields: UserFields & { email: string }): UserRow {
  const position = ids.ulid();
  const now = timestamp(clock);
  const id = `user_${position}`;
  return store.transaction(() => {
    insertRow(store, 'users', { id, position, ...given(fields), created_at: now, updated_at: now });
    const row = getUser(store, id);
    events.emit('user.created', toUser(row), null);
    return row;
  });
}

export function updateUser(
  { store, clock, events }: Omit<Deps, 'ids'>,
  { id }: Pick<UserRow, 'id'>,
  fields: UserFields,
): UserRow {
  return store.transaction(() => {
    updateRow(store, 'users', id, { ...given(fields), updated_at: timestamp(clock) });
    const row = getUser(store, id);
    events.emit('user.updated', toUser(row), null);
    return row;
  });
}

const given = (fields: UserFields): Record<string, string | number | null> =>
  Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string | number | null] => entry[1] !== undefined),
  );

export const toUser = (row: UserRow): object => ({
  object: 'user',
  id: row.id,
  email: row.email,
  email_verified: row.email_verified === 1,
  first_name: row.first_name,
  last_name: row.last_name,
  name: row.name ?? ([row.first_name, row.last_name].filter((part) => part !== null).join(' ') || null),
  profile_picture_url: null,
  external_id: row.external_id,
  metadata: readJson<Record<string, string>>(row.metadata),
  locale: row.locale,
  last_sign_in_at: row.last_sign_in_at,
  created_at: row.created_at,
  updated_at: row.updated_at,
});
