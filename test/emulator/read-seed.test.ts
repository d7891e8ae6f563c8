import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { readSeed } from '../../src/emulator/read-seed.ts';
import { authenticate, call } from './harness.ts';

const WORLD = `
environment: { apiKey: sk_test_mine, clientId: client_mine }
roles:
  - { slug: admin, permissions: ['notes:read', 'apikeys:write'] }
organizations:
  - { id: org_mine, name: Mine, externalId: crm-7 }
people:
  - { id: user_ada, email: ada@mine.test, password: a-long-password }
memberships:
  - { userId: user_ada, organizationId: org_mine, role: admin }
`;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'seed-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const write = (text: string): string => {
  const file = join(folder, 'world.yaml');
  writeFileSync(file, text);
  return file;
};

it('fills a local WorkOS with all that the file names', async () => {
  const emulator = await startEmulator({ port: 0, stateFile: ':memory:', seed: readSeed(write(WORLD)) });
  expect([emulator.apiKey, emulator.clientId]).toEqual(['sk_test_mine', 'client_mine']);
  const { data } = (await call(emulator, 'GET', '/organizations')).body;
  expect(data).toMatchObject([{ id: 'org_mine', external_id: 'crm-7' }]);
  const fields = { grant_type: 'password', email: 'ada@mine.test', password: 'a-long-password' };
  expect((await authenticate(emulator, fields)).body.organization_id).toBe('org_mine');
  const slugs = (await call(emulator, 'GET', '/authorization/permissions')).body.data.map((each: object) =>
    'slug' in each ? each.slug : undefined,
  );
  expect(slugs.toSorted()).toEqual(['apikeys:write', 'notes:read']);
  await emulator.close();
});

it.each([
  ['people: [{ id: user_a }]', /people\[0\].email/],
  ['persons: []', /Unrecognized key: "persons"/],
  ['memberships: [{ userId: user_a, organizationId: org_a, role: x }]', /memberships.0 names the person 'user_a'/],
  ['machineClients: [{ clientId: c, secret: s, organizationId: org_a, scopes: [] }]', /the organization 'org_a'/],
  ['organizations: [', /cannot be used/],
])('%s is refused with its place', (text, reason) => {
  expect(() => readSeed(write(text))).toThrow(reason);
});

it('is read at the start from LOCAL_WORKOS_SEED or --seed', async () => {
  const start = (args: string[], more: NodeJS.ProcessEnv) =>
    spawn(process.execPath, ['src/cli/local-workos.ts', ...args], {
      env: { ...process.env, PORT: '0', LATCHKEY_DATA_DIR: folder, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const child = start([], { LOCAL_WORKOS_SEED: write(WORLD) });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const url = /http:\/\/[\d.:]+/.exec(line)![0];
  const answer = await fetch(`${url}/organizations`, { headers: { authorization: 'Bearer sk_test_mine' } });
  expect(answer.status).toBe(200);
  child.kill();
  await once(child, 'exit');
  const refused = start(['--seed', join(folder, 'missing.yaml')], {});
  const [words] = (await once(createInterface(refused.stderr), 'line')) as [string];
  expect(words).toContain('missing.yaml cannot be used');
});
