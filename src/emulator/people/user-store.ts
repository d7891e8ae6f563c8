import { notFound } from '../http/http-error.ts';
import type { Store } from '../state/store.ts';

export type UserRow = {
  id: string;
  position: string;
  email: string;
  password_hash: string | null;
  first_name: string | null;
  last_name: string | null;
  last_sign_in_at: string | null;
  created_at: string;
  updated_at: string;
};

export const findUserByEmail = (store: Store, email: string): UserRow | undefined =>
  store.get<UserRow>('select * from users where email = ?', email);

export function getUser(store: Store, id: string): UserRow {
  const row = store.get<UserRow>('select * from users where id = ?', id);
  if (!row) throw notFound('User', id);
  return row;
}

export const toUser = (row: UserRow): object => ({
  object: 'user',
  id: row.id,
  email: row.email,
  email_verified: true,
  first_name: row.first_name,
  last_name: row.last_name,
  name: [row.first_name, row.last_name].filter((part) => part !== null).join(' ') || null,
  profile_picture_url: null,
  external_id: null,
  metadata: {},
  locale: null,
  last_sign_in_at: row.last_sign_in_at,
  created_at: row.created_at,
  updated_at: row.updated_at,
});
