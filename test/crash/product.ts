import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Env } from './processes.ts';

const DEFAULT = join(import.meta.dirname, '..', '..', 'config', 'evershell.yaml');
const NAME = 'LATCHKEY_NOTICES_SECRET';
const EVERYTHING = { api: ['read', 'create', 'wind_down'] };

type Told = { url: string; secret: string };

/**
 * The product that trials are of: a receiver is told of everything, WorkOS keeps the audit log too, and keys are made in
 * every posture, so that billing may say what it likes meanwhile. @returns the environment for it
 */
export async function writeProduct(folder: string, { url, secret }: Told): Promise<Env> {
  const more = {
    notices: { endpoints: [{ name: 'receiver', url, secret_env: NAME }], audit_forwarding: true },
    billing: { postures: { past_due: EVERYTHING, decommissioning: EVERYTHING } },
  };
  // Its form of keys stays WorkOS's.
  const owners = '  prefixes: [sk_]\n  owners: [organization, user]';
  const lines = Object.entries(more).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  const path = join(folder, 'product.yaml');
  await writeFile(path, `${(await readFile(DEFAULT, 'utf8')).replace('  prefixes: [sk_]', owners)}\n${lines.join('')}`);
  return { LATCHKEY_CONFIG: path, [NAME]: secret };
}
