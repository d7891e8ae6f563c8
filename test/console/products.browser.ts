import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { DEMO } from '../../src/emulator/demo.ts';
import { call, outcome, verifyKey } from '../support/api.ts';
import { start as startMemsolus } from '../systems/memsolus/start.ts';
import { startWorld } from '../systems/world.ts';
import type { Role } from '../systems/world.ts';
import { violations } from './accessibility.ts';
import { executablePath, openPage, signIn } from './chromium.ts';
import { startWorld as startService } from './world.ts';

type World = Pick<Awaited<ReturnType<typeof startWorld>>, 'service' | 'company' | 'verify'>;

/** Opens the console of a product, signed in as a person of a new company. */
async function open(world: World, role: Role = 'owner') {
  const company = await world.company();
  const watched = await openPage(world.service);
  const { page } = watched;
  await signIn(page, '/console/keys', { email: company.email(role), password: DEMO.password });
  await page.getByRole('heading', { level: 1 }).waitFor();
  return { ...watched, company };
}

const OWN_API = {
  base_path: '/api',
  keep_v1: 'console' as const,
  error: { body: { error: '$code', message: '$message' } },
  operations: { createApiKey: { path: '/keys' } },
};

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).first();
const dialog = (page: Page) => page.getByRole('dialog');

/** Copies the secret that is shown, and closes the dialog. */
async function copySecret(page: Page): Promise<string> {
  await button(page, 'Copy secret').click();
  await page.getByText('The secret is on the clipboard.').first().waitFor();
  const secret = await page.evaluate<string>('navigator.clipboard.readText()');
  await button(page, 'Done').click();
  await dialog(page).waitFor({ state: 'detached' });
  return secret;
}

describe.skipIf(executablePath === undefined)('the console of', () => {
  test('Evermuse wants at least one permission', async () => {
    const world = await startWorld('evermuse', { passwords: true });
    const { page, faults } = await open(world);
    await button(page, 'Create API Key').click();
    await dialog(page).getByLabel('Name').fill('nothing chosen');
    await dialog(page).getByRole('button', { name: 'Create API Key' }).click();
    await dialog(page).getByRole('alert').first().waitFor();
    expect(await violations(page)).toEqual([]);
    await dialog(page).getByRole('checkbox').first().check();
    await dialog(page).getByRole('button', { name: 'Create API Key' }).click();
    expect(await world.verify(await copySecret(page))).toMatchObject({ code: 'valid', label: 'nothing chosen' });
    expect(faults).toEqual([]);
  });

  test('Mixus lets people make, see and revoke keys of their own', async () => {
    const world = await startWorld('mixus', { passwords: true });
    const { page, faults } = await open(world);
    await page.getByRole('heading', { name: 'mixus API Keys' }).waitFor();
    await button(page, 'Generate API Key').click();
    await dialog(page).getByLabel('Name').fill('my evaluations');
    await dialog(page).getByRole('checkbox', { name: 'eval:manage' }).check();
    await dialog(page).getByText('Included in eval:manage').first().waitFor();
    expect(await violations(page)).toEqual([]);
    await dialog(page).getByRole('button', { name: 'Generate API Key' }).click();
    const secret = await copySecret(page);
    expect(await world.verify(secret)).toMatchObject({ code: 'valid', owner: { type: 'user' } });
    await button(page, 'Revoke my evaluations').click();
    await dialog(page).getByRole('button', { name: 'Revoke', exact: true }).waitFor();
    const typed = dialog(page).getByRole('textbox');
    if ((await typed.count()) > 0) await typed.fill(secret.slice(-4));
    await dialog(page).getByRole('button', { name: 'Revoke', exact: true }).click();
    await dialog(page).waitFor({ state: 'detached' });
    expect(await world.verify(secret)).toMatchObject({ code: 'revoked' });
    expect(faults).toEqual([]);
  });

  test('Mixus shows a member which permissions they lack themselves', async () => {
    const world = await startWorld('mixus', { passwords: true });
    const { page, faults } = await open(world, 'member');
    await button(page, 'Generate API Key').click();
    expect(await dialog(page).getByRole('checkbox', { name: 'eval:manage' }).isDisabled()).toBe(true);
    await dialog(page).getByText('You do not have this permission yourself.').first().waitFor();
    expect(faults).toEqual([]);
  });

  test('Memsolus finds a permission by its name, and makes test keys', async () => {
    const world = await startMemsolus({ passwords: true });
    const { page, faults } = await open(world);
    await button(page, 'New API Key').click();
    await dialog(page).getByLabel('Name').fill('dashboard');
    await dialog(page).getByRole('searchbox').fill('dashboard');
    await dialog(page).getByRole('checkbox', { name: 'dashboard.read' }).check();
    await dialog(page).getByRole('radio', { name: 'Test' }).check();
    expect(await violations(page)).toEqual([]);
    await dialog(page).getByRole('button', { name: 'New API Key' }).click();
    const secret = await copySecret(page);
    expect(await world.verify(secret, { environment: 'test' })).toMatchObject({
      code: 'valid',
      environment: 'test',
      scopes: ['dashboard.read'],
    });
    expect(faults).toEqual([]);
  });

  test('Embermind calls the section as its pages do', async () => {
    const world = await startWorld('embermind', { passwords: true });
    const { page, faults } = await open(world);
    await page.getByRole('heading', { name: 'Admin Panel' }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("a product works whose own API replaces Latchkey's for all others", async () => {
    const world = await startService({}, { product: { api: OWN_API } });
    const { organization, credentials } = await world.addPerson();
    const { page, faults } = await openPage(world);
    await signIn(page, '/console/keys', credentials);
    await button(page, 'Create API key').click();
    await dialog(page).getByLabel('Name').fill('by the console');
    await dialog(page).getByRole('button', { name: 'Create API key' }).click();
    expect((await verifyKey(world, { key: await copySecret(page) })).body).toMatchObject({ code: 'valid' });
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page.locator('details').getByText('API key created').waitFor();
    const asked = await call(world, 'GET', '/v1/api-keys', { token: await organization.session() });
    expect(outcome(asked)).toEqual([404, 'route_not_found']);
    expect(faults).toEqual([]);
  });
});
