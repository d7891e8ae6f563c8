import { expect, onTestFinished, test } from 'vitest';
import { createKey } from '../support/api.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { startService } from '../support/service.ts';
import { takeWorkosDown } from '../support/workos-faults.ts';
import { startConsumer, trusting } from './consumer.ts';

const service = await startService();
const acme = await service.organizations.add({ status: 'active', plan: 'scale' });

test('requireApiKey answers the verdict workos_unavailable with 503 and Retry-After, and caches nothing', async () => {
  let isUnavailable = true;
  const consumer = await startConsumer({
    ...service,
    verdict: async (answer) =>
      isUnavailable
        ? { ...(await answer()), valid: false, code: 'workos_unavailable', id: null, retry_after: 7 }
        : answer(),
  });
  const key = await createKey(service, await acme.session());
  await trusting(consumer);
  const refused = await consumer.ask(key.value);
  expect(refused).toMatchObject({
    status: 503,
    code: 'workos_unavailable',
    body: { error: { details: { retry_after: 7 } } },
  });
  expect(refused.headers.get('retry-after')).toBe('7');
  expect(consumer.guard.size()).toBe(0);
  isUnavailable = false;
  expect((await consumer.ask(key.value)).status).toBe(200);
});

test('requireApiKey returns 503 workos_unavailable while WorkOS is down for a key that only it knows', async () => {
  const consumer = await startConsumer(service);
  const key = await makeDashboardKey(service, acme.id);
  await trusting(consumer);
  takeWorkosDown(service);
  onTestFinished(() => service.workos.faults.clear());
  const refused = await consumer.ask(key.value);
  expect(refused).toMatchObject({ status: 503, code: 'workos_unavailable' });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  service.workos.faults.clear();
  expect((await consumer.ask(key.value)).status).toBe(200);
});
