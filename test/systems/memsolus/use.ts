import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { outcome } from '../../support/api.ts';
import type { ProductApi } from '../product-api.ts';
import type { Behaviour } from '../system.ts';
import { PERMISSIONS } from './permissions.ts';
import type { World } from './start.ts';

const READ = { scopes: ['memory.read'] };

const ask = async (api: ProductApi, route: string, key: string) => {
  const [method, path] = route.split(' ') as ['GET' | 'POST' | 'DELETE', string];
  return api.send(method, path, { 'x-api-key': key });
};

export const SENDING: Behaviour<World>[] = [
  {
    section: 'Using the key',
    page: 'every request has the key in the header X-Api-Key',
    latchkey: 'In `x-api-key`, in any case, or as a bearer token.',
    async check({ company, api }) {
      const { value } = await (await company()).key(READ);
      for (const headers of [{ 'X-Api-Key': value }, { 'x-api-key': value }, { authorization: `Bearer ${value}` }])
        expect((await api.send('GET', '/memories', headers)).status).toBe(200);
    },
  },
  {
    section: 'Permissions',
    page: 'permissions come in groups',
    latchkey: '`GET /v1/api-keys/permissions` lists the groups, and what each permission allows.',
    async check({ company }) {
      const { body } = await (await company()).ask('GET', '/v1/api-keys/permissions');
      const groups = body.data.map(({ group, permissions }) => [
        group,
        (permissions as { name: string; choosable: boolean }[]).filter((one) => one.choosable).map(({ name }) => name),
      ]);
      expect(groups.slice(0, 3)).toEqual([
        ['Memories', ['memory.read', 'memory.write', 'memory.delete']],
        ['Knowledge', ['knowledge.read', 'knowledge.write', 'knowledge.delete']],
        ['Export', ['export.read', 'export.write']],
      ]);
      expect(groups.flatMap(([, names]) => names)).toEqual(PERMISSIONS.map(({ scope }) => scope));
    },
  },
  {
    section: 'Permissions',
    page: 'a key without the required permission is refused with 403',
    latchkey: '403 `permission_denied`, with the permission in `details.required_scopes`.',
    async check({ company, api }) {
      const key = await (await company()).key(READ);
      const refused = await api.send('DELETE', '/memories', { 'x-api-key': key.value });
      expect(outcome(refused)).toEqual([403, 'permission_denied']);
      expect(refused.body.error.details).toEqual({ required_scopes: ['memory.delete'] });
    },
  },
];

/** One behaviour for each line of the page's table: the permission opens its own route, and none of the other thirteen. */
export const EACH_PERMISSION: Behaviour<World>[] = PERMISSIONS.map(({ scope, allows }) => ({
  section: 'Permissions',
  page: `${scope} is for ${allows}`,
  latchkey: 'A key with this permission alone is admitted where it is required, and nowhere else.',
  async check({ company, api }) {
    const key = await (await company()).key({ scopes: [scope] });
    const statuses = await Promise.all(PERMISSIONS.map(async ({ route }) => (await ask(api, route, key.value)).status));
    expect(statuses).toEqual(PERMISSIONS.map((other) => (other.scope === scope ? 200 : 403)));
  },
}));

export const PRACTICES: Behaviour<World>[] = [
  {
    section: 'Best practices',
    page: 'each integration has its own key, so that revoking one leaves the others',
    latchkey: '`DELETE` revokes that key only.',
    async check({ company, api }) {
      const acme = await company();
      const [agent, crm] = [await acme.key({ label: 'agent', ...READ }), await acme.key({ label: 'crm', ...READ })];
      await acme.ask('DELETE', `/v1/api-keys/${crm.id}`);
      expect((await ask(api, 'GET /memories', crm.value)).status).toBe(401);
      expect((await ask(api, 'GET /memories', agent.value)).status).toBe(200);
    },
  },
  {
    section: 'Best practices',
    page: 'a key has only the permissions that its integration uses',
    latchkey: 'A key never gains permissions: `PATCH` with `scopes` is 400 `validation_error`.',
    async check({ company }) {
      const acme = await company();
      const key = await acme.key(READ);
      const widened = await acme.ask('PATCH', `/v1/api-keys/${key.id}`, { scopes: ['memory.write'] });
      expect(outcome(widened)).toEqual([400, 'validation_error']);
      expect(await acme.shown(key.id)).toMatchObject({ scopes: ['memory.read'] });
    },
  },
  {
    section: 'Best practices',
    page: 'keys are rotated: create a new one, switch over, revoke the old one',
    latchkey:
      "In these steps, or in one with `POST /v1/api-keys/{id}/rotate` and `grace_seconds`. A test key's successor is a test key.",
    async check({ company, verify }) {
      const acme = await company();
      const old = await acme.key(READ);
      const next = await acme.key(READ);
      expect([await verify(old.value), await verify(next.value)]).toMatchObject([{ valid: true }, { valid: true }]);
      await acme.ask('DELETE', `/v1/api-keys/${old.id}`);
      expect([await verify(old.value), await verify(next.value)]).toMatchObject([{ valid: false }, { valid: true }]);
      const rotated = await acme.ask('POST', `/v1/api-keys/${next.id}/rotate`, { grace_seconds: 600 });
      const value = String(rotated.body['value']);
      expect([await verify(next.value), await verify(value)]).toMatchObject([{ valid: true }, { valid: true }]);
      const trial = await acme.key({ ...READ, environment: 'test' });
      expect((await acme.ask('POST', `/v1/api-keys/${trial.id}/rotate`, {})).body).toMatchObject({
        environment: 'test',
        value: expect.stringMatching(/^msk_test_/),
      });
    },
  },
  {
    section: 'Best practices',
    page: 'keys do not belong in source code or messages',
    latchkey:
      '`npm run scan -- PATH` finds them offline, and is certain because their last characters are a checksum. It prints no key.',
    async check({ company }) {
      const acme = await company();
      const keys = [await acme.key(READ), await acme.key({ ...READ, environment: 'test' })];
      const folder = mkdtempSync(join(tmpdir(), 'latchkey-scan-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      writeFileSync(join(folder, 'agent.py'), `import os\nA = "${keys[0]!.value}"\nB = '${keys[1]!.value}'\n`);
      const root = new URL('../../../', import.meta.url).pathname;
      const { status, stdout } = spawnSync(process.execPath, ['src/cli/scan.ts', folder], {
        cwd: root,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], LATCHKEY_CONFIG: 'examples/systems/memsolus.yaml' },
      });
      expect([status, stdout.trim().split('\n').length]).toEqual([1, 2]);
      expect(stdout).toMatch(/agent\.py:2:\d+.*live.*certain/);
      expect(stdout).toMatch(/agent\.py:3:\d+.*test.*certain/);
      for (const { value } of keys) expect(stdout).not.toContain(value);
    },
  },
];
