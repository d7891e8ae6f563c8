import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createKey } from '../support/api.ts';
import { startChild } from '../support/child.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { blocksOf, ROOT } from './pages.ts';

const service = await startService();

// README.md, docs/tutorials/guard-an-api.md and docs/reference/middleware.md show it.
test.each(['README.md', 'docs/tutorials/guard-an-api.md', 'docs/reference/middleware.md'])(
  'the service of %s answers a good key and refuses a request without one',
  async (page) => {
    const block = blocksOf(page).find(({ text }) => text.includes("from 'latchkey/express'"));
    const url = await start(block!.text);
    const { value } = await createKey(service, await (await service.organizations.add()).session('owner'));
    const good = await fetch(`${url}/tasks`, { headers: { authorization: `Bearer ${value}` } });
    expect([good.status, await good.json()]).toEqual([200, expect.objectContaining({ permissionSet: 'read_only' })]);
    const refused = await fetch(`${url}/tasks`);
    expect([refused.status, await refused.json()]).toEqual([
      401,
      { error: expect.objectContaining({ code: 'credential_missing' }) as object },
    ]);
  },
);

/** Runs a snippet that guards `app`, as a process of its own, beside the lines that a reader has around it. */
async function start(snippet: string): Promise<string> {
  const text = snippet.replaceAll('http://127.0.0.1:3000', service.url).replaceAll('svc_latchkey_demo', SERVICE_TOKEN);
  const code = `import express from 'express';
const app = express();
${text}
const server = app.listen(0, '127.0.0.1', () => console.log('listens on http://127.0.0.1:' + server.address().port));`;
  const preload = join(ROOT, 'test', 'client', 'as-published.ts');
  const child = startChild(process.execPath, ['--import', preload, '--input-type=module', '--eval', code], {
    cwd: ROOT,
    env: { LATCHKEY_TOKEN: SERVICE_TOKEN },
  });
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await child.exited;
  });
  const [, url] = await child.saw(/listens on (\S+)/);
  return url!;
}
