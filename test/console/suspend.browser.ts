import type { Page } from 'playwright-core';
import { afterEach, describe, expect, test } from 'vitest';
import { call, createKey, verifyKey } from '../support/api.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import { overflow, violations } from './accessibility.ts';
import { executablePath, openPage, signIn } from './chromium.ts';
import type { Watched } from './chromium.ts';
import { startWorld } from './world.ts';

const world = await startWorld({}, { product: { api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] } } });
let watched: Watched | undefined;

afterEach(() => {
  const faults = watched?.faults ?? [];
  watched = undefined;
  expect(faults).toEqual([]);
});

async function open(path = '/console/keys', role?: string, locale = 'en-GB') {
  const person = await world.addPerson(role);
  watched = await openPage(world, { locale });
  await signIn(watched.page, path, person.credentials);
  return { ...person, page: watched.page };
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const dialog = (page: Page) => page.getByRole('dialog');
const codeOf = async (key: string) => (await verifyKey(world, { key })).body['code'];
const choose = async (page: Page, label: string, action: string) => {
  await button(page, `Actions for ${label}`).click();
  await page.getByRole('menuitem', { name: action }).click();
};

describe.skipIf(executablePath === undefined)('suspending a key in the console', () => {
  test('stops it with a reason while billing is past due, shows it in the filter, and resumes it', async () => {
    const { page, organization } = await open();
    const key = await createKey(world, await organization.session(), { label: 'deploy' });
    const path = `/v1/organizations/${organization.id}/billing`;
    await call(world, 'PUT', path, { token: SERVICE_TOKEN, body: { status: 'past_due' } });
    await page.reload();
    await choose(page, 'deploy', 'Suspend');
    await dialog(page).getByLabel('Reason').fill('seen in a public log');
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await dialog(page).getByText('deploy is suspended.').waitFor();
    expect(await codeOf(key.value)).toBe('suspended');
    await dialog(page).getByRole('link', { name: 'Show suspended keys' }).click();
    await dialog(page).waitFor({ state: 'detached' });
    await page.getByRole('row', { name: 'deploy' }).getByText('Suspended', { exact: true }).waitFor();
    expect(await page.getByRole('combobox', { name: 'Status' }).inputValue()).toBe('suspended');
    await button(page, 'Actions for deploy').click();
    const offered = await page.getByRole('menuitem').allTextContents();
    expect(offered.map((text) => text.replace('Billing does not permit this now (Past due).', ''))).toEqual([
      'Edit',
      'Resume',
      'Revoke',
    ]);
    await page.getByRole('menuitem', { name: 'Resume' }).click();
    await dialog(page).getByText('seen in a public log').waitFor();
    await dialog(page).getByRole('button', { name: 'Resume', exact: true }).click();
    await dialog(page).waitFor({ state: 'detached' });
    expect(await codeOf(key.value)).toBe('valid');
    await page.getByText('Nothing found').waitFor();
  });

  test('says on the screen of the key since when, by whom and why, at any width and accessibly', async () => {
    const { page, organization } = await open();
    const token = await organization.session();
    const key = await createKey(world, token, { label: 'deploy' });
    const reason = 'x'.repeat(200);
    await call(world, 'POST', `/v1/api-keys/${key.id}/suspend`, { token, body: { reason } });
    await page.goto(`${world.url}/console/keys/${key.id}`);
    const banner = page.getByRole('region', { name: 'Suspension' });
    await banner.getByText(reason).waitFor();
    expect(await banner.textContent()).toContain('refused until it is resumed');
    expect(await violations(page)).toEqual([]);
    for (const width of [320, 1_280]) {
      await page.setViewportSize({ width, height: 800 });
      expect([width, await overflow(page)]).toEqual([width, 0]);
    }
    expect(await button(page, 'Rotate').count()).toBe(0);
    await button(page, 'Resume').click();
    await dialog(page).getByRole('button', { name: 'Resume', exact: true }).click();
    await banner.waitFor({ state: 'detached' });
    await page.getByText('Active', { exact: true }).waitFor();
    expect(await codeOf(key.value)).toBe('valid');
  });

  test('offers the owner of a personal key to resume what they suspended, not what an administrator did', async () => {
    const permissions = ['apikeys:write:own', 'apikeys:read:own', 'workspace:read'];
    world.workos.seed({ roles: [{ slug: 'keeper', permissions }] });
    const { page, organization, id: sub } = await open('/console/keys', 'keeper');
    const own = await organization.session('member', { sub, permissions });
    const key = await createKey(world, own, { label: 'mine', owner: 'user' });
    await call(world, 'POST', `/v1/api-keys/${key.id}/suspend`, { token: await organization.session('owner') });
    await page.goto(`${world.url}/console/keys/${key.id}`);
    await page.getByRole('region', { name: 'Suspension' }).waitFor();
    expect(await page.getByRole('button', { name: /^Resume/ }).getAttribute('aria-disabled')).toBe('true');
    await call(world, 'POST', `/v1/api-keys/${key.id}/resume`, { token: await organization.session('owner') });
    await call(world, 'POST', `/v1/api-keys/${key.id}/suspend`, { token: own });
    await page.reload();
    await button(page, 'Resume').click();
    await dialog(page).getByRole('button', { name: 'Resume', exact: true }).click();
    await dialog(page).waitFor({ state: 'detached' });
    expect(await codeOf(key.value)).toBe('valid');
  });

  test('revokes a suspended key that has leaked', async () => {
    const { page, organization } = await open();
    const token = await organization.session();
    const key = await createKey(world, token, { label: 'leaked' });
    await call(world, 'POST', `/v1/api-keys/${key.id}/suspend`, { token });
    await button(page, 'Leaked key').click();
    await dialog(page).getByRole('textbox').fill(key.value);
    await button(page, 'Revoke now').click();
    await dialog(page).waitFor({ state: 'detached' });
    expect(await codeOf(key.value)).toBe('revoked');
  });

  test('speaks German', async () => {
    const { page, organization } = await open('/console/keys', 'owner', 'de-DE');
    const key = await createKey(world, await organization.session(), { label: 'Lager' });
    await page.reload();
    await button(page, 'Aktionen für Lager').click();
    await page.getByRole('menuitem', { name: 'Sperren' }).click();
    await dialog(page).getByRole('button', { name: 'Sperren', exact: true }).click();
    await dialog(page).getByText('Lager ist gesperrt.').waitFor();
    expect(await codeOf(key.value)).toBe('suspended');
  });
});
