import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { authenticate, call, createKey, machineToken, PASSWORD, signIn, startDemo, validate } from './harness.ts';

let folder: string;
let stateFile: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-workos-'));
  stateFile = join(folder, 'deep', 'state.sqlite');
});
afterAll(() => rmSync(folder, { recursive: true }));

const bytesOnDisk = (): string =>
  readdirSync(join(folder, 'deep'))
    .map((name) => readFileSync(join(folder, 'deep', name)).toString('latin1'))
    .join('\n');

async function withEmulator<Result>(work: (emulator: Emulator) => Promise<Result>): Promise<Result> {
  const emulator = await startDemo({ stateFile });
  try {
    return await work(emulator);
  } finally {
    await emulator.close();
  }
}

describe('a restart', () => {
  it('keeps keys, sessions, refresh tokens, signing keys and events', async () => {
    const before = await withEmulator(async (emulator) => ({
      key: await createKey(emulator, { permissions: ['workspace:read'] }),
      session: await signIn(emulator, 'owner@acme.test'),
      machine: (await machineToken(emulator)).body.access_token,
      events: (await call(emulator, 'GET', '/events')).body.data,
      jwks: (await call(emulator, 'GET', '/sso/jwks/client_latchkey')).body,
    }));
    await withEmulator(async (emulator) => {
      expect(await validate(emulator, before.key.value)).toMatchObject({
        id: before.key.id,
        permissions: ['workspace:read'],
      });
      expect((await call(emulator, 'GET', '/sso/jwks/client_latchkey')).body).toEqual(before.jwks);
      const machineKeys = (await call(emulator, 'GET', '/oauth2/jwks')).body;
      await expect(jwtVerify(before.machine, createLocalJWKSet(machineKeys))).resolves.toBeDefined();
      expect((await call(emulator, 'GET', '/events')).body.data).toEqual(before.events);
      const refreshed = await authenticate(emulator, {
        grant_type: 'refresh_token',
        refresh_token: before.session.refresh_token,
      });
      expect(refreshed.status).toBe(200);
    });
  });

  it('inserts what is absent of the seed and keeps what was changed', async () => {
    const counts = await withEmulator(async (emulator) => {
      await call(emulator, 'PUT', '/organizations/org_acme', { body: { name: 'Renamed' } });
      await call(emulator, 'DELETE', '/organizations/org_hooli');
      return (await call(emulator, 'GET', '/_emulator/state')).body;
    });
    expect(counts).toMatchObject({ organizations: 4 });
    await withEmulator(async (emulator) => {
      expect((await call(emulator, 'GET', '/organizations/org_acme')).body.name).toBe('Renamed');
      expect((await call(emulator, 'GET', '/_emulator/state')).body).toMatchObject({
        organizations: 5,
        users: 15,
        memberships: 15,
        machine_clients: 5,
      });
    });
  });
});

describe('the state file', () => {
  it('holds no customer secret, password, client secret, refresh token or code', async () => {
    await withEmulator(async (emulator) => {
      const key = await createKey(emulator, { name: 'Findable' });
      const replayed = await call(emulator, 'POST', '/organizations/org_acme/api_keys', {
        body: { name: 'Replayed' },
        headers: { 'idempotency-key': 'once' },
      });
      const session = await signIn(emulator, 'owner@globex.test');
      const magic = await call(emulator, 'POST', '/user_management/magic_auth', {
        body: { email: 'owner@globex.test' },
      });
      await validate(emulator, key.value);
      const secrets = [
        key.value,
        replayed.body.value,
        session.refresh_token,
        session.access_token,
        PASSWORD,
        'secret_ci_acme',
        emulator.apiKey,
        `:${magic.body.code}`,
      ];
      const written = bytesOnDisk();
      expect(written).toContain('Findable');
      for (const secret of secrets) expect(written.includes(secret), `${secret.slice(0, 12)}… is on disk`).toBe(false);
    });
    expect(bytesOnDisk()).not.toContain(PASSWORD);
  });

  it('is locked by one emulator at a time', async () => {
    await withEmulator(async () => {
      await expect(startDemo({ stateFile })).rejects.toThrow(
        `The state file ${stateFile} is in use by another local WorkOS.`,
      );
    });
    await withEmulator(async () => undefined);
  });
});

it('a state file of an earlier version gets the columns that it lacks', async () => {
  const file = join(folder, 'earlier.sqlite');
  await (await startDemo({ stateFile: file })).close();
  const database = new DatabaseSync(file);
  database.exec('alter table users drop column locale; alter table machine_clients drop column position;');
  database.exec('alter table machine_clients drop column id; drop table invitations;');
  database.close();
  const emulator = await startDemo({ stateFile: file });
  expect((await signIn(emulator, 'owner@acme.test')).user.locale).toBeNull();
  expect((await machineToken(emulator)).status).toBe(200);
  const { data } = (await call(emulator, 'GET', '/connect/applications')).body;
  expect(data).toHaveLength(5);
  await emulator.close();
});
