import { beforeAll, describe, expect, test } from 'vitest';
import { createPolicy, exchange, jobToken } from '../ci/ci.ts';
import { call, createKey } from '../support/api.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import { overflow, violations } from './accessibility.ts';
import { startReceiver } from '../webhooks/receiver.ts';
import { executablePath, openPage, signIn } from './chromium.ts';
import { startWorld } from './world.ts';

const crm = await startReceiver();
const world = await startWorld(
  { LATCHKEY_NOTICES_SECRET_CRM: crm.secret },
  {
    product: {
      webhooks: { endpoints: [{ name: 'crm', url: crm.url, secret_env: 'LATCHKEY_NOTICES_SECRET_CRM' }] },
    },
  },
);
const LABELS = ['CI runner, staging', 'مفتاح الخادم', '本番サーバー', 'x'.repeat(100), 'Zapier'];
const SIZES = [
  { width: 375, height: 800 },
  { width: 768, height: 900 },
  { width: 1_440, height: 900 },
];
/** Each screen's address, and a text that it shows once it is complete. */
const SCREENS: readonly [string, string, string][] = [
  ['the list of keys', '/console/keys', 'Zapier'],
  ['the form of a new key', '/console/keys?dialog=create', 'Compare side by side'],
  ['the search for a leaked key', '/console/keys?dialog=leaked', 'The key stays in this page'],
  ['a list that is empty', '/console/keys?q=nothing', 'Nothing found'],
  ['a key', '/console/keys/{id}', 'Show as a table'],
  ['the usage of the organization', '/console/usage', 'Show as a table'],
  ['the audit log', '/console/audit', 'Session created'],
  ['the webhooks', '/console/webhooks', 'Retrying'],
  ['the attempts of a webhook', '/console/webhooks?status=retrying', 'Retrying'],
  ['webhooks of which there are none', '/console/webhooks?status=failed', 'No delivery fits the filters'],
  ['the CI policies', '/console/ci', 'deploy'],
  ['a CI policy with its exchanges', '/console/ci?policy={policy}', 'Exchanged'],
  ['the form of a CI policy', '/console/ci?policy={policy}&dialog=policy', 'Try it on the last 30 days'],
  ['the deletion of a CI policy', '/console/ci?policy={policy}&dialog=policy-delete', 'Revoke them now'],
  ['the keys of CI jobs', '/console/keys?origin=ci', 'CI: deploy'],
  ['the key of a CI job', '/console/keys/{ciKey}', 'octocat'],
  ['the organization', '/console/organization', 'Plan and limits'],
  ['the page after signing out', '/console/signed-out', 'You are signed out'],
];

let person: Awaited<ReturnType<typeof world.addPerson>>;
let id: string;
let policy: string;
let ciKey: string;

beforeAll(async () => {
  person = await world.addPerson();
  const token = await person.organization.session();
  for (const label of LABELS) {
    const { value, ...key } = await createKey(world, token, { label });
    id = key.id;
    await call(world, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key: value } });
  }
  await world.background.runOnce('flush_usage');
  const when = { repository_id: '987', environment: 'production', ref: { glob: 'refs/heads/*' } };
  policy = await createPolicy(world, token, { name: 'deploy', when });
  const run = async (claims: object) =>
    exchange(world, { policy, token: await jobToken(world, person.organization, claims) });
  ciKey = ((await run({ environment: 'production', ref: 'refs/heads/main' })).body['api_key'] as { id: string }).id;
  await run({ environment: 'staging', ref: 'refs/heads/main' });
  crm.answerWith(() => 503);
  await world.background.runOnce('deliver_notices_crm');
});

describe.skipIf(executablePath === undefined)('every screen', () => {
  test.each(['light', 'dark'] as const)(
    'fits its window and has no violation of WCAG 2.2 AA in %s',
    async (colorScheme) => {
      const { page, faults } = await openPage(world, { colorScheme });
      await signIn(page, '/console/keys', person.credentials);
      const found: string[] = [];
      for (const [name, path, text] of SCREENS) {
        await page.goto(path.replace('{id}', id).replace('{policy}', policy).replace('{ciKey}', ciKey));
        await page.getByText(text).filter({ visible: true }).first().waitFor();
        if (name.startsWith('the attempts')) {
          await page.locator('details').last().locator('summary').click();
          await page.getByText('Answered 503').waitFor();
        }
        for (const size of SIZES) {
          await page.setViewportSize(size);
          if ((await overflow(page)) > 0) found.push(`${name} at ${size.width}: wider than its window`);
          found.push(...(await violations(page)).map((each) => `${name} at ${size.width}: ${each}`));
        }
      }
      expect([...found, ...faults]).toEqual([]);
    },
  );

  test.each(SIZES)('has every page and the way out within reach at $width pixels', async (viewport) => {
    const { page } = await openPage(world, { viewport });
    await signIn(page, '/console/keys', person.credentials);
    for (const name of ['API keys', 'Usage', 'Audit log', 'Webhooks', 'CI policies', 'Organization'])
      await page.getByRole('navigation').getByRole('link', { name }).click({ trial: true });
    await page.getByRole('button', { name: 'Sign out' }).click({ trial: true });
    expect(await overflow(page)).toBe(0);
  });

  test('would be found out: a planted picture without a text, and a planted width', async () => {
    const { page } = await openPage(world);
    await page.goto('/console/signed-out');
    await page.getByText('You are signed out').waitFor();
    await page.evaluate(`document.querySelector('main').append(document.createElement('img'))`);
    await page.evaluate(`document.querySelector('main').style.width = '3000px'`);
    expect(await violations(page)).toEqual([expect.stringMatching(/^image-alt: img/)]);
    expect(await overflow(page)).toBeGreaterThan(1_000);
  });
});
