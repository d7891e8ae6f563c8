import { expect, onTestFinished, test } from 'vitest';
import { verifyKey } from '../support/api.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { startService } from '../support/service.ts';

const service = await startService({
  LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '50',
  WORKOS_VALIDATIONS_PER_SECOND: '20',
  WORKOS_UNEXPECTED_KEYS_PER_MINUTE: '60',
});

const newTenant = async () => {
  const organization = await service.organizations.add({ status: 'active', plan: 'scale' });
  return { ...organization, token: await organization.machineToken('apikeys:verify') };
};
let guesses = 0;
const guess = () => `sk_nobodys_key_but_long_enough_${guesses++}`;
const guessesFrom = (ipOf: (i: number) => string) =>
  Array.from({ length: 100 }, (_, i) => ({ key: guess(), ip: ipOf(i) }));

test('a thousand unknown keys a second of one tenant leave the keys that another made in the dashboard', async () => {
  const [attacker, other] = [await newTenant(), await newTenant()];
  const keys = await Promise.all(Array.from({ length: 30 }, () => makeDashboardKey(service, other.id)));
  const batches: Promise<unknown>[] = [];
  const flood = setInterval(() => {
    const network = `10.${batches.length % 250}`;
    batches.push(verifyKey(service, { keys: guessesFrom((n) => `${network}.${n}.1`) }, attacker.token));
  }, 100);
  // Batches that are under way when the service ends would fail.
  onTestFinished(async () => {
    clearInterval(flood);
    await Promise.allSettled(batches);
  });
  for (const { value } of keys) {
    const { status, body } = await verifyKey(service, { key: value }, other.token);
    expect([status, body['code']]).toEqual([200, 'valid']);
  }
  expect(batches.length).toBeGreaterThan(0);
});
