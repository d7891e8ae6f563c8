import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectDatabase } from '../../src/db/connect.ts';
import { freePort, startEntry, temporaryFolder } from '../process/start.ts';
import { runChild, startChild } from '../support/child.ts';
import { withDatabase } from '../support/global-setup.ts';
import { blocksOf, documents, ROOT } from './pages.ts';
import type { Block } from './pages.ts';

// `npm run test:documents`: what a reader pastes from the documents, block after block in one shell for each session of a
// page, against `npm start` with data of its own. The session `operations` has the variables of a production start on
// TEST_DATABASE_URL instead, and is left out without that.

type Env = Record<string, string>;
type Session = { page: string; name: string; blocks: Block[] };
type Run = { name: string; prints: string | undefined; exits: number };

const server = process.env['TEST_DATABASE_URL'] ?? '';
const hasTools = spawnSync('bash', ['-c', 'command -v curl openssl sed git']).status === 0;

function runOf({ marker = '' }: Block): Run | undefined {
  const [, name, prints, exits = '0'] = /^run: ([\w-]+)(?:; prints: (.+?))?(?:; exits: (\d))?$/.exec(marker) ?? [];
  return name === undefined ? undefined : { name, prints, exits: Number(exits) };
}

const sessions: Session[] = documents().flatMap((page) => {
  const blocks = blocksOf(page).filter((block) => runOf(block) !== undefined);
  const byName = Map.groupBy(blocks, (block) => runOf(block)!.name);
  return Array.from(byName, ([name, some]) => ({ page, name, blocks: some }));
});
const started = sessions.filter(({ name }) => name !== 'operations');
const operated = sessions.filter(({ name }) => name === 'operations');

test.runIf(hasTools).each(started)('the session $name of $page works as it stands', async ({ blocks }) => {
  const [port, workosPort] = [await freePort(), await freePort()];
  const folder = join(temporaryFolder(), 'data');
  const service = startEntry('embedded', {
    PORT: `${port}`,
    WORKOS_PORT: `${workosPort}`,
    LATCHKEY_DATA_DIR: folder,
    LOG_LEVEL: 'silent',
  });
  await service.saw(/make a key by hand:/, 60_000);
  const at = (text: string) => text.replaceAll('127.0.0.1:3000', `127.0.0.1:${port}`);
  const env = { ORGANIZATION: 'org_acme', SERVICE_TOKEN: 'svc_latchkey_demo' };
  const faults = await paste(blocks, (text) => at(text).replaceAll('127.0.0.1:4100', `127.0.0.1:${workosPort}`), env);
  expect(faults).toEqual([]);
});

test.runIf(hasTools && server !== '').each(operated)('the commands of $page work as they stand', async ({ blocks }) => {
  expect(await paste(blocks, (text) => text, await production())).toEqual([]);
});

test('no session is forgotten', () => {
  expect(started.length).toBeGreaterThan(4);
  expect(operated.length).toBeGreaterThan(4);
});

/** Runs the blocks in one shell, and returns those that print something else or end otherwise than their page says. */
async function paste(blocks: readonly Block[], at: (text: string) => string, env: Env): Promise<string[]> {
  const runs = blocks.map((block) => ({ ...runOf(block)!, block }));
  const script = runs.map(
    ({ block, exits }, index) => `echo; echo "@@ ${index}"
${exits === 0 ? 'set -e' : 'set +e'}
${at(block.text)}
status=$?; echo; echo "@@ exits $status"`,
  );
  const { stdout, stderr } = await runChild('bash', ['-c', script.join('\n')], { cwd: ROOT, env });
  const printed = stdout.split(/^@@ \d+$/m).slice(1);
  return runs.flatMap(({ block, prints = '', exits }, index) => {
    const seen = printed[index] ?? '';
    const isFine = seen.includes(`@@ exits ${exits}`) && seen.includes(prints);
    return isFine ? [] : [`${block.page}:${block.line}\n${seen}\n${stderr}`];
  });
}

/** A migrated database with a local WorkOS beside it: the variables of the service that would run on them. */
async function production(): Promise<Env> {
  const name = `latchkey_documents_${randomBytes(6).toString('hex')}`;
  const admin = connectDatabase({ url: server, poolMax: 1 });
  onTestFinished(async () => {
    await admin.raw('drop database if exists ?? with (force)', [name]);
    await admin.destroy();
  });
  await admin.raw('create database ??', [name]);
  const folder = temporaryFolder();
  const workos = startChild(process.execPath, [join(ROOT, 'src', 'cli', 'local-workos.ts')], {
    env: { PORT: '0', LATCHKEY_DATA_DIR: folder },
  });
  onTestFinished(() => workos.kill('SIGKILL'));
  const [, url] = await workos.saw(/Local WorkOS on (\S+?),? /);
  const env = {
    DATABASE_URL: withDatabase(server, name),
    WORKOS_API_URL: url!,
    WORKOS_AUTHKIT_URL: url!,
    WORKOS_API_KEY: 'sk_test_latchkey',
    WORKOS_CLIENT_ID: 'client_latchkey',
    WORKOS_COOKIE_PASSWORD: randomBytes(32).toString('hex'),
    LATCHKEY_SECRET: randomBytes(32).toString('hex'),
    LOG_LEVEL: 'silent',
  };
  const migrated = await runChild('npm', ['run', '--silent', 'migrate'], { cwd: ROOT, env });
  expect(migrated).toMatchObject({ code: 0, stderr: '' });
  return env;
}
