import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEMO } from '../../src/emulator/demo.ts';
import { isInstalled } from '../server/proxy.ts';
import { runChild, startChild } from '../support/child.ts';
import { startEvaluations, startMemories } from './customer-apis.ts';
import { leadHostsTo } from './customer-host.ts';
import { startIngestion } from './evermuse/ingestion.ts';
import { startWithTestKeys } from './memsolus/start.ts';
import { startWorld } from './world.ts';

// Each client of examples/customers/README.md, which was written from its product's public page alone, runs unchanged.
const CLIENTS = new URL('../../examples/customers/', import.meta.url).pathname;
const MINUTE_MS = 60_000;
const hasCurl = isInstalled('curl');

type Env = Readonly<Record<string, string>>;

const commandOf = (client: string) => (client.endsWith('.mjs') ? process.execPath : 'bash');

/** Runs a client until it exits, and returns its exit code and lines. */
async function run(client: string, args: readonly string[], env: Env) {
  const { code, stdout, stderr } = await runChild(commandOf(client), [join(CLIENTS, client), ...args], { env });
  return { code, printed: stdout.trim().split('\n'), errors: stderr.trim() };
}

describe('evershell-create-key.mjs', async () => {
  const world = await startWorld('evershell');
  const hosts = await leadHostsTo(world.service.url);
  const acme = await world.company();
  const create = (token: string, { name } = acme) =>
    run('evershell-create-key.mjs', [], {
      ...hosts,
      EVERSHELL_URL: `http://${name}.evershell.ai`,
      EVERSHELL_TOKEN: token,
    });

  test('prints the key, which works', async () => {
    const { code, printed, errors } = await create(await acme.session());
    expect([code, errors]).toEqual([0, '']);
    expect(printed).toContain("  label: 'CI runner — staging',");
    const value = /value: '(sk_live_\w+)'/.exec(printed.join('\n'))![1]!;
    expect(await world.verify(value)).toMatchObject({ valid: true, permission_set: 'full_access' });
  });

  test('explains 401, 403 and 423', async () => {
    const globex = await world.company();
    const expired = await create('eyJ.no.token');
    expect([expired.code, expired.errors]).toEqual([
      2,
      expect.stringMatching(/^401 credential_invalid: .*Request req_/),
    ]);
    const crossed = await create(await acme.session(), globex);
    expect([crossed.code, crossed.errors]).toEqual([2, expect.stringMatching(/^403 permission_denied: .*your own/)]);
    await world.bill(globex.id, { status: 'past_due' });
    const unpaid = await create(await globex.session(), globex);
    expect([unpaid.code, unpaid.errors]).toEqual([
      3,
      expect.stringMatching(/^423 billing_inactive: .*Settle the bill/),
    ]);
  });
});

describe.skipIf(!hasCurl || !isInstalled('caddy'))('evermuse-ingest.sh', async () => {
  const world = await startWorld('evermuse');
  const url = isInstalled('caddy') ? await startIngestion(world.service) : '';
  const acme = await world.company();
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-customer-'));
  const [first, second] = [join(folder, 'first.json'), join(folder, 'second.json')];
  for (const file of [first, second]) await writeFile(file, '{"records":[{"id":1}]}\n');
  const ingest = (key: string, ...files: string[]) =>
    run('evermuse-ingest.sh', files, { EVERMUSE_URL: url, EVERMUSE_API_KEY: key });

  test('waits as long as retryAfter in the body of a 429 says, and sends the file again', async () => {
    const { value } = await acme.key({ scopes: ['api:write'], rate_limit: { limit: 1, window_seconds: 2 } });
    const { code, printed, errors } = await ingest(value, first, second);
    expect([code, errors]).toEqual([0, '']);
    expect(printed).toEqual([
      `${first}: ingested at attempt 1`,
      expect.stringMatching(/second\.json: rate limit exceeded, waiting [12] s$/),
      `${second}: ingested at attempt 2`,
    ]);
  });

  test('ends with a key that lacks api:write, and with a revoked one', async () => {
    const reader = await acme.key({ scopes: ['api:read'] });
    expect(await ingest(reader.value, first)).toMatchObject({
      code: 1,
      errors: expect.stringContaining('lacks api:write'),
    });
    const leaked = await acme.key({ scopes: ['api:write'] });
    await acme.ask('DELETE', `/v1/api-keys/${leaked.id}`);
    expect(await ingest(leaked.value, first)).toMatchObject({
      code: 1,
      errors: expect.stringContaining('missing or invalid API key'),
    });
  });
});

describe('embermind-profile.mjs', async () => {
  const world = await startWorld('embermind', { passwords: true });
  const acme = await world.company();
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-customer-'));
  const profile = (env: Env, ...args: string[]) =>
    run('embermind-profile.mjs', args, { EMBERMIND_URL: world.service.url, ...env });
  const person = (file: string, password: string = DEMO.password) => ({
    EMBERMIND_LOGIN: acme.email('operator'),
    EMBERMIND_PASSWORD: password,
    EMBERMIND_TOKEN_FILE: join(folder, file),
  });
  const shown = JSON.stringify({
    valid: true,
    login: acme.email('operator'),
    email: acme.email('operator'),
    companyId: acme.id,
  });

  test('keeps its token from run to run, and signs in again after inactivity and after signing out', async () => {
    const me = person('token');
    expect(await profile(me)).toEqual({ code: 0, printed: ['signing in', shown], errors: '' });
    expect(await profile(me)).toEqual({ code: 0, printed: [shown], errors: '' });
    world.service.clock.advance(31 * MINUTE_MS);
    expect(await profile(me)).toEqual({ code: 0, printed: ['signing in', shown], errors: '' });
    expect(await profile(me, 'logout')).toEqual({ code: 0, printed: [shown, 'signed out'], errors: '' });
    expect(await profile(me)).toMatchObject({ code: 0, printed: ['signing in', shown] });
  });

  test('ends with a wrong password', async () => {
    const { code, errors } = await profile(person('other', 'not the password'));
    expect([code, errors]).toEqual([1, expect.stringMatching(/^error\.auth\.\w+: /)]);
  });

  test('works with an API key until it is revoked', async () => {
    const { id, value } = await acme.key({ label: 'root', permission_set: 'root' });
    const { code, printed } = await profile({ EMBERMIND_API_KEY: value });
    expect([code, printed]).toEqual([0, [expect.stringContaining(`"companyId":"${acme.id}"`)]]);
    await acme.ask('DELETE', `/v1/api-keys/${id}`);
    expect(await profile({ EMBERMIND_API_KEY: value })).toMatchObject({
      code: 1,
      errors: 'error.auth.api_key_incorrect: API key is missing or invalid',
    });
  });
});

describe('mixus-evals.mjs', async () => {
  const world = await startWorld('mixus');
  const { url, count } = await startEvaluations(world.service);
  const acme = await world.company();
  const scopes = ['eval:create', 'eval:read'];
  const evaluate = (key: string, ...names: string[]) =>
    run('mixus-evals.mjs', names, { MIXUS_URL: url, MIXUS_API_KEY: key });

  test('runs twelve tasks with a new key, ten at a time', async () => {
    const { value } = await acme.key({ scopes });
    const names = Array.from({ length: 12 }, (_, i) => `eval ${i + 1}`);
    const { code, printed, errors } = await evaluate(`${value}\n`, ...names);
    expect([code, errors]).toEqual([0, '']);
    expect(printed.filter((line) => line.endsWith(': completed')).toSorted()).toEqual(
      names.map((name) => `${name}: completed`).toSorted(),
    );
    expect(printed.filter((line) => line === 'over the limit, waiting 1 s').length).toBeGreaterThanOrEqual(2);
    expect(printed).not.toContain('unauthorized, trying again');
    expect(count.most).toBe(10);
  });

  test('waits for its rate limit', async () => {
    const { value } = await acme.key({ scopes, rate_limit: { limit: 1, window_seconds: 1 } });
    const { code, printed } = await evaluate(value, 'slow');
    expect([code, printed.at(-1)]).toEqual([0, 'slow: completed']);
  });

  test('ends with a key that lacks the scope, or is not whole, and tries a revoked one again', async () => {
    const reader = await acme.key({ scopes: ['eval:read'] });
    const denied = 'Access denied: generate a new key with the correct scope';
    expect(await evaluate(reader.value, 'x')).toMatchObject({ code: 1, errors: denied });
    expect(await evaluate(reader.value.slice(0, -1), 'x')).toMatchObject({ code: 1 });
    const gone = await acme.key({ scopes });
    await acme.ask('DELETE', `/v1/api-keys/${gone.id}`);
    const child = startChild(process.execPath, [join(CLIENTS, 'mixus-evals.mjs'), 'x'], {
      env: { MIXUS_URL: url, MIXUS_API_KEY: gone.value },
    });
    await child.saw(/unauthorized, trying again/);
    child.kill('SIGTERM');
    await child.exited;
  });
});

describe.skipIf(!hasCurl)('memsolus-memories.sh', async () => {
  const world = await startWithTestKeys();
  const url = await startMemories(world.service);
  const acme = await world.company();
  const memories = (key: string, ...args: string[]) =>
    run('memsolus-memories.sh', args, { MEMSOLUS_URL: url, MEMSOLUS_API_KEY: key });

  test('adds, lists and forgets memories with a production key', async () => {
    const { value } = await acme.key({ scopes: ['memory.read', 'memory.write', 'memory.delete'] });
    const added = await memories(value, 'add', 'Prefers tea');
    expect([added.code, added.printed[0]]).toEqual([0, 'environment: production']);
    const { id } = JSON.parse(added.printed[1]!) as { id: string };
    expect((await memories(value, 'list')).printed[1]).toContain('"text":"Prefers tea"');
    expect((await memories(value, 'forget', id)).printed[1]).toBe('{"deleted":true}');
    expect((await memories(value, 'list')).printed[1]).toBe('{"data":[]}');
  });

  test('is refused with 403 where the key lacks the permission, and for a test key in production', async () => {
    const reader = await acme.key({ scopes: ['memory.read'] });
    expect(await memories(reader.value, 'add', 'x')).toMatchObject({
      code: 1,
      errors: '403 Forbidden: the key lacks the permission for POST /v1/memories',
    });
    const trial = await acme.key({ scopes: ['memory.read'], environment: 'test' });
    expect(await memories(trial.value)).toMatchObject({ code: 1, printed: ['environment: test'] });
  });

  test('goes on with the new key of a rotation when the old one is revoked', async () => {
    const [old, next] = [await acme.key({ scopes: ['memory.read'] }), await acme.key({ scopes: ['memory.read'] })];
    expect([await memories(old.value), await memories(next.value)]).toMatchObject([{ code: 0 }, { code: 0 }]);
    await acme.ask('DELETE', `/v1/api-keys/${old.id}`);
    expect(await memories(old.value)).toMatchObject({ code: 1, errors: expect.stringContaining('revoked or rotated') });
    expect(await memories(next.value)).toMatchObject({ code: 0 });
  });
});
