import { describe, expect, test } from 'vitest';
import { createPolicy } from '../ci/ci.ts';
import { call } from '../support/api.ts';
import { violations } from './accessibility.ts';
import { executablePath } from './chromium.ts';
import { announced, button, condition, dialog, entry, isGone, startCi } from './ci-world.ts';
import { impersonate } from './impersonate.ts';

const { world, open } = await startCi();

describe.skipIf(executablePath === undefined)('the CI policies', () => {
  test('begin with lines for a job, and a policy is created whose lines let a job in', async () => {
    const { page, organization, policies, run, signIn: enter } = await open();
    await enter();
    await page.getByText('No policies yet').waitFor();
    await page.getByText(`/ci/${organization.id}`).waitFor();
    expect(await violations(page)).toEqual([]);

    await button(page, 'New policy').click();
    await dialog(page).getByLabel('Name').fill('deploy');
    await condition(page, 'repository_id').getByRole('textbox').fill('987');
    await button(page, 'Add a condition').click();
    await dialog(page).getByLabel('Claim').fill('ref');
    await condition(page, 'ref').getByLabel('Comparison').selectOption('is like');
    await condition(page, 'ref').getByLabel('Value').fill('refs/heads/v/*');
    await dialog(page).getByRole('checkbox', { name: 'Submit observe' }).check();
    await dialog(page).getByLabel('Longest lifetime of a key').selectOption('30 minutes');
    expect(await violations(page)).toEqual([]);
    await button(page, 'Create policy').click();
    await isGone(page);
    await announced(page, 'The policy “deploy” is created.');

    const [made] = await policies();
    expect(made).toMatchObject({
      name: 'deploy',
      issuer: 'github',
      issue: 'api_key',
      permission_sets: ['submit_observe'],
      max_lifetime_seconds: 1_800,
      when: { repository_id: '987', ref: { glob: 'refs/heads/v/*' } },
    });
    expect(new URL(page.url()).search).toBe(`?policy=${String(made!['id'])}`);
    const lines = await entry(page, 'deploy').locator('pre').textContent();
    expect(lines).toContain(`--policy ${String(made!['id'])}\n`);
    expect(lines).toContain(`--audience ${String(made!['audience'])}\n`);
    await page.getByText('No job has asked yet.').waitFor();

    expect((await run(String(made!['id']))).status).toBe(200);
    await page.reload();
    await entry(page, 'deploy').getByText('Exchanged').waitFor();
    await entry(page, 'deploy').locator('summary').getByText('Used now').waitFor();
    expect(await violations(page)).toEqual([]);
  });

  test("show the server's word on a policy without an immutable id, and on a claim that needs another", async () => {
    const { page, policies, signIn: enter } = await open();
    await enter('/console/ci?dialog=policy');
    await dialog(page).getByLabel('Name').fill('too much');
    await dialog(page).getByRole('checkbox', { name: 'Submit observe' }).check();
    await button(page, 'Create policy').click();
    await dialog(page).getByText('Pin repository_id by exact values').waitFor();
    expect(await violations(page)).toEqual([]);

    await dialog(page).getByLabel('Issuer').selectOption('GitLab');
    await condition(page, 'project_id').getByRole('textbox').fill('42');
    await button(page, 'Add a condition').click();
    await dialog(page).getByLabel('Claim').fill('ref');
    await condition(page, 'ref').getByLabel('Value').fill('main');
    await button(page, 'Create policy').click();
    await condition(page, 'ref').getByText('Give a condition on ref_type, too.').waitFor();
    expect(await violations(page)).toEqual([]);

    await button(page, 'Add a condition').click();
    await condition(page, 'Conditions').getByLabel('Claim').fill('ref');
    await dialog(page).getByText('There is a condition on this claim already.').waitFor();
    await button(page, 'Create policy').click();
    expect(await policies()).toEqual([]);
    await dialog(page).getByLabel('Claim').last().fill('ref_type');
    await condition(page, 'ref_type').getByLabel('Value').fill('branch');
    await button(page, 'Create policy').click();
    await isGone(page);
    expect(await policies()).toMatchObject([{ when: { project_id: '42', ref: 'main', ref_type: 'branch' } }]);
  });

  test('change what is changed, and leave other conditions as they are', async () => {
    const { page, token, policies, signIn: enter } = await open();
    const when = { repository_id: [987, '988'], run_attempt: 1, ref: { glob: 'refs/tags/*' } };
    const policy = await createPolicy(world, token, { name: 'release', when });
    await enter(`/console/ci?policy=${policy}`);
    await button(page, 'Edit').click();
    await dialog(page).getByLabel('Name').fill('releases');
    await dialog(page).getByRole('radio', { name: 'A session' }).check();
    await button(page, 'Remove the condition ref').click();
    expect(await violations(page)).toEqual([]);
    await button(page, 'Save').click();
    await isGone(page);
    await entry(page, 'releases').getByText('Sessions').first().waitFor();
    expect(await policies()).toMatchObject([
      { id: policy, name: 'releases', issue: 'session', when: { repository_id: [987, '988'], run_attempt: 1 } },
    ]);
    expect((await policies())[0]!['when']).not.toHaveProperty('ref');
  });

  test('try a draft on past exchanges, and change nothing', async () => {
    const { page, token, policies, run, signIn: enter } = await open();
    const policy = await createPolicy(world, token, { when: { repository_id: '987', environment: 'production' } });
    expect([(await run(policy)).status, (await run(policy, { environment: 'staging' })).status]).toEqual([200, 403]);
    await enter(`/console/ci?policy=${policy}&dialog=policy`);
    await button(page, 'Try it on the last 30 days').click();
    await dialog(page).getByText('1 of 2 would pass.').waitFor();
    await dialog(page).getByText('All come out as they did.').waitFor();

    await condition(page, 'environment').getByLabel('Value').fill('staging');
    await button(page, 'Try it on the last 30 days').click();
    await dialog(page).getByText('What would change').waitFor();
    await dialog(page).getByRole('listitem').filter({ hasText: 'Would pass' }).getByText('staging').waitFor();
    const refused = dialog(page).getByRole('listitem').filter({ hasText: 'Would be refused' });
    await refused.getByText('environment: production').waitFor();
    expect(await violations(page)).toEqual([]);

    await condition(page, 'repository_id').getByRole('textbox').fill('');
    await button(page, 'Try it on the last 30 days').click();
    await dialog(page).getByText('Pin repository_id by exact values').waitFor();
    await button(page, 'Cancel').click();
    expect(await policies()).toMatchObject([{ when: { repository_id: '987', environment: 'production' } }]);
  });

  test('say why jobs were refused, and lead to the audit log', async () => {
    const { page, token, run, signIn: enter } = await open();
    const policy = await createPolicy(world, token, { when: { repository_id: '987', environment: 'production' } });
    await run(policy, { environment: 'staging' });
    await run(policy, { repository: 'stranger/app', repository_id: '1' });
    await enter(`/console/ci?policy=${policy}`);
    const refused = page.getByRole('listitem').filter({ hasText: 'Refused' });
    await refused.filter({ hasText: 'stranger/app' }).getByText('Not from the repository or project').waitFor();
    await refused.filter({ hasText: 'acme/app' }).getByText('environment: staging').waitFor();
    await page.getByRole('link', { name: 'Show in the audit log' }).click();
    await page.locator('details').getByText('CI refused').first().waitFor();
    expect(await page.locator('details').getByText('CI refused').count()).toBe(2);
  });

  test('are switched off and on, which their jobs find out', async () => {
    const { page, token, run, signIn: enter } = await open();
    const policy = await createPolicy(world, token);
    await enter();
    await entry(page, 'deploy').locator('summary').press('Enter');
    expect(new URL(page.url()).search).toBe(`?policy=${policy}`);
    await button(page, 'Disable').click();
    await announced(page, 'deploy is disabled.');
    expect((await run(policy)).status).toBe(403);
    await button(page, 'Enable').click();
    await announced(page, 'deploy is enabled.');
    expect((await run(policy)).status).toBe(200);
    await entry(page, 'deploy').locator('summary').press('Enter');
    await button(page, 'Disable').waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('');
  });

  test.each([
    { choice: 'Let them work until they expire, within 1 hour', status: 'active', says: 'deploy is deleted.' },
    { choice: 'Revoke them now', status: 'revoked', says: 'deploy is deleted, and 1 key is revoked.' },
  ])('are deleted, with the choice: $choice', async ({ choice, status, says }) => {
    const { page, token, policies, run, signIn: enter } = await open();
    const policy = await createPolicy(world, token);
    const { id } = (await run(policy)).body['api_key'] as { id: string };
    await enter(`/console/ci?policy=${policy}`);
    await button(page, 'Delete').click();
    await dialog(page).getByRole('radio', { name: choice }).check();
    expect(await violations(page)).toEqual([]);
    await dialog(page).getByRole('button', { name: 'Delete', exact: true }).click();
    await isGone(page);
    await announced(page, says);
    await page.getByText('No policies yet').waitFor();
    expect(await policies()).toEqual([]);
    expect((await call(world, 'GET', `/v1/api-keys/${id}`, { token })).body).toMatchObject({ status });
  });

  test('are seen by an impersonator, who changes none', async () => {
    const { page, token, policies, watched, ...person } = await open();
    const policy = await createPolicy(world, token);
    await impersonate(world, watched, person, `/console/ci?policy=${policy}&dialog=policy`);
    await entry(page, 'deploy').getByText('Policy id').waitFor();
    expect(await dialog(page).count()).toBe(0);
    for (const name of ['New policy', 'Edit', 'Disable'])
      expect(await page.getByRole('button', { name }).getAttribute('title')).toMatch(/^An impersonated session/);
    expect(await violations(page)).toEqual([]);
    expect(await policies()).toMatchObject([{ name: 'deploy', enabled: true }]);
  });

  test('are not shown to a member', async () => {
    const { page, signIn: enter } = await open('member');
    await enter('/console/keys');
    await page.getByRole('navigation').getByRole('link', { name: 'Organization' }).waitFor();
    expect(await page.getByRole('link', { name: 'CI policies' }).count()).toBe(0);
    await page.goto('/console/ci');
    await page.getByText('This needs the scope apikeys:read').waitFor();
    expect(await button(page, 'New policy').count()).toBe(0);
  });
});
