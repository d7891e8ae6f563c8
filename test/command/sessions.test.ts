import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeRunProgram } from '../../src/command/process-context.ts';
import { jobToken } from '../ci/ci.ts';
import { runChild } from '../support/child.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { makePerson } from './person.ts';
import { COMMANDS, makeRecorder } from './recorder.ts';
import { temporaryFolder } from './terminal.ts';

// `npm run docs:sessions` writes what this records; the reference shows it, and a test compares it with the sessions of now.
const RECORDED = '../../scripts/reference/latchkey-sessions.json';
/** Of these the tutorials have sessions: it serves until Ctrl-C. */
const SERVES = ['latchkey dev'];
const ROOT = join(import.meta.dirname, '../..');
const POLICIES = `- name: deploy
  issuer: github
  permission_sets: [submit_observe]
  when: { repository_id: '987' }
`;

const service = await startService();

/** The service's own package, from its sources. */
async function server(args: readonly string[], cwd: string) {
  const { code, ...output } = await runChild(process.execPath, [join(ROOT, 'src/cli/main.ts'), ...args], {
    cwd,
    env: {},
  });
  return { ...output, code: code ?? 1 };
}

test('every command does what the reference shows of it', async () => {
  const folder = await temporaryFolder();
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const { person, terminal: browser } = await makePerson(service, 'confirm');
  const { record, sessions } = makeRecorder(folder, () => [
    [folder, '/home/ada/acme'],
    [service.url, 'https://keys.acme.test'],
    [service.workos.url, 'https://auth.acme.test'],
    [person.email, 'ada@acme.test'],
  ]);
  const at = { LATCHKEY_URL: service.url };
  const asOwner = { env: { ...at, LATCHKEY_TOKEN: await acme.session('owner') } };
  const asService = { env: { ...at, LATCHKEY_TOKEN: SERVICE_TOKEN } };
  const asJob = async () => ({ env: { ...at, LATCHKEY_ID_TOKEN: await jobToken(service, acme) } });

  await record(['login', '--url', service.url, '--in-file'], browser);
  await record(['whoami'], {});
  await record(['logout'], {});

  await record(['sets'], asOwner);
  await record(['scopes'], asOwner);
  await record(['org'], asOwner);
  await record(['keys', 'create', '--label', 'deploy', '--permission-set', 'submit_observe', '--dry-run'], asOwner);
  const made = [
    'keys',
    'create',
    '--label',
    'deploy',
    '--permission-set',
    'submit_observe',
    '--dotenv',
    join(folder, '.env:ACME_API_KEY'),
  ];
  const { stderr } = await record(made, asOwner);
  const [id = ''] = /api_key_\w{26}/.exec(stderr) ?? [];
  await record(['keys', 'list'], asOwner);
  await record(['keys', 'list', '--json', '--status', 'revoked'], asOwner);
  await record(['keys', 'show', id], asOwner);
  await record(['keys', 'extend', id, '--expires-in', '30d'], asOwner);
  await record(['keys', 'usage', id], asOwner);
  const rotated = await record(['keys', 'rotate', id, '--grace-seconds', '3600'], asOwner);
  const [replacing = ''] = /api_key_\w{26}/.exec(rotated.stderr) ?? [];
  await record(['keys', 'verify'], { ...asService, before: 'pbpaste | ', stdin: rotated.stdout });
  await record(['keys', 'suspend', replacing, '--reason', 'seen in a public log'], asOwner);
  await record(['keys', 'list', '--status', 'suspended'], asOwner);
  await record(['keys', 'resume', replacing], asOwner);
  await record(['keys', 'review'], asOwner);
  await record(['keys', 'revoke', replacing], asOwner);

  await record(['billing', 'show', acme.id], asService);
  await record(
    ['billing', 'set', acme.id, '--status', 'past_due', '--reason', 'invoice 42 is open', '--yes'],
    asService,
  );
  await record(['billing', 'set', acme.id, '--status', 'active', '--yes'], asService);

  await record(['audit', 'list', '--limit', '3'], asOwner);
  const interruption = new AbortController();
  const sleep = async () => {
    interruption.abort();
    interruption.signal.throwIfAborted();
  };
  await record(['audit', 'tail', '--action', 'api_key.created'], { ...asOwner, signal: interruption.signal, sleep });
  await record(['audit', 'export', '--action', 'api_key.revoked', '--out', 'revoked.csv'], asOwner);

  await writeFile(join(folder, 'policies.yaml'), POLICIES);
  const policies = join(folder, 'policies.yaml');
  await record(['ci', 'policy', 'diff', policies], asOwner);
  await record(['ci', 'policy', 'apply', policies], asOwner);
  const { stdout } = await record(['ci', 'policy', 'list'], asOwner);
  const [policy = ''] = /cipol_\w{26}/.exec(stdout) ?? [];
  const program = ['--', 'sh', '-c', 'test -n "$ACME_API_KEY"'];
  const runProgram = makeRunProgram({ PATH: process.env['PATH'] });
  const exec = ['ci', 'exec', '--policy', policy, '--env', 'ACME_API_KEY', ...program];
  await record(exec, { ...(await asJob()), runProgram });
  const exchanged = ['ci', 'exchange', '--policy', policy, '--dotenv', join(folder, 'job.env:ACME_API_KEY')];
  await record(exchanged, await asJob());
  await record(['ci', 'explain', '--policy', policy, '--fields', 'claim,condition'], await asJob());
  await record(['ci', 'policy', 'delete', policy], asOwner);

  await record(['init', 'product', '--name', 'Acme'], { env: at });
  await record(['config', 'lint', 'latchkey.yaml'], { server: async (args) => server(args, folder) });
  await writeFile(join(folder, 'faulty.yaml'), 'product: Acme\napi_keys:\n  prefixes: sk_\n');
  await record(['config', 'lint', 'faulty.yaml'], { server: async (args) => server(args, folder) });
  await record(['scan', '.env'], { env: at });
  await record(['doctor'], asOwner);
  await record(['server', 'config', 'lint', '--help'], { server: async (args) => server(args, folder) });
  await record(['completion', 'fish'], {});

  expect(COMMANDS.filter((name) => sessions[name] === undefined && !SERVES.includes(name))).toEqual([]);
  await expect(`${JSON.stringify(sessions, undefined, 2)}\n`).toMatchFileSnapshot(RECORDED);
}, 120_000);
