import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { makeDeliver } from '../../src/webhooks/deliver.ts';
import { webhookEvent } from '../../src/webhooks/webhook.ts';
import { makeOutboxWriter } from '../../src/webhooks/outbox-writer.ts';
import { makeOutbox } from '../../src/webhooks/outbox.ts';
import { makeTestClock } from '../support/clock.ts';
import { runChild } from '../support/child.ts';
import { freshDatabase } from '../support/database.ts';
import { runEntry } from '../process/start.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const clock = makeTestClock();
const { db, url, close } = await freshDatabase();
afterAll(close);
if (url === undefined) throw new Error('these tests need TEST_DATABASE_URL: the command runs as a process of its own');
const env = { DATABASE_URL: url };
const writer = makeOutboxWriter({ endpoints: [{ name: 'crm' }], forwardsAudit: false, clock });
const deliver = makeDeliver({
  endpoint: 'crm',
  send: () =>
    Promise.resolve({ delivered: false, failure: 'answered 500', error: 'http_error', status: 500, final: false }),
  outbox: makeOutbox(db),
  count: () => undefined,
  onFailure: (error) => {
    throw error;
  },
  at: () => undefined,
  clock,
  log: { warn: () => undefined, error: () => undefined },
});

test('lists undelivered webhooks, and sends a dead letter again', async () => {
  for (const id of ['org_a', 'org_b'])
    await db.transaction((trx) =>
      writer.publish(trx, id, [
        webhookEvent('api_key.limit_reached', id, clock(), { details: { limit: 10, environment: 'live' } }),
      ]),
    );
  const signal = new AbortController().signal;
  clock.advance(4 * 24 * 60 * 60_000);
  await deliver(signal);
  await db.transaction((trx) =>
    writer.publish(trx, 'org_a', [
      webhookEvent('api_key.limit_reached', 'org_a', clock(), { details: { limit: 11, environment: 'live' } }),
    ]),
  );

  const all = await runEntry('cli/webhooks', env, ['list']);
  expect([all.code, all.stderr, all.stdout.split('\n').length]).toEqual([0, '', 4]);
  const dead = await runEntry('cli/webhooks', env, ['list', '--dead', '--organization', 'org_a']);
  const line = /^(notice_\w{26}) {2}dead {2}crm {2}org_a {2}api_key\.limit_reached {2}\S+Z {2}1 try {2}answered 500\n$/;
  expect(dead.stdout).toMatch(line);
  const id = line.exec(dead.stdout)![1]!;

  expect(await runEntry('cli/webhooks', env, ['replay', id])).toMatchObject({
    code: 0,
    stdout: `${id} will be sent again.\n`,
  });
  expect((await runEntry('cli/webhooks', env, ['list', '--dead', '--organization', 'org_a'])).stdout).toBe('');
  const again = await runEntry('cli/webhooks', env, ['replay', id]);
  expect(again).toMatchObject({ code: 1, stderr: `There is no delivery ${id} that has ended.\n` });
});

test.each([[[]], [['replay']], [['list', 'x']], [['forget', 'x']], [['list', '--nonsense']]])(
  'with %j prints its usage and exits with 1',
  async (args) => {
    const { code, stdout, stderr } = await runEntry('cli/webhooks', env, args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/npm run webhooks|--nonsense/);
  },
);

const write = (id: string, count: number) =>
  db.transaction(async (trx) => {
    const told = Array.from({ length: count }, (_, limit) =>
      webhookEvent('api_key.limit_reached', id, clock(), { details: { limit, environment: 'live' } }),
    );
    await writer.publish(trx, id, told);
  });

describe('the list of webhooks', () => {
  test('has 2,500 webhooks in their order', async () => {
    await write('org_many', 2_500);
    const { stdout } = await runEntry('cli/webhooks', env, ['list', '--organization', 'org_many']);
    const ids: string[] = await db('outbox').where({ organization_id: 'org_many' }).orderBy('sequence').pluck('id');
    expect(ids).toHaveLength(2_500);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(ids);
  });

  test('ends without an error when its reader stops reading', async () => {
    await write('org_seen', 2_500);
    const list = `"${process.execPath}" src/cli/webhooks.ts list --organization org_seen | head -n 1`;
    const { stdout, stderr } = await runChild('sh', ['-c', list], { cwd: ROOT, env });
    expect(stdout).toMatch(/^notice_\w{26} {2}waiting .*\n$/);
    expect(stderr).toBe('');
  });
});
