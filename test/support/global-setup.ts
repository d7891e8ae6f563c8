import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { connectDatabase } from '../../src/db/connect.ts';
import { connectEmbedded } from '../../src/db/connect-embedded.ts';
import { migrate } from '../../src/db/migrations.ts';

/** The source of test databases: a migrated template on a server, or the dump of an embedded one. */
export type TemplateSource = { kind: 'server'; url: string; template: string } | { kind: 'embedded'; dumpFile: string };

declare module 'vitest' {
  export interface ProvidedContext {
    template: TemplateSource;
  }
}

/** Migrates once; every test file then clones the result. `TEST_DATABASE_URL` names a server to use. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const url = project.config.env?.['TEST_DATABASE_URL'] ?? process.env['TEST_DATABASE_URL'];
  return url === undefined || url === '' ? embeddedTemplate(project) : serverTemplate(project, url);
}

async function serverTemplate(project: TestProject, url: string): Promise<() => Promise<void>> {
  const template = `latchkey_template_${randomBytes(6).toString('hex')}`;
  const admin = connectDatabase({ url, poolMax: 1 });
  await admin.raw('create database ??', [template]);
  const db = connectDatabase({ url: withDatabase(url, template), poolMax: 1 });
  await migrate(db);
  await db.destroy();
  project.provide('template', { kind: 'server', url, template });
  return async () => {
    await admin.raw('drop database if exists ?? with (force)', [template]);
    await admin.destroy();
  };
}

async function embeddedTemplate(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-template-'));
  const dumpFile = join(folder, 'dump.tar');
  const { db, pglite, close } = await connectEmbedded({ dataDir: 'memory://' });
  await migrate(db);
  // Two of the three databases, which every load would read and no test uses.
  await pglite.exec('update pg_database set datistemplate = false');
  for (const name of ['template0', 'template1']) await pglite.exec(`drop database ${name}`);
  await writeFile(dumpFile, Buffer.from(await (await pglite.dumpDataDir('none')).arrayBuffer()));
  await close();
  project.provide('template', { kind: 'embedded', dumpFile });
  return () => rm(folder, { recursive: true });
}

export function withDatabase(url: string, name: string): string {
  const copy = new URL(url);
  copy.pathname = `/${name}`;
  return copy.href;
}
