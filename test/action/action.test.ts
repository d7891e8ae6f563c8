import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { load } from 'js-yaml';
import { audienceOf, createPolicy } from '../ci/ci.ts';
import { verifyKey } from '../support/api.ts';
import { runChild } from '../support/child.ts';
import { startService } from '../support/service.ts';

const ROOT = join(import.meta.dirname, '../..');
const service = await startService();
const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
const policy = await createPolicy(service, await acme.session('owner'));
type Described = { inputs: Record<string, { required?: boolean }>; outputs: object };
const described = load(await readFile(join(ROOT, 'action/action.yml'), 'utf8')) as Described;
const isGood = async (key: string) => (await verifyKey(service, { key })).body['valid'];

/** Runs a step as GitHub's runner does: inputs and state as variables, outputs and state in files. */
async function startJob(inputs: Record<string, string> = {}, claims = '') {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-action-'));
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  const files = Object.fromEntries(['OUTPUT', 'ENV', 'STATE'].map((name) => [`GITHUB_${name}`, join(folder, name)]));
  await Promise.all(Object.values(files).map(async (file) => writeFile(file, '')));
  const given = { url: service.url, policy, audience: audienceOf(acme), revoke: 'true', ...inputs };
  const env = {
    ...files,
    PATH: process.env['PATH'] ?? '',
    ACTIONS_ID_TOKEN_REQUEST_URL: `${service.workos.url}/_ci/github/token?api-version=1${claims}`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner',
    ...Object.fromEntries(Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
  };
  const read = async (name: 'OUTPUT' | 'ENV' | 'STATE') => valuesIn(await readFile(files[`GITHUB_${name}`]!, 'utf8'));
  const step = (file: 'main' | 'post', more: Record<string, string> = {}) =>
    runChild(process.execPath, [join('src/action', `${file}.ts`)], { cwd: ROOT, env: { ...env, ...more } });
  return { main: () => step('main'), post: (state: string) => step('post', { STATE_revoke: state }), read };
}

/** The values of a file of the runner: `NAME<<END`, the value, and `END`, each on a line. */
function valuesIn(text: string): Record<string, string> {
  const all = text.matchAll(/^(\S+)<<(\S+)\n([^]*?)\n\2$/gm);
  return Object.fromEntries([...all].map(([, name, , value]) => [name!, value!]));
}

describe('the GitHub Action', () => {
  test('gives the job a key, masks it first, and ends it with the job', async () => {
    const job = await startJob({ env: 'ACME_KEY', 'permission-set': 'submit_observe', 'lifetime-seconds': '600' });
    const { code, stdout } = await job.main();
    const { key, 'key-id': id, 'expires-at': expiresAt } = await job.read('OUTPUT');
    expect([code, await isGood(key!), id, expiresAt]).toEqual([
      0,
      true,
      expect.stringMatching(/^api_key_/),
      expect.any(String),
    ]);
    expect(await job.read('ENV')).toEqual({ ACME_KEY: key });
    const { revoke } = await job.read('STATE');
    expect(revoke).not.toContain(key);
    const unmasked = stdout.split('\n').filter((line) => !line.startsWith('::add-mask::'));
    expect([stdout.includes(`::add-mask::${key}`), unmasked.join('').includes(key!)]).toEqual([true, false]);
    const end = await job.post(revoke!);
    expect([end.code, end.stdout, await isGood(key!)]).toEqual([0, expect.stringContaining('has ended'), false]);
  });

  test('keeps no state where the key is to live on', async () => {
    const job = await startJob({ revoke: 'false' });
    expect((await job.main()).code).toBe(0);
    expect(await job.read('STATE')).toEqual({});
    expect((await job.post('')).stdout).toBe('');
  });

  test('fails the step with the conditions that the job does not fulfil', async () => {
    const strict = await createPolicy(service, await acme.session('owner'), {
      name: 'strict',
      when: { repository_id: '987', environment: 'production' },
    });
    const job = await startJob({ policy: strict }, '&environment=staging');
    const { code, stdout } = await job.main();
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^::error::.*"environment".*"staging"/m)]);
    expect(await job.read('OUTPUT')).toEqual({});
  });

  test('warns when it cannot end the key, and does not fail the job', async () => {
    const job = await startJob();
    const { code, stdout } = await job.post(JSON.stringify({ url: 'http://127.0.0.1:1', revokeToken: 'none' }));
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^::warning::The key of this job lives until it expires/m),
    ]);
  });

  test('declares the inputs and outputs that it reads and sets', async () => {
    const source = await readFile(join(ROOT, 'src/action/main.ts'), 'utf8');
    const named = (pattern: RegExp) => new Set([...source.matchAll(pattern)].map(([, name]) => name));
    expect(new Set(Object.keys(described.inputs))).toEqual(named(/get(?:Boolean)?Input\('([a-z-]+)'/g));
    expect(new Set(Object.keys(described.outputs))).toEqual(named(/setOutput\('([a-z-]+)'/g));
  });

  test('is used by its guide with all that it requires, and nothing that it does not know', async () => {
    const page = await readFile(join(ROOT, 'docs/how-to/provision-keys-in-ci.md'), 'utf8');
    const [, workflow = ''] = /```yaml\n(permissions:[^]*?)```/.exec(page) ?? [];
    const { steps } = load(workflow) as { steps: { uses?: string; with: object }[] };
    const given = Object.keys(steps.find(({ uses }) => uses === './action')!.with);
    const required = Object.entries(described.inputs).flatMap(([name, input]) => (input.required ? [name] : []));
    expect(given.filter((name) => !(name in described.inputs))).toEqual([]);
    expect(required.filter((name) => !given.includes(name))).toEqual([]);
  });
});
