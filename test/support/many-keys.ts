import { ulid } from '../../src/ids.ts';
import { atWorkos } from './at-workos.ts';
import type { Service } from './service.ts';
import type { WorkosKey } from './workos-keys.ts';

const AT_A_TIME = 25;

/** Inserts keys on both sides directly, which is fast; their secrets are unknown. @returns WorkOS's ids */
export async function addKeys(
  service: Pick<Service, 'db' | 'workos' | 'clock'>,
  organizationId: string,
  count: number,
): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const some = Math.min(AT_A_TIME, count - ids.length);
    const made = await Promise.all(Array.from({ length: some }, () => makeKey(service, organizationId)));
    ids.push(...made);
  }
  const now = service.clock();
  await service.db.batchInsert(
    'api_keys',
    ids.map((id, i) => newKeyRow(organizationId, id, `key ${i}`, now)),
    500,
  );
  return ids;
}

async function makeKey(service: Pick<Service, 'workos'>, organizationId: string): Promise<string> {
  const path = `/organizations/${organizationId}/api_keys`;
  return (await atWorkos<WorkosKey>(service, 'POST', path, { name: 'one of many' })).id;
}

function newKeyRow(organizationId: string, workosId: string, label: string, now: Date) {
  return {
    organization_id: organizationId,
    id: ulid(now),
    workos_id: workosId,
    origin: 'workos',
    status: 'active',
    label,
    metadata: '{}',
    scopes: ['workspace:read'],
    prefix: 'sk_...',
    created_by_kind: 'workos',
    created_by_id: 'workos',
    created_at: now,
    updated_at: now,
  };
}
