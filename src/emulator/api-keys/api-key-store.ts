import type { Clock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import type { EventLog } from '../events/event-log.ts';
import { sha256 } from '../hashing.ts';
import type { Switches } from '../profile/switches.ts';
import { randomAlphanumerics } from '../random-text.ts';
import type { Store } from '../state/store.ts';
import type { Ids } from '../ulid.ts';
import type { ApiKeyRow } from './api-key.ts';
import { toApiKey } from './api-key.ts';

const VALUE_LENGTH = 43;
const SHOWN_LENGTH = 4;

export type NewApiKey = {
  organizationId: string;
  userId: string | null;
  name: string;
  permissions: readonly string[];
  expiresAt: string | null;
};

export type ApiKeyStore = {
  find(id: string): ApiKeyRow | undefined;
  findByValue(value: string): ApiKeyRow | undefined;
  /** Creates a key. The only place that knows the value. */
  insert(key: NewApiKey): { row: ApiKeyRow; value: string };
  touch(row: ApiKeyRow): ApiKeyRow;
  setExpiry(row: ApiKeyRow, expiresAt: string | null): ApiKeyRow;
  delete(row: ApiKeyRow): void;
  /** Revokes the keys that a person has in an organization, at the end of the membership. */
  revokeOfMember(userId: string, organizationId: string): void;
};

type Deps = { store: Store; ids: Ids; clock: Clock; events: EventLog; switches: Pick<Switches, 'key_prefix'> };

export function createApiKeyStore({ store, ids, clock, events, switches }: Deps): ApiKeyStore {
  const remove = (row: ApiKeyRow): void =>
    store.transaction(() => {
      if (store.run('delete from api_keys where id = ?', row.id) > 0)
        events.emit('api_key.revoked', toApiKey(row), row.organization_id);
    });
  return {
    find: (id) => store.get<ApiKeyRow>('select * from api_keys where id = ?', id),
    findByValue: (value) => store.get<ApiKeyRow>('select * from api_keys where value_hash = ?', sha256(value)),
    insert: (key) => {
      const { row, value } = makeRow(key, { position: ids.ulid(), now: timestamp(clock), prefix: switches.key_prefix });
      store.transaction(() => {
        insertRow(store, row);
        events.emit('api_key.created', toApiKey(row), row.organization_id);
      });
      return { row, value };
    },
    touch: (row) => {
      const usedAt = timestamp(clock);
      store.run('update api_keys set last_used_at = ? where id = ?', usedAt, row.id);
      return { ...row, last_used_at: usedAt };
    },
    setExpiry: (row, expiresAt) =>
      store.transaction(() => {
        const changed = { ...row, expires_at: expiresAt, updated_at: timestamp(clock) };
        store.run(
          'update api_keys set expires_at = ?, updated_at = ? where id = ?',
          expiresAt,
          changed.updated_at,
          row.id,
        );
        const data = { ...toApiKey(changed), previous_attributes: { expires_at: row.expires_at } };
        events.emit('api_key.updated', data, row.organization_id);
        return changed;
      }),
    delete: remove,
    revokeOfMember: (userId, organizationId) =>
      store.transaction(() => {
        const rows = store.all<ApiKeyRow>(
          'select * from api_keys where user_id = ? and organization_id = ?',
          userId,
          organizationId,
        );
        for (const row of rows) remove(row);
      }),
  };
}

type Making = { position: string; now: string; prefix: string };

function makeRow(key: NewApiKey, { position, now, prefix }: Making): { row: ApiKeyRow; value: string } {
  const value = `${prefix}${randomAlphanumerics(VALUE_LENGTH)}`;
  const row: ApiKeyRow = {
    id: `api_key_${position}`,
    position,
    organization_id: key.organizationId,
    user_id: key.userId,
    name: key.name,
    value_hash: sha256(value),
    obfuscated_value: `${prefix}...${value.slice(-SHOWN_LENGTH)}`,
    permissions: JSON.stringify(key.permissions),
    last_used_at: null,
    expires_at: key.expiresAt,
    created_at: now,
    updated_at: now,
  };
  return { row, value };
}

function insertRow(store: Store, row: ApiKeyRow): void {
  store.run(
    `insert into api_keys (id, position, organization_id, user_id, name, value_hash, obfuscated_value, permissions, expires_at, created_at, updated_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.id,
    row.position,
    row.organization_id,
    row.user_id,
    row.name,
    row.value_hash,
    row.obfuscated_value,
    row.permissions,
    row.expires_at,
    row.created_at,
    row.updated_at,
  );
}
