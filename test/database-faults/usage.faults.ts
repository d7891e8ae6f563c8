import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import type { CommitLoss } from './proxy.ts';
import { startBehindProxy } from './start.ts';

const { service, proxy } = await startBehindProxy();

const flush = () => service.background.runOnce('flush_usage');
const LOSSES: CommitLoss[] = ['after', 'before', 'late'];

async function makeUsedKey() {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const key = await createKey(service, owner);
  const use = async (times: number) => {
    for (let i = 0; i < times; i++) {
      await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key: key.value } });
    }
  };
  const total = async () =>
    (await call(service, 'GET', `/v1/api-keys/${key.id}/usage`, { token: owner })).body['total'];
  return { use, total };
}

/** As the loop does: again and again, until it is done. */
async function flushUntilDone(): Promise<number> {
  for (let failures = 0; ; failures++) {
    try {
      await flush();
      return failures;
    } catch (error) {
      if (failures === 50) throw error;
      await sleep(50);
    }
  }
}

test.each(LOSSES)('uses whose commit is lost %s being done are counted once', async (how) => {
  const { use, total } = await makeUsedKey();
  await use(7);
  proxy.loseCommit(how);
  await expect(flush()).rejects.toThrow(/connection|ECONNRESET/i);
  await use(2);
  await flushUntilDone();
  expect(await total()).toBe(9);
});

test('while the database is away, keys in memory are verified, and what they were used for is written afterwards', async () => {
  const { use, total } = await makeUsedKey();
  await use(1);
  proxy.refuse(true);
  await use(20);
  await expect(flush()).rejects.toThrow(/connection|ECONNRESET/i);
  await use(20);
  proxy.refuse(false);
  await flushUntilDone();
  expect(await total()).toBe(41);
});
