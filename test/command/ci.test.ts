import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { audienceOf, createPolicy, exchange, jobToken, policyBody } from '../ci/ci.ts';
import { call, verifyKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { openTerminal } from './terminal.ts';

const service = await startService();
const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
const owner = await acme.session('owner');
const policy = await createPolicy(service, owner, { max_active_keys: 100 });
const audience = audienceOf(acme);
const isGood = async (key: string) => (await verifyKey(service, { key })).body['valid'];

type Options = Parameters<typeof openTerminal>[0];
/** A job, with the token in its environment unless its CI gives one. */
async function job(env: Readonly<Record<string, string>> | undefined, options: Options = {}) {
  const own = env ?? { LATCHKEY_ID_TOKEN: await jobToken(service, acme) };
  return openTerminal({ ...options, env: { LATCHKEY_URL: service.url, ...own } });
}
const EXEC = ['ci', 'exec', '--policy', policy, '--env', 'ACME_KEY'];
const PROGRAM = ['--', './deploy', '--now'];

const draft = (when: object) => JSON.stringify([policyBody({ when: { repository_id: '987', ...when } })]);

/** A network that loses what would end a key. */
const offline: typeof fetch = async (input, init) => {
  if (JSON.stringify(init?.body).includes('revoke_token')) throw new TypeError('no network');
  return fetch(input, init);
};

describe('latchkey ci exec', () => {
  test('runs the program with a key, ends the key with it, and exits as it does', async () => {
    let key = '';
    let wasGood: unknown;
    const terminal = await job(undefined, {
      ends: async ({ env }) => {
        key = (env as { ACME_KEY: string }).ACME_KEY;
        wasGood = await isGood(key);
        return { code: 7, stdout: '', stderr: '' };
      },
    });
    const ran = await terminal.run(...EXEC, ...PROGRAM);
    expect(ran).toEqual({ code: 7, stdout: '', stderr: '' });
    expect([wasGood, await isGood(key)]).toEqual([true, false]);
    expect(terminal.programs.map(({ program, args }) => [program, ...args])).toEqual([['./deploy', '--now']]);
  });

  test('masks the key in the log of GitHub Actions, whose runner it asks for the token', async () => {
    const url = `${service.workos.url}/_ci/github/token?api-version=1`;
    const github = {
      GITHUB_ACTIONS: 'true',
      ACTIONS_ID_TOKEN_REQUEST_URL: url,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner',
    };
    let key = '';
    const ends = ({ env }: { env?: object }) => {
      key = (env as { ACME_KEY: string }).ACME_KEY;
      return { code: 0, stdout: '', stderr: '' };
    };
    const ran = await (await job(github, { ends })).run(...EXEC, '--audience', audience, ...PROGRAM);
    expect(ran).toEqual({
      code: 0,
      stderr: '',
      stdout: `::add-mask::${key}\n::add-mask::${Buffer.from(key).toString('base64')}\n`,
    });
    expect((await (await job(github)).run(...EXEC, ...PROGRAM)).stderr).toContain('GitHub needs --audience');
  });

  test('asks GitHub again when its runner fails, and gives up after four times', async () => {
    let asked = 0;
    const failing: typeof fetch = async () => {
      asked++;
      return new Response('{}', { status: 500 });
    };
    const env = { ACTIONS_ID_TOKEN_REQUEST_URL: 'http://127.0.0.1:1/token?x=1' };
    const ran = await (await job(env, { fetch: failing })).run(...EXEC, '--audience', audience, ...PROGRAM);
    expect([ran.code, ran.stderr, asked]).toEqual([1, 'GitHub gave no token (status 500).\n', 4]);
  });

  test.each([
    [
      'Buildkite',
      { BUILDKITE: 'true' },
      ['buildkite-agent', 'oidc', 'request-token', '--audience', audience, '--claims', 'organization_id,pipeline_id'],
    ],
    [
      'CircleCI',
      { CIRCLECI: 'true' },
      ['circleci', 'run', 'oidc', 'get', '--claims', JSON.stringify({ aud: audience })],
    ],
  ])('asks %s for the token by its own program', async (_, env, command) => {
    const token = await jobToken(service, acme);
    const terminal = await job(env, {
      ends: ({ program }) => ({ code: 0, stdout: program === './deploy' ? '' : `${token}\n`, stderr: '' }),
    });
    expect((await terminal.run(...EXEC, '--audience', audience, ...PROGRAM)).code).toBe(0);
    const { program, args } = terminal.programs[0]!;
    expect([program, ...args]).toEqual(command);
  });

  test('runs nothing for a job that is refused, and says why to the repository alone', async () => {
    const strict = await createPolicy(service, owner, {
      name: 'strict',
      when: { repository_id: '987', environment: 'staging' },
    });
    const at = await job(undefined);
    const known = await at.run('ci', 'exec', '--policy', strict, '--env', 'KEY', ...PROGRAM);
    expect([known.code, at.programs]).toEqual([3, []]);
    expect(known.stderr).toContain('environment');
    const stranger = await job({ LATCHKEY_ID_TOKEN: await jobToken(service, acme, { repository_id: '1' }) });
    const unknown = await stranger.run('ci', 'exec', '--policy', strict, '--env', 'KEY', ...PROGRAM);
    expect([unknown.code, unknown.stderr.includes('environment')]).toEqual([4, false]);
  });

  test.each([
    ['without a token', {}, ['--env', 'KEY', ...PROGRAM], 'There is no OIDC token.'],
    ['without a program', { LATCHKEY_ID_TOKEN: 'eyJ' }, ['--env', 'KEY'], 'Give a program after --'],
    [
      'with a name that no variable has',
      { LATCHKEY_ID_TOKEN: 'eyJ' },
      ['--env', 'A B', ...PROGRAM],
      '--env needs a name',
    ],
  ])('exits with 2 %s', async (_, env, args, message) => {
    const { code, stderr } = await (await job(env)).run('ci', 'exec', '--policy', policy, ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  test('says until when a key works that it could not end', async () => {
    const ran = await (await job(undefined, { fetch: offline })).run(...EXEC, ...PROGRAM);
    expect([ran.code, ran.stderr]).toEqual([
      0,
      expect.stringMatching(/^The key could not be ended, and works until 20\d\d-/),
    ]);
  });
});

describe('latchkey ci explain', () => {
  const STRICT = { repository_id: '987', environment: 'staging', runner: 'own' };

  test('shows the claims and which conditions hold, without the token, and leaves it unused', async () => {
    const at = await createPolicy(service, owner, { name: 'explained', when: { repository_id: '987' } });
    const token = await jobToken(service, acme, { user_email: 'ada@acme.test' });
    const terminal = await job({ LATCHKEY_ID_TOKEN: token });
    const ran = await terminal.run('ci', 'explain', '--policy', at);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toContain('repository_id\t987\tholds\n');
    expect(ran.stdout).toContain('ref\trefs/heads/main\t\n');
    for (const secret of [token, token.split('.')[2]!, 'ada@acme.test']) expect(ran.stdout).not.toContain(secret);
    expect((await terminal.run('ci', 'exec', '--policy', at, '--env', 'KEY', ...PROGRAM)).code).toBe(0);
  });

  test('names the conditions that fail, and exits with 1', async () => {
    const at = await createPolicy(service, owner, { name: 'failing', when: STRICT });
    const ran = await (await job(undefined)).run('ci', 'explain', '--policy', at);
    expect([ran.code, ran.stderr]).toEqual([1, 'The CI policy failing refuses this job: environment, runner.\n']);
    expect(ran.stdout).toContain('environment\tproduction\tfails\n');
    expect(ran.stdout).toContain('runner\t-\tfails\n');
  });

  test('says to a stranger what the token says, and nothing of the policy', async () => {
    const at = await createPolicy(service, owner, { name: 'hidden', when: STRICT });
    const stranger = await job({ LATCHKEY_ID_TOKEN: await jobToken(service, acme, { repository_id: '1' }) });
    const ran = await stranger.run('ci', 'explain', '--policy', at);
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('The policy does not know this token.')]);
    expect(ran.stdout).toContain('repository_id\t1\t\n');
    expect(ran.stdout).not.toMatch(/fails|holds|runner/);
  });

  test('exits with 2 for what is no token', async () => {
    const ran = await (await job({ LATCHKEY_ID_TOKEN: 'eyJ' })).run('ci', 'explain', '--policy', policy);
    expect([ran.code, ran.stderr]).toEqual([2, 'The OIDC token cannot be read: it is no JWT.\n']);
  });
});

describe('latchkey ci exchange', () => {
  test('puts the key where a later step finds it', async () => {
    const terminal = await job(undefined);
    const file = join(terminal.folder, '.env');
    const ran = await terminal.run('ci', 'exchange', '--policy', policy, '--dotenv', `${file}:ACME_KEY`);
    const [, key] = /^ACME_KEY=(\S+)\n$/.exec(await readFile(file, 'utf8')) ?? [];
    expect([ran.code, await isGood(key!), ran.stderr.includes(key!)]).toEqual([0, true, false]);
  });

  test('gives the key back when it did not arrive', async () => {
    let key = '';
    const ends = ({ input }: { input: string | undefined }) => {
      key = input ?? key;
      return { code: input === undefined ? 0 : 1, stdout: '', stderr: 'full' };
    };
    const ran = await (
      await job(undefined, { ends })
    ).run('ci', 'exchange', '--policy', policy, '--exec', '--', 'vault');
    expect([ran.code, await isGood(key), ran.stderr.includes('was revoked')]).toEqual([1, false, true]);
  });
});

describe('latchkey ci policy', () => {
  test('makes the policies those of a file, by their names, and deletes others only with --prune', async () => {
    const other = await service.organizations.add();
    const token = await other.session('owner');
    const terminal = await openTerminal({ env: { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: token } });
    const file = join(terminal.folder, 'policies.yaml');
    await createPolicy(service, token, { name: 'old' });
    await writeFile(
      file,
      `- name: deploy\n  issuer: github\n  permission_sets: [submit_observe]\n  when: { repository_id: '987', ref: { glob: refs/heads/v/* } }\n`,
    );
    const apply = (...flags: string[]) => terminal.run('ci', 'policy', 'apply', file, ...flags);
    expect(await terminal.run('ci', 'policy', 'diff', file)).toMatchObject({ code: 1, stdout: '+ deploy\n' });
    expect(await apply()).toMatchObject({ code: 0, stderr: '+ deploy\n' });
    expect(await terminal.run('ci', 'policy', 'diff', file)).toMatchObject({ code: 0, stdout: '' });
    await writeFile(
      file,
      `- name: deploy\n  issuer: github\n  permission_sets: [read_only]\n  when: { repository_id: '987' }\n`,
    );
    expect((await terminal.run('ci', 'policy', 'diff', file, '--prune')).stdout).toBe(
      '~ deploy: permission_sets, when\n- old\n',
    );
    expect(await apply('--prune')).toMatchObject({ code: 2 });
    expect(await apply('--prune', '--yes')).toMatchObject({ code: 0 });
    const { data } = (await call(service, 'GET', '/v1/ci/policies', { token })).body;
    expect(data).toMatchObject([{ name: 'deploy', permission_sets: ['read_only'], when: { repository_id: '987' } }]);
  });

  test('shows what a change makes of the exchanges of the last 30 days', async () => {
    const other = await service.organizations.add();
    const token = await other.session('owner');
    const at = await createPolicy(service, token, { name: 'deploy' });
    for (const ref of ['refs/heads/main', 'refs/heads/next'])
      await exchange(service, { policy: at, token: await jobToken(service, other, { ref }) });
    const diff = async (text: string, as = token) => {
      const terminal = await openTerminal({ env: { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: as } });
      const file = join(terminal.folder, 'policies.json');
      await writeFile(file, text);
      return terminal.run('ci', 'policy', 'diff', file);
    };
    expect(await diff(draft({ ref: 'refs/heads/main' }))).toEqual({
      code: 1,
      stderr: '',
      stdout: expect.stringMatching(
        /^~ deploy: when\n {4}of the exchanges since [\d-]+: 1 admitted, 1 refused\n {4}\S+ was admitted, would be refused \(ref: refs\/heads\/next\)\n$/,
      ),
    });
    expect((await diff(draft({ runner_environment: 'self-hosted' }))).stdout).toContain(
      'was admitted, would be unknown (runner_environment is not in the audit log)',
    );
    const blind = await other.session('owner', { permissions: ['apikeys:write'] });
    expect(await diff(draft({ ref: 'refs/heads/main' }), blind)).toEqual({
      code: 1,
      stderr: 'Past exchanges were not looked at: This needs the scope audit:read, too.\n',
      stdout: '~ deploy: when\n',
    });
  });

  test.each([
    ['a file that is not there', undefined],
    ['YAML that is broken', '- name: [a'],
    ['no list', 'name: deploy'],
    ['a policy without a name', '- issuer: github'],
    ['two of one name', '- name: a\n- name: a'],
    [
      'another issuer under a known name',
      JSON.stringify([{ ...policyBody(), issuer: 'gitlab', when: { project_id: '1' } }]),
    ],
  ])('refuses %s', async (_, text) => {
    const terminal = await openTerminal({ env: { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: owner } });
    const file = join(terminal.folder, 'policies.yaml');
    if (text !== undefined) await writeFile(file, text);
    expect(await terminal.run('ci', 'policy', 'apply', file)).toMatchObject({ code: 2, stdout: '' });
  });

  test('deletes one after a question', async () => {
    const id = await createPolicy(service, owner, { name: 'short-lived' });
    const env = { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: owner };
    expect((await (await openTerminal({ env })).run('ci', 'policy', 'delete', id)).code).toBe(2);
    expect((await (await openTerminal({ env, person: 'y' })).run('ci', 'policy', 'delete', id)).code).toBe(0);
    expect((await (await openTerminal({ env })).run('ci', 'policy', 'list', '--fields', 'name')).stdout).not.toContain(
      'short-lived',
    );
  });

  test('revokes the keys of a deleted policy with --revoke-keys', async () => {
    const at = await createPolicy(service, owner, { name: 'compromised' });
    const { body } = await exchange(service, { policy: at, token: await jobToken(service, acme) });
    const terminal = await openTerminal({ env: { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: owner } });
    expect(await terminal.run('ci', 'policy', 'delete', at, '--revoke-keys', '--yes')).toEqual({
      code: 0,
      stdout: '',
      stderr: `Deleted ${at} and revoked 1 of its keys.\n`,
    });
    expect(await isGood(String(body['access_token']))).toBe(false);
  });
});
