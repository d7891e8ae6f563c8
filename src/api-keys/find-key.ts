import { AppError } from '../errors.ts';
import type { Reach } from './rules/key-access.ts';
import type { KeyRepository } from './rows/key-repository.ts';
import type { Key } from './key.ts';

/** Finds a key. @throws AppError `api_key_not_found`, also for a key of another organization or beyond the caller's reach */
export function makeFindKey({ keys }: { keys: Pick<KeyRepository, 'find'> }) {
  return async function findKey(organizationId: string, id: string, reach?: Reach): Promise<Key> {
    const key = await keys.find(organizationId, id, reach);
    if (!key) throw apiKeyNotFound();
    return key;
  };
}

export function apiKeyNotFound(): AppError {
  return new AppError('api_key_not_found', 'This organization has no such API key.');
}
