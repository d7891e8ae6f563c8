import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { addressOf, openTerminal } from './terminal.ts';

const service = await startService();

/** A terminal of the owner of an organization with two events. */
async function start(options: Parameters<typeof openTerminal>[0] = {}) {
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const token = await acme.session('owner');
  for (const label of ['äöü', 'second']) await createKey(service, token, { label });
  return openTerminal({ ...options, env: { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: token } });
}

/** A network that sends the export a byte at a time, and breaks or is interrupted after some. */
function slow(pieces: number, then: () => void): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (!addressOf(input).includes('/export')) return response;
    const bytes = Buffer.from(await response.arrayBuffer());
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at === pieces) then();
        if (init?.signal?.aborted) return controller.error(init.signal.reason);
        if (at === bytes.length) return controller.close();
        controller.enqueue(bytes.subarray(at, ++at));
      },
    });
    return new Response(body, { headers: response.headers });
  };
}

function breakNetwork(): never {
  throw new Error('the network broke');
}

describe('latchkey audit export', () => {
  test('prints the events as they come, whole characters whatever the network does', async () => {
    const terminal = await start();
    const { code, stdout, stderr } = await terminal.run('audit', 'export', '--action', 'api_key.created');
    expect([code, stderr, stdout.trim().split(/\r?\n/).length, stdout.includes('äöü')]).toEqual([0, '', 3, true]);
    const bytewise = await start({ fetch: slow(-1, () => undefined) });
    const slowly = await bytewise.run('audit', 'export', '--action', 'api_key.created');
    expect([slowly.code, slowly.stdout.includes('äöü'), slowly.stdout.includes('�')]).toEqual([0, true, false]);
  });

  test('writes a file of its owner alone, and replaces none', async () => {
    const terminal = await start();
    const file = join(terminal.folder, 'events.csv');
    expect(await terminal.run('audit', 'export', '--out', 'events.csv')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'Wrote events.csv.\n',
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readFile(file, 'utf8')).trim().split(/\r?\n/).length).toBeGreaterThanOrEqual(3);
    await writeFile(file, 'mine');
    expect(await terminal.run('audit', 'export', '--out', 'events.csv')).toMatchObject({
      code: 2,
      stderr: 'events.csv exists. Delete it, or choose another file.\n',
    });
    expect(await readFile(file, 'utf8')).toBe('mine');
  });

  test('leaves no file when it is interrupted, when the network breaks, and where there is no folder', async () => {
    const interruption = new AbortController();
    const terminal = await start({ signal: interruption.signal, fetch: slow(10, () => interruption.abort()) });
    expect(await terminal.run('audit', 'export', '--out', 'events.csv')).toMatchObject({ code: 130 });
    expect(await readdir(terminal.folder)).toEqual([]);
    const other = await start({ fetch: slow(10, breakNetwork) });
    expect(await other.run('audit', 'export', '--out', 'events.csv')).toMatchObject({ code: 1 });
    expect(await readdir(other.folder)).toEqual([]);
    expect(await other.run('audit', 'export', '--out', 'nowhere/events.csv')).toMatchObject({ code: 2 });
  });

  test('shows progress where a person sees it, and takes it away', async () => {
    const terminal = await start({ showsProgress: true });
    const { stderr } = await terminal.run('audit', 'export');
    const [before, ...shown] = stderr.split('\r\u001b[2K');
    expect([before, shown[0], shown.at(-1)]).toEqual(['', expect.stringMatching(/^Exporting: \d+ KB$/), '']);
  });
});
