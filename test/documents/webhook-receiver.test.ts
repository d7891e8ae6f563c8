import { expect, onTestFinished, test } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { startChild } from '../support/child.ts';
import { blocksOf, ROOT } from './pages.ts';

const SECRET = `whsec_${Buffer.from('a secret of tests, long enough').toString('base64')}`;

test('the receiver of docs/how-to/send-webhooks.md takes a signed webhook and refuses another', async () => {
  const block = blocksOf('docs/how-to/send-webhooks.md').find(({ language }) => language === 'js');
  const url = await start(block!.text);
  const body = JSON.stringify({ type: 'api_key.created', data: { organization_id: 'org_x' } });
  const at = new Date();
  const headers = {
    'webhook-id': 'notice_1',
    'webhook-timestamp': `${Math.floor(at.getTime() / 1_000)}`,
    'webhook-signature': new Webhook(SECRET).sign('notice_1', at, body),
  };
  const send = (sent: string) => fetch(url, { method: 'POST', headers, body: sent });
  expect((await send(body)).status).toBe(204);
  expect((await send(`${body} `)).status).toBe(401);
});

async function start(snippet: string): Promise<string> {
  expect(snippet).toContain('.listen(8000)');
  const code = snippet.replace(
    '.listen(8000)',
    ".listen(0, '127.0.0.1', function () { console.log('listens on http://127.0.0.1:' + this.address().port); })",
  );
  const child = startChild(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: ROOT,
    env: { LATCHKEY_NOTICES_SECRET_CRM: SECRET },
  });
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await child.exited;
  });
  const [, url] = await child.saw(/listens on (\S+)/);
  return url!;
}
