import { createHash, randomBytes } from 'node:crypto';
import { OLD, anOldKey, rowOf } from '../imports/imports.ts';
import type { startImports } from '../imports/imports.ts';
import { verifyKey } from '../support/api.ts';

/** Keys of the other system whose hashes have a salt, which their first part finds. */
export const SALTED = {
  ...OLD,
  name: 'salted',
  prefix: 'salted_',
  characters: 'word',
  hash: 'sha256-salted',
  locator: 'before_last_underscore',
} as const;

/** Imports keys of both kinds, applies the file again, uses a key of each, and one that was never exported. */
export async function driveImports(imports: Awaited<ReturnType<typeof startImports>>, organizationId: string) {
  const { service, write, plan, apply, undo } = imports;
  const plain = anOldKey();
  const salted = aSaltedKey();
  const runs = [
    { rule: OLD, path: write([rowOf(plain, organizationId), ...someRows(organizationId)]) },
    { rule: SALTED, path: write([{ ...salted.row, organization: organizationId, scopes: 'read' }]) },
  ];
  for (const { rule, path } of runs) {
    await plan(path, { rule });
    await apply(path, { rule });
    await apply(path, { rule });
  }
  const unknown = [anOldKey().secret, `${salted.row.locator}_${randomBytes(16).toString('hex')}`];
  for (const key of [plain.secret, salted.secret, ...unknown]) await verifyKey(service, { key });
  for (const { rule } of runs) await undo(rule.name);
}

const someRows = (organizationId: string) =>
  Array.from({ length: 20 }, () => rowOf(anOldKey(), organizationId, { created_at: '2026-01-01T00:00:00Z' }));

function aSaltedKey() {
  const locator = `salted_${randomBytes(4).toString('hex')}`;
  const secret = `${locator}_${randomBytes(16).toString('hex')}`;
  const hash = createHash('sha256').update(`salt${secret}`).digest('hex');
  return { secret, row: { id: `old_${locator}`, hash, salt: 'salt', locator } };
}
