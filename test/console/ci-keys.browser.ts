import { describe, expect, test } from 'vitest';
import { createPolicy } from '../ci/ci.ts';
import { call } from '../support/api.ts';
import { violations } from './accessibility.ts';
import { executablePath } from './chromium.ts';
import { button, condition, dialog, entry, isGone, startCi } from './ci-world.ts';

const { world, open } = await startCi();

describe.skipIf(executablePath === undefined)('keys of CI jobs', () => {
  test('are listed on request, with the policy that gave them, and say which run has them', async () => {
    const { page, token, run, signIn: enter } = await open();
    const policy = await createPolicy(world, token, { name: 'nightly' });
    await run(policy);
    await enter('/console/keys');
    await page.getByText('No keys yet').waitFor();
    await page.getByLabel('Made by').selectOption('CI keys');
    const row = page.getByRole('row').filter({ hasText: 'CI: nightly' });
    await row.getByRole('link', { name: 'nightly', exact: true }).waitFor();
    expect(new URL(page.url()).search).toBe('?origin=ci');
    expect(await violations(page)).toEqual([]);

    await row.getByRole('link', { name: 'CI: nightly' }).click();
    await page.getByRole('heading', { name: 'CI: nightly' }).waitFor();
    const fact = (name: string) => page.locator('dl > div').filter({ has: page.getByText(name, { exact: true }) });
    await fact('Run').getByText('4711').waitFor();
    await fact('Started by').getByText('octocat').waitFor();
    expect(await button(page, 'Rotate').count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    await fact('CI policy').getByRole('link', { name: 'nightly' }).click();
    await entry(page, 'nightly').getByText('Exchanged').waitFor();
  });

  test('say that their policy is deleted', async () => {
    const { page, token, run, signIn: enter } = await open();
    const policy = await createPolicy(world, token);
    await run(policy);
    await call(world, 'DELETE', `/v1/ci/policies/${policy}`, { token });
    await enter('/console/keys?origin=ci');
    const row = page.getByRole('row').filter({ hasText: 'CI: deploy' });
    await row.getByText('Deleted policy').waitFor();
    expect(await row.getByRole('link').count()).toBe(1);
  });

  test('are found by a leaked secret, and revoked', async () => {
    const { page, token, run, signIn: enter } = await open();
    const made = (await run(await createPolicy(world, token))).body;
    await enter('/console/keys?dialog=leaked');
    await dialog(page).getByLabel('Leaked key').fill(String(made['access_token']));
    await dialog(page).getByText('CI: deploy').waitFor();
    await button(page, 'Revoke now').click();
    await isGone(page);
    const { id } = made['api_key'] as { id: string };
    expect((await call(world, 'GET', `/v1/api-keys/${id}`, { token })).body).toMatchObject({ status: 'revoked' });
  });
});

describe.skipIf(executablePath === undefined)('a product with a guide and other issuers', async () => {
  const other = await startCi({
    product: {
      ci: {
        audience: 'https://keys.example.com',
        guide_url: 'https://docs.example.com/ci',
        issuers: ['circleci', { name: 'builds', url: 'https://ci.example.com', pins: ['project', 'team'] }],
      },
    },
  });

  test('leads to the guide, and asks for what each issuer needs', async () => {
    const { page, token, signIn } = await other.open();
    await signIn();
    await page.getByText('No policies yet').waitFor();
    const guide = page.getByRole('link', { name: 'Guide for CI jobs' });
    expect(await guide.getAttribute('href')).toBe('https://docs.example.com/ci');

    await button(page, 'New policy').click();
    await dialog(page).getByLabel('Name').fill('circle');
    await condition(page, 'oidc.circleci.com/project-id').getByRole('textbox').fill('p-1');
    await dialog(page).getByRole('checkbox', { name: 'Read only' }).check();
    await button(page, 'Create policy').click();
    await dialog(page).getByText("Give your organization's id at circleci.").waitFor();
    await dialog(page).getByLabel('Your organization at the issuer').fill('ABC');
    await button(page, 'Create policy').click();
    await dialog(page).getByText('Give the UUID of the organization, in lower case.').waitFor();
    expect(await violations(page)).toEqual([]);

    await dialog(page).getByRole('combobox', { name: 'Issuer' }).selectOption('builds');
    for (const claim of ['project', 'team']) await condition(page, claim).getByRole('textbox').fill(`${claim}-1`);
    await button(page, 'Create policy').click();
    await isGone(page);
    const { body } = await call(other.world, 'GET', '/v1/ci/policies', { token });
    expect(body.data).toMatchObject([
      { issuer: 'builds', issuer_organization: null, when: { project: 'project-1', team: 'team-1' } },
    ]);
  });
});

describe.skipIf(executablePath === undefined)('a product without CI', async () => {
  const without = await startCi({ product: { ci: {} } });

  test('has no screen for it, and no filter of keys', async () => {
    const { page, signIn } = await without.open();
    await signIn('/console/keys');
    await page.getByText('No keys yet').waitFor();
    expect(await page.getByRole('link', { name: 'CI policies' }).count()).toBe(0);
    expect(await page.getByLabel('Made by').count()).toBe(0);
    await page.goto('/console/ci');
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  });
});
