import type { Knex } from 'knex';
import { makeKeyReader } from './key-reader.ts';
import type { KeyReader } from './key-reader.ts';
import { keyWriter } from './key-writer.ts';
import type { KeyWriter } from './key-writer.ts';

export type KeyRepository = KeyReader & KeyWriter;

export function makeKeyRepository(db: Knex): KeyRepository {
  return { ...makeKeyReader(db), ...keyWriter };
}
