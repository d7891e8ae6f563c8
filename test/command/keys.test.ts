import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createKey, verifyKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { addressOf, openTerminal } from './terminal.ts';

const service = await startService();

/** A new organization, and a terminal with the token of its owner. */
async function start(options: Parameters<typeof openTerminal>[0] = {}) {
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const token = await acme.session('owner');
  const env = { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: token, ...options.env };
  return { acme, token, terminal: await openTerminal({ ...options, env }) };
}

describe('latchkey keys list', () => {
  test('prints lines of tab-separated cells to a program, and a table to a person', async () => {
    const { token, terminal } = await start();
    const key = await createKey(service, token, { label: 'deploy' });
    const piped = await terminal.run('keys', 'list');
    expect(piped).toMatchObject({ code: 0, stderr: '' });
    expect(piped.stdout).toBe(`${[key.id, 'deploy', 'active', 'read_only', 'live', '-', '-'].join('\t')}\n`);
    const { terminal: shown } = {
      terminal: await openTerminal({ env: { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: token }, person: '' }),
    };
    const [header, row] = (await shown.run('keys', 'list')).stdout.split('\n');
    expect(header).toMatch(/^ID +LABEL +STATUS +PERMISSIONS +ENVIRONMENT +LAST USED +EXPIRES$/);
    expect(row!.indexOf('deploy')).toBe(header!.indexOf('LABEL'));
  });

  test('reads every page, and stops at the limit', async () => {
    const { token, terminal } = await start();
    const keys = await Promise.all(
      Array.from({ length: 4 }, (_, i) => createKey(service, token, { label: `key ${i}` })),
    );
    let pages = 0;
    const counting: typeof fetch = async (input, init) => {
      pages++;
      return fetch(addressOf(input).replace('limit=100', 'limit=2'), init);
    };
    const paged = await openTerminal({ env: { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: token }, fetch: counting });
    const ids = (await paged.run('keys', 'list', '--fields', 'id')).stdout.trim().split('\n');
    expect(ids.toSorted()).toEqual(keys.map(({ id }) => id).toSorted());
    expect(pages).toBeGreaterThan(1);
    expect(
      (await terminal.run('keys', 'list', '--limit', '3', '--fields', 'id')).stdout.trim().split('\n'),
    ).toHaveLength(3);
  });

  test("prints the API's answer with --json, and chosen fields with --fields", async () => {
    const { token, terminal } = await start();
    const key = await createKey(service, token, { label: 'deploy' });
    const { stdout } = await terminal.run('keys', 'list', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      data: [{ id: key.id, label: 'deploy' }],
      list_metadata: { after: null },
    });
    expect((await terminal.run('keys', 'list', '--fields', 'label,owner.type')).stdout).toBe('deploy\torganization\n');
    const wrong = await terminal.run('keys', 'list', '--fields', 'secret');
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toContain('There is no field secret. Fields are id,');
  });

  test('takes the control characters out of a cell', async () => {
    const { token, terminal } = await start();
    await createKey(service, token, { label: 'plain', description: 'one\ttwo\nthree' });
    expect((await terminal.run('keys', 'list', '--fields', 'label,description')).stdout).toBe('plain\tone two three\n');
  });
});

describe('latchkey keys revoke', () => {
  test('asks a person, and revokes after a yes alone', async () => {
    const { token } = await start();
    const key = await createKey(service, token);
    const env = { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: token };
    const no = await (await openTerminal({ env, person: '' })).run('keys', 'revoke', key.id);
    expect([no.code, no.stderr]).toEqual([1, expect.stringMatching(/\[y\/N\] Nothing was changed\.\n$/)]);
    const yes = await (await openTerminal({ env, person: 'yes' })).run('keys', 'revoke', key.id);
    expect(yes).toMatchObject({ code: 0, stdout: '' });
    expect((await (await openTerminal({ env })).run('keys', 'show', key.id, '--fields', 'status')).stdout).toBe(
      'STATUS\trevoked\n',
    );
  });

  test('refuses without a terminal, unless --yes is given', async () => {
    const { token, terminal } = await start();
    const key = await createKey(service, token);
    const refused = await terminal.run('keys', 'revoke', key.id);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('give --yes')]);
    expect((await terminal.run('keys', 'revoke', key.id, '--yes')).code).toBe(0);
  });

  test('exits with 5 for a key that is not there, and names the request', async () => {
    const { terminal } = await start();
    const { code, stderr } = await terminal.run('keys', 'revoke', 'api_key_01ARZ3NDEKTSV4RRFFQ69G5FAV', '--yes');
    expect(code).toBe(5);
    expect(stderr).toMatch(/\(api_key_not_found, request_id req_[0-9a-f]{24}\)\n$/);
  });
});

test('says that a service without the route is older, or another one, and exits with 1', async () => {
  const { token } = await start();
  const older: typeof fetch = async () => fetch(`${service.url}/v1/no-such-route`);
  const env = { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: token };
  const { code, stdout, stderr } = await (await openTerminal({ env, fetch: older })).run('keys', 'review');
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(
    /The service is older than this command, or the URL is not that of Latchkey\. \(route_not_found, request_id req_\w+\)\n$/,
  );
});

/** Adds fields that this version does not know. */
const newer: typeof fetch = async (input, init) => {
  const answer = await fetch(input, init);
  const { data, ...rest } = (await answer.json()) as { data: object[] };
  return Response.json({ ...rest, data: data.map((each) => ({ ...each, tomorrow: { is: 'new' } })), later: 1 });
};

test('shows what it knows of the answers of a newer service', async () => {
  const { token } = await start();
  const key = await createKey(service, token);
  const env = { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: token };
  const terminal = await openTerminal({ env, fetch: newer });
  expect(await terminal.run('keys', 'list', '--fields', 'id')).toMatchObject({ code: 0, stdout: `${key.id}\n` });
  expect((await terminal.run('keys', 'list', '--json')).stdout).toContain('tomorrow');
});

describe('latchkey keys suspend and resume', () => {
  test('ask a person, stop the key with a reason, and let it work again', async () => {
    const { token } = await start();
    const key = await createKey(service, token);
    const env = { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: token };
    const no = await (await openTerminal({ env, person: '' })).run('keys', 'suspend', key.id);
    expect([no.code, no.stderr]).toEqual([1, expect.stringMatching(/\[y\/N\] Nothing was changed\.\n$/)]);
    const yes = await (
      await openTerminal({ env, person: 'yes' })
    ).run('keys', 'suspend', key.id, '--reason', 'a drill');
    expect(yes).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining(`Suspended ${key.id}.\n`) });
    expect((await verifyKey(service, { key: key.value })).body['code']).toBe('suspended');
    const terminal = await openTerminal({ env });
    expect(
      (await terminal.run('keys', 'list', '--status', 'suspended', '--fields', 'id,suspension_reason')).stdout,
    ).toBe(`${key.id}\ta drill\n`);
    const shown = await terminal.run('keys', 'show', key.id);
    expect(shown.stdout).toMatch(/^SUSPENDED\t\S+ by user \S+: a drill$/m);
    const resumed = await terminal.run('keys', 'resume', key.id);
    expect(resumed).toMatchObject({ code: 0, stdout: '', stderr: `Resumed ${key.id}.\n` });
    expect((await verifyKey(service, { key: key.value })).body['code']).toBe('valid');
    expect((await terminal.run('keys', 'show', key.id)).stdout).toMatch(/^SUSPENDED\t-$/m);
  });

  test('need --yes to suspend without a terminal, print the key as JSON, and exit with 5 for one that is not there', async () => {
    const { token, terminal } = await start();
    const key = await createKey(service, token);
    const refused = await terminal.run('keys', 'suspend', key.id);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('give --yes')]);
    const suspended = await terminal.run('keys', 'suspend', key.id, '--yes', '--json');
    expect(JSON.parse(suspended.stdout)).toMatchObject({ id: key.id, status: 'suspended', suspension_reason: null });
    expect(JSON.parse((await terminal.run('keys', 'resume', key.id, '--json')).stdout)).toMatchObject({
      status: 'active',
    });
    expect((await terminal.run('keys', 'resume', 'api_key_01ARZ3NDEKTSV4RRFFQ69G5FAV')).code).toBe(5);
  });
});

describe('latchkey keys extend', () => {
  test('moves the expiry', async () => {
    const { token, terminal } = await start();
    const key = await createKey(service, token, { expires_in: '90d' });
    const moved = await terminal.run('keys', 'extend', key.id, '--expires-in', '30d', '--json');
    expect(JSON.parse(moved.stdout)).toMatchObject({ id: key.id, expires_in_days: 30 });
    expect((await terminal.run('keys', 'extend', key.id)).code).toBe(2);
  });
});

describe('latchkey keys review', () => {
  test('prints the keys with findings, and the CSV of the service', async () => {
    const { token, terminal } = await start();
    await createKey(service, token, { label: 'fine', expires_in: '30d' });
    const key = await createKey(service, token, { label: 'for ever' });
    const { code, stdout } = await terminal.run('keys', 'review');
    expect([code, stdout.split('\t').slice(0, 5)]).toEqual([0, [key.id, 'for ever', 'never_expires', '-', '-']]);
    expect(JSON.parse((await terminal.run('keys', 'review', '--json')).stdout)).toMatchObject({
      data: [{ id: key.id, findings: ['never_expires'] }],
    });
    const csv = await terminal.run('keys', 'review', '--csv');
    expect(csv.stdout.split('\r\n')).toEqual([
      expect.stringMatching(/^id,label,/),
      expect.stringContaining('for ever'),
      '',
    ]);
    expect((await terminal.run('keys', 'review', '--finding', 'unused')).stdout).toBe('');
    expect((await terminal.run('keys', 'review', '--finding', 'evil')).code).toBe(2);
  });
});

describe('latchkey keys usage', () => {
  test('prints the hours in which a key was used', async () => {
    const { token, terminal } = await start();
    const key = await createKey(service, token);
    expect((await terminal.run('keys', 'usage', key.id, '--json')).code).toBe(0);
    expect((await terminal.run('keys', 'usage', key.id)).stdout).toBe('');
  });
});

describe('latchkey keys verify', () => {
  const env = { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: SERVICE_TOKEN };

  test('exits with 0 for a valid key from standard input, with 1 for another, and with 2 if it could not look', async () => {
    const { token } = await start();
    const { value } = await createKey(service, token);
    const good = await (await openTerminal({ env, stdin: `${value}\n` })).run('keys', 'verify');
    expect([good.code, good.stdout]).toEqual([0, expect.stringContaining('VALID\ttrue\n')]);
    const bad = await (await openTerminal({ env, stdin: `${value}x` })).run('keys', 'verify');
    expect([bad.code, bad.stdout]).toEqual([1, expect.stringContaining('CODE\tnot_found\n')]);
    const unable = await (
      await openTerminal({ env: { ...env, LATCHKEY_URL: 'http://127.0.0.1:1' }, stdin: value })
    ).run('keys', 'verify');
    expect(unable).toMatchObject({ code: 2, stdout: '' });
    expect([good, bad, unable].map(({ stdout, stderr }) => stdout + stderr).join('')).not.toContain(value);
  });

  test('reads a file, and refuses an empty one', async () => {
    const { token } = await start();
    const { value } = await createKey(service, token);
    const terminal = await openTerminal({ env });
    const file = join(terminal.folder, 'key');
    await writeFile(file, value);
    expect((await terminal.run('keys', 'verify', '--key-file', file)).code).toBe(0);
    await writeFile(file, '\n');
    expect((await terminal.run('keys', 'verify', '--key-file', file)).code).toBe(2);
  });
});

describe('latchkey keys create --dry-run', () => {
  test('shows what the service would make, or why not, and makes nothing', async () => {
    const { terminal } = await start();
    const create = ['keys', 'create', '--dry-run', '--label', 'ci', '--permission-set'];
    const judged = await terminal.run(...create, 'read_only');
    expect([judged.code, judged.stdout]).toEqual([0, expect.stringContaining('SCOPES\tworkspace:read,audit:read\n')]);
    expect(await terminal.run(...create, 'nothing')).toMatchObject({ code: 2, stdout: '' });
    expect((await terminal.run('keys', 'list')).stdout).toBe('');
  });
});
