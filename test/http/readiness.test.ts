import { expect, test } from 'vitest';
import { call, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';

const service = await startService({ WORKOS_TIMEOUT_MS: '300' });

test('GET /readyz stays 200 and shows workos down while WorkOS does not answer', async () => {
  service.workos.faults.add({ kind: 'status', status: 503, times: 0 });
  const readiness = () => call(service, 'GET', '/readyz');
  await expect.poll(async () => (await readiness()).body).toMatchObject({ status: 'ready', workos: 'down' });
  expect(outcome(await readiness())).toEqual([200, undefined]);
});
