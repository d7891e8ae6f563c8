import { expect, test } from 'vitest';
import { readConfig } from '../../src/app/read-config.ts';

const CURRENT = 'the current secret of 32 bytes or more';
const others = ['a', 'b', 'c', 'd'].map((name) => `an earlier secret of 32 bytes: ${name}`);

const read = (previous: string) =>
  readConfig({
    DATABASE_URL: 'postgres://somewhere',
    WORKOS_API_KEY: 'sk_x',
    WORKOS_CLIENT_ID: 'client_x',
    WORKOS_COOKIE_PASSWORD: 'x'.repeat(32),
    LATCHKEY_SECRET: CURRENT,
    LATCHKEY_PREVIOUS_SECRETS: previous,
  }).previousSecrets;

test.each([0, 1, 3])('accepts %d previous secrets', (count) => {
  expect(read(others.slice(0, count).join(', '))).toEqual(others.slice(0, count));
});

test.each([
  ['four', others.join(','), 'needs up to 3 secrets'],
  ['a short one', `${others[0]},short`, 'needs up to 3 secrets of 32 bytes or more'],
  ['one with a comma in it', 'this one has a comma, and is thus no secret but two', 'no secret may contain a comma'],
  ['the current one', `${others[0]},${CURRENT}`, 'names a secret twice, or the current one'],
  ['one twice', `${others[0]},${others[1]},${others[0]}`, 'names a secret twice'],
])('refuses %s without repeating a value', (_what, previous, reason) => {
  const refused = () => read(previous);
  expect(refused).toThrow('LATCHKEY_PREVIOUS_SECRETS: ');
  expect(refused).toThrow(reason);
  expect(refused).not.toThrow(/earlier|current secret of|this one/);
});
