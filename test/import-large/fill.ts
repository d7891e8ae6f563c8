import { createHash } from 'node:crypto';
import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { Knex } from 'knex';
import { parse, stringify } from 'yaml';

export const IMPORT = 'large';
const PREFIX = 'acme_';
const CREATED = '2025-11-01T00:00:00.000Z';
export const PRODUCT = fileURLToPath(new URL('../../config/evershell.yaml', import.meta.url));

/** The secret of the i-th key of the other system: what it was does not matter, only that it can be made again. */
export const secretOf = (i: number): string => PREFIX + createHash('sha256').update(`secret ${i}`).digest('hex');
export const organizationOf = (i: number, organizations: number): string => `org_large${i % organizations}`;

/** Inserts the organizations that the rows are of, in one statement. */
export async function fillOrganizations(db: Knex, organizations: number): Promise<void> {
  await db.raw(
    `insert into tenants (organization_id, billing_status, plan, created_at, updated_at)
     select 'org_large' || i, 'active', 'scale', ?, ? from generate_series(0, ? - 1) as i`,
    [CREATED, CREATED, organizations],
  );
}

/** Writes the export of the other system, with a bad row for each thousand. */
export async function writeExport(folder: string, rows: number, organizations: number): Promise<string> {
  const path = join(folder, 'export.ndjson');
  await pipeline(linesOf(rows, organizations), createWriteStream(path));
  return path;
}

async function* linesOf(rows: number, organizations: number): AsyncGenerator<string> {
  const AT_ONCE = 1_000;
  for (let from = 0; from < rows; from += AT_ONCE) {
    const lines = Array.from({ length: Math.min(AT_ONCE, rows - from) }, (_, i) => lineOf(from + i, organizations));
    yield `${lines.join('\n')}\n{"id":"bad ${from}","hash":"none"}\n`;
  }
}

function lineOf(i: number, organizations: number): string {
  return JSON.stringify({
    id: `old_${i}`,
    hash: createHash('sha256').update(secretOf(i)).digest('base64'),
    workspace: organizationOf(i, organizations),
    name: `key ${i} of the other system`,
    scopes: ['read'],
    created_at: CREATED,
  });
}

/** Writes the product file with the import, and the mapping of its rows. */
export function writeRules(folder: string, text: string): { product: string; mapping: string } {
  const [product, mapping] = [join(folder, 'product.yaml'), join(folder, 'mapping.yaml')];
  const imports = [{ name: IMPORT, prefix: PREFIX, characters: 'hex', min_length: 69, max_length: 69, hash: 'sha256' }];
  writeFileSync(product, stringify({ ...(parse(text) as object), imports }));
  writeFileSync(mapping, 'fields: { organization: workspace, label: name }\npermission_sets: { read: read_only }\n');
  return { product, mapping };
}
