import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import type { Answer } from './harness.ts';
import { call, startDemo, steppedClock } from './harness.ts';

const { clock, forward } = steppedClock();
let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo({ clock });
  emulator.behave({ replays_creates: true });
});
afterAll(() => emulator.close());

const create = (idempotencyKey: string, body: object = { name: 'x' }, organizationId = 'org_acme'): Promise<Answer> =>
  call(emulator, 'POST', `/organizations/${organizationId}/api_keys`, {
    body,
    headers: { 'idempotency-key': idempotencyKey },
  });

it('answers a repeated key with the first answer, secret included, for 24 hours', async () => {
  const first = await create('a');
  forward(24 * 60 * 60 * 1000 - 1);
  expect((await create('a')).body).toEqual(first.body);
  forward(1);
  expect((await create('a')).body.id).not.toBe(first.body.id);
});

it('creates once for requests that arrive together', async () => {
  const answers = await Promise.all(Array.from({ length: 5 }, () => create('together')));
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
});

it('keeps keys of different routes apart', async () => {
  expect((await create('b')).body.id).not.toBe((await create('b', { name: 'x' }, 'org_globex')).body.id);
});

it('lets a request that failed use its key again', async () => {
  expect(await create('c', {})).toMatchObject({ status: 422 });
  expect(await create('c')).toMatchObject({ status: 201 });
});

it('requires the environment secret also for a repeated key', async () => {
  await create('d');
  const answer = await call(emulator, 'POST', '/organizations/org_acme/api_keys', {
    body: { name: 'x' },
    key: 'sk_wrong',
    headers: { 'idempotency-key': 'd' },
  });
  expect(answer.status).toBe(401);
});
