import { readJson } from '../state/json.ts';

export type ApiKeyRow = {
  id: string;
  position: string;
  organization_id: string;
  user_id: string | null;
  name: string;
  value_hash: Uint8Array;
  obfuscated_value: string;
  permissions: string;
  last_used_at: string | null;
  expires_at: string | null;
  created_at: string;
  updated_at: string;
};

export type ApiKeyBody = {
  object: 'api_key';
  id: string;
  owner: { type: 'organization'; id: string } | { type: 'user'; id: string; organization_id: string };
  name: string;
  obfuscated_value: string;
  last_used_at: string | null;
  expires_at: string | null;
  permissions: string[];
  created_at: string;
  updated_at: string;
};

export const toApiKey = (row: ApiKeyRow): ApiKeyBody => ({
  object: 'api_key',
  id: row.id,
  owner:
    row.user_id === null
      ? { type: 'organization', id: row.organization_id }
      : { type: 'user', id: row.user_id, organization_id: row.organization_id },
  name: row.name,
  obfuscated_value: row.obfuscated_value,
  last_used_at: row.last_used_at,
  expires_at: row.expires_at,
  permissions: readJson<string[]>(row.permissions),
  created_at: row.created_at,
  updated_at: row.updated_at,
});
