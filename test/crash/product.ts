import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Env } from './processes.ts';

const DEFAULT = join(import.meta.dirname, '..', '..', 'config', 'evershell.yaml');
const NAME = 'LATCHKEY_NOTICES_SECRET';
const EVERYTHING = { api: ['read', 'create', 'wind_down'] };

type Receiver = { url: string; secret: string };

/**
 * The product that trials are of: a receiver gets every webhook, WorkOS gets the audit log, and keys are made in
 * every posture, so that billing may say what it likes meanwhile. @returns the environment for it
 */
export async function writeProduct(folder: string, { url, secret }: Receiver): Promise<Env> {
  const more = {
    webhooks: { endpoints: [{ name: 'receiver', url, secret_env: NAME }], audit_forwarding: true },
    billing: { postures: { past_due: EVERYTHING, decommissioning: EVERYTHING } },
  };
  const usual = await readFile(DEFAULT, 'utf8');
  // Its form of keys stays WorkOS's.
  const owned = usual.replace(/^ {2}prefixes: .*$/m, '$&\n  owners: [organization, user]');
  if (owned === usual) throw new Error('the default product names no prefixes');
  const lines = Object.entries(more).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  const path = join(folder, 'product.yaml');
  await writeFile(path, `${owned}\n${lines.join('')}`);
  return { LATCHKEY_CONFIG: path, [NAME]: secret };
}
