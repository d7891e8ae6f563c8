import { describe, expect, test } from 'vitest';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { openTerminal } from './terminal.ts';

const service = await startService();
const acme = await service.organizations.add();
const env = async () => ({ LATCHKEY_URL: service.url, LATCHKEY_TOKEN: await acme.session('owner') });
const ahead = () => new Date(Date.now() + 120_000);
const linesOf = (stdout: string) => stdout.trim().split('\n');

describe('latchkey doctor', () => {
  test('exits with 0 where all is well', async () => {
    const { code, stdout } = await (await openTerminal({ env: await env() })).run('doctor');
    expect([code, linesOf(stdout)]).toEqual([
      0,
      [
        `ok       service: ${service.url} is ready`,
        'ok       clock: differs from the service by 0 s; tokens allow 30 s',
        expect.stringMatching(/^ok {7}WorkOS: (?:up|unknown) for the service$/),
        expect.stringMatching(/^ok {7}events of WorkOS: (?:ok|unknown)$/),
        `ok       credential: user of ${acme.id}, apikeys:read apikeys:write`,
      ],
    ]);
  });

  test('knows a service token', async () => {
    const terminal = await openTerminal({ env: { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: SERVICE_TOKEN } });
    expect((await terminal.run('doctor')).stdout).toContain('ok       credential: a service token\n');
  });

  test('exits with 1 for a clock that is wrong, a member, a job without the permission, and a token that has ended', async () => {
    const wrong = await (await openTerminal({ env: await env(), now: ahead })).run('doctor', '--json');
    const { data } = JSON.parse(wrong.stdout) as { data: { check: string; ok: boolean }[] };
    expect([wrong.code, data.filter(({ ok }) => !ok).map(({ check }) => check)]).toEqual([1, ['clock']]);
    const problemsOf = async (more: Record<string, string>) => {
      const { code, stdout } = await (await openTerminal({ env: { ...(await env()), ...more } })).run('doctor');
      return [code, linesOf(stdout).filter((line) => line.startsWith('problem'))];
    };
    const member = await acme.session('member');
    expect(await problemsOf({ LATCHKEY_TOKEN: member })).toEqual([
      1,
      [expect.stringContaining('without apikeys:read')],
    ]);
    const github = { CI: 'true', GITHUB_ACTIONS: 'true' };
    expect(await problemsOf(github)).toEqual([1, [expect.stringContaining('needs the permission id-token: write')]]);
    expect(await problemsOf({ CI: 'true', LATCHKEY_ID_TOKEN: 'eyJ.e30.x' })).toEqual([
      1,
      [expect.stringContaining('has ended')],
    ]);
  });

  test('exits with 1 for a credential that is refused, and with 2 where nothing answers', async () => {
    const refused = await openTerminal({ env: { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: 'nothing' } });
    expect(await refused.run('doctor')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('problem  credential: '),
    });
    const nowhere = await openTerminal({ env: { LATCHKEY_URL: 'http://127.0.0.1:1', LATCHKEY_TOKEN: 'nothing' } });
    expect(await nowhere.run('doctor')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'http://127.0.0.1:1 does not answer. Check the URL and the network.\n',
    });
  });
});
