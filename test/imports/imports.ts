import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { makeImportParts } from '../../src/app/api-keys/imports.ts';
import type { Judged } from '../../src/imports/category.ts';
import { digestSource } from '../../src/imports/sources/digest-source.ts';
import { readRows } from '../../src/imports/sources/read-rows.ts';
import type { FaultPoint } from '../../src/process/fault-point.ts';
import type { ImportRule } from '../../src/product/imports/import-rules.ts';
import { startService } from '../support/service.ts';
import type { Options, Service } from '../support/service.ts';

/** The mapping of tests: old scopes `read` and `work`. */
export const MAPPING = `
permission_sets: { read: read_only, read work: submit_observe }
scopes: { audit: ['audit:read'], all: ['workspace:read', 'audit:read'], money: ['billing:write'] }
`;

export const OLD = {
  name: 'old',
  prefix: 'acme_',
  characters: 'base62',
  min_length: 20,
  max_length: 80,
  hash: 'sha256',
  hashed: 'whole',
  environment: 'live',
} satisfies ImportRule;

export type OldKey = { id: string; secret: string; hash: string };

/** A key of the other system. */
export function anOldKey(prefix = OLD.prefix): OldKey {
  const secret = prefix + randomBytes(20).toString('hex');
  return {
    id: `old_${randomBytes(6).toString('hex')}`,
    secret,
    hash: createHash('sha256').update(secret).digest('hex'),
  };
}

/** The row of a key, as the other system exports it. */
export function rowOf({ id, hash }: OldKey, organization: string, more: object = {}): object {
  return { id, hash, organization, label: `key ${id}`, scopes: 'read', ...more };
}

type Outcome = { whole: boolean; rows: Judged[] };
type Run = { at?: FaultPoint; signal?: AbortSignal; mapping?: string; rule?: ImportRule };

/** Starts a service with imports, and what runs the command's parts on files. */
export async function startImports(
  rules: readonly ImportRule[] = [OLD],
  env: Record<string, string> = {},
  more: Options['product'] = {},
) {
  const service = await startService(env, { product: { imports: [...rules], ...more } });
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-imports-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const partsWith = (at?: FaultPoint) => makeImportParts({ ...service.parts, ...(at && { at }) });

  /** Writes a file of rows, or of texts as they are. */
  function write(rows: readonly (object | string)[], ending = 'ndjson'): string {
    const path = join(folder, `${randomBytes(6).toString('hex')}.${ending}`);
    writeFileSync(path, rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join(''));
    return path;
  }

  function open(path: string, { at, signal, mapping = MAPPING, rule = rules[0]! }: Run) {
    const parts = partsWith(at);
    const rows: Judged[] = [];
    const applying = {
      rows: readRows(path, path.endsWith('.csv') ? 'csv' : 'ndjson'),
      judgeRow: parts.judgeRowOf(rule, parts.parseMapping(mapping, 'mapping.yaml')),
      onBatch: (judged: readonly Judged[]) => void rows.push(...judged),
      signal: signal ?? new AbortController().signal,
    };
    return { parts, rows, applying, rule, mapping };
  }

  return {
    service,
    write,
    parts: partsWith(),

    async plan(path: string, run: Run = {}) {
      const { parts, rows, applying, rule } = open(path, run);
      return { overQuota: await parts.plan({ ...applying, rule }), rows };
    },

    async apply(path: string, run: Run = {}): Promise<Outcome & { resumed: number }> {
      const { parts, rows, applying, rule, mapping } = open(path, run);
      let resumed = 0;
      const sourceDigest = await digestSource(path, [mapping]);
      const onResumed = (taken: number) => void (resumed = taken);
      const whole = await parts.apply({ ...applying, rule, sourceDigest, onResumed });
      return { whole, rows: rows.toSorted((a, b) => a.line - b.line), resumed };
    },

    undo: (name: string, at?: FaultPoint) =>
      partsWith(at).undo({ name, onBatch: () => undefined, signal: new AbortController().signal }),
  };
}

/** The rows of keys in the mirror, by their ids. */
export const storedKeys = (service: Service, organizationId: string) =>
  service.db('api_keys').where({ organization_id: organizationId, origin: 'imported' }).orderBy('workos_id');

/** Category and line of each row. */
export const categories = (rows: readonly Judged[]) => rows.map(({ line, category }) => `${line} ${category}`);
