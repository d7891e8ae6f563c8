import type { Page } from 'playwright-core';
import { afterEach, describe, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { atWorkos } from '../support/at-workos.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import { executablePath, openPage, signIn } from './chromium.ts';
import type { Watched } from './chromium.ts';
import { startWorld } from './world.ts';

const world = await startWorld();
let watched: Watched | undefined;

afterEach(() => {
  const faults = watched?.faults ?? [];
  watched = undefined;
  expect(faults).toEqual([]);
});

/** Opens the list of keys of a new organization, signed in. */
async function open(path = '/console/keys', role?: string) {
  const person = await world.addPerson(role);
  watched = await openPage(world);
  await signIn(watched.page, path, person.credentials);
  return { ...person, page: watched.page };
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const dialog = (page: Page) => page.getByRole('dialog');
const verify = async (key: string) => {
  const { body } = await call(world, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key } });
  return body['code'];
};
const clipboard = (page: Page) => page.evaluate<string>('navigator.clipboard.readText()');

/** Everything that outlives a closed dialog: storage, address, and what the page holds. */
const traces = (page: Page) =>
  page.evaluate<string>(
    `[location.href, document.documentElement.outerHTML, JSON.stringify(localStorage), JSON.stringify(sessionStorage)].join(' ')`,
  );

describe.skipIf(executablePath === undefined)('the list of keys', () => {
  test('makes a key in three clicks, and its copied secret works', async () => {
    const { page, keys } = await open();
    await page.getByText('No keys yet').waitFor();
    await button(page, 'Create API key').first().click();
    await dialog(page).getByLabel('Name').fill('CI runner');
    await dialog(page).getByRole('button', { name: 'Create API key' }).click();
    await button(page, 'Copy secret').click();
    await page.getByText('The secret is on the clipboard.').first().waitFor();
    const secret = await clipboard(page);
    expect(await verify(secret)).toBe('valid');
    await button(page, 'Done').click();
    await dialog(page).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'CI runner' }).waitFor();
    expect(await keys()).toMatchObject([{ label: 'CI runner' }]);
    expect(await traces(page)).not.toContain(secret);
  });

  test('makes a key by keyboard alone: n, the name, Enter, Enter', async () => {
    const { page } = await open();
    await page.getByText('No keys yet').waitFor();
    await page.keyboard.press('n');
    await dialog(page).getByLabel('Name').waitFor();
    await page.keyboard.type('by keyboard');
    await page.keyboard.press('Enter');
    await button(page, 'Copy secret').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('The secret is on the clipboard.').first().waitFor();
    expect(await verify(await clipboard(page))).toBe('valid');
  });

  test('keeps the dialog of a new secret open on Escape', async () => {
    const { page } = await open();
    await button(page, 'Create API key').first().click();
    await dialog(page).getByLabel('Name').fill('kept');
    await page.keyboard.press('Enter');
    await button(page, 'Copy secret').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    expect(await button(page, 'Copy secret').isVisible()).toBe(true);
    await button(page, 'I saved it').click();
    await dialog(page).waitFor({ state: 'detached' });
  });

  test('gets the same key again when the answer to create was lost', async () => {
    const { page, keys } = await open();
    let lost = 0;
    await page.route('**/v1/api-keys', async (route) => {
      if (route.request().method() !== 'POST' || lost > 0) return route.continue();
      lost += 1;
      await route.fetch();
      return route.abort('connectionreset');
    });
    await button(page, 'Create API key').first().click();
    await dialog(page).getByLabel('Name').fill('once');
    await page.keyboard.press('Enter');
    await button(page, 'Try again').click();
    await button(page, 'Copy secret').click();
    await page.getByText('The secret is on the clipboard.').first().waitFor();
    expect(lost).toBe(1);
    expect(await verify(await clipboard(page))).toBe('valid');
    expect(await keys()).toHaveLength(1);
    watched!.faults.length = 0;
  });

  test('makes one key of a double submit', async () => {
    const { page, keys } = await open();
    await button(page, 'Create API key').first().click();
    await dialog(page).getByLabel('Name').fill('double');
    await dialog(page).getByRole('button', { name: 'Create API key' }).dblclick();
    await button(page, 'Copy secret').waitFor();
    expect(await keys()).toHaveLength(1);
  });

  test('rotates a key in four clicks, and the old secret goes on', async () => {
    const { page, organization } = await open();
    const old = await createKey(world, await organization.session(), { label: 'rotated' });
    await page.reload();
    await button(page, 'Actions for rotated').click();
    await page.getByRole('menuitem', { name: 'Rotate' }).click();
    await dialog(page).getByRole('button', { name: 'Rotate', exact: true }).click();
    await button(page, 'Copy secret').click();
    await page.getByText('The secret is on the clipboard.').first().waitFor();
    const secret = await clipboard(page);
    expect(secret).not.toBe(old.value);
    expect([await verify(old.value), await verify(secret)]).toEqual(['valid', 'valid']);
  });

  test('revokes an unused key in one step, and asks for four characters of a used one', async () => {
    const { page, organization } = await open();
    const token = await organization.session();
    const [unused, used] = [
      await createKey(world, token, { label: 'unused' }),
      await createKey(world, token, { label: 'used' }),
    ];
    expect(await verify(used.value)).toBe('valid');
    await world.background.runOnce('flush_usage');
    await page.reload();
    await button(page, 'Actions for unused').click();
    await page.getByRole('menuitem', { name: 'Revoke' }).click();
    await dialog(page).getByRole('button', { name: 'Revoke', exact: true }).click();
    await dialog(page).waitFor({ state: 'detached' });
    expect(await verify(unused.value)).toBe('revoked');
    await button(page, 'Actions for used').click();
    await page.getByRole('menuitem', { name: 'Revoke' }).click();
    await dialog(page).getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByText(`That is not ${used.value.slice(-4)}`, { exact: false }).waitFor();
    expect(await verify(used.value)).toBe('valid');
    await dialog(page).getByRole('textbox').fill(used.value.slice(-4));
    await page.keyboard.press('Enter');
    await dialog(page).waitFor({ state: 'detached' });
    expect(await verify(used.value)).toBe('revoked');
  });

  test('finds a leaked key and revokes it while billing is past due, and sends four characters of it', async () => {
    const { page, organization } = await open();
    const leaked = await createKey(world, await organization.session(), { label: 'leaked' });
    const path = `/v1/organizations/${organization.id}/billing`;
    await call(world, 'PUT', path, { token: SERVICE_TOKEN, body: { status: 'past_due' } });
    const sent: string[] = [];
    page.on('request', (request) => sent.push(`${request.url()} ${request.postData() ?? ''}`));
    await page.reload();
    await button(page, 'Leaked key').click();
    await dialog(page).getByRole('textbox').fill(`export API_KEY="${leaked.value}"`);
    await button(page, 'Revoke now').click();
    await dialog(page).waitFor({ state: 'detached' });
    expect(await verify(leaked.value)).toBe('revoked');
    expect(sent.filter((each) => each.includes(leaked.value.slice(-12)))).toEqual([]);
  });

  test('shows what a member without the scope lacks', async () => {
    const { page } = await open('/console/keys', 'member');
    await page.getByText('apikeys:read').first().waitFor();
    expect(await button(page, 'Create API key').count()).toBe(0);
  });

  test('renews an expired session once, also in two tabs', async () => {
    const { page, organization } = await open();
    const other = await page.context().newPage();
    await other.goto('/console/keys');
    await other.getByText('No keys yet').waitFor();
    world.clock.advance(6 * 60_000);
    await createKey(world, await organization.session(), { label: 'after' });
    await Promise.all([page.reload(), other.reload()]);
    for (const tab of [page, other]) await tab.getByRole('link', { name: 'after' }).waitFor();
    expect([page, other].map((tab) => new URL(tab.url()).pathname)).toEqual(['/console/keys', '/console/keys']);
  });

  test('signs out, and a copied cookie opens nothing', async () => {
    const { page } = await open();
    await page.getByText('No keys yet').waitFor();
    const cookies = await page.context().cookies();
    await button(page, 'Sign out').click();
    await page.waitForURL('**/console/signed-out*');
    await page.context().addCookies(cookies);
    expect((await page.request.get('/v1/me/session')).status()).toBe(401);
  });

  test('keeps what was typed when the session ends, and goes on after a sign-in in another tab', async () => {
    const { page, credentials, id } = await open();
    await button(page, 'Create API key').first().click();
    await dialog(page).getByLabel('Name').fill('half-filled');
    const { session_id } = await world.db('user_sessions').where({ user_id: id }).first('session_id');
    await atWorkos(world, 'POST', '/user_management/sessions/revoke', { session_id });
    world.clock.advance(6 * 60_000);
    await dialog(page).getByRole('button', { name: 'Create API key' }).click();
    await dialog(page).getByText('Your session has ended', { exact: false }).first().waitFor();
    expect(await dialog(page).getByLabel('Name').inputValue()).toBe('half-filled');
    await signIn(await page.context().newPage(), '/console/sign-in', credentials);
    await dialog(page).getByRole('button', { name: 'Create API key' }).click();
    await button(page, 'Copy secret').waitFor();
  });

  test('says that WorkOS cannot be reached, makes nothing, and makes the key when it can', async () => {
    const { page, keys } = await open();
    await button(page, 'Create API key').first().click();
    await dialog(page).getByLabel('Name').fill('patient');
    world.workos.faults.add({ kind: 'reset_before', times: 0, method: 'POST', path: '/organizations/:id/api_keys' });
    await dialog(page).getByRole('button', { name: 'Create API key' }).click();
    await dialog(page).getByText('WorkOS cannot be reached now', { exact: false }).first().waitFor();
    await dialog(page)
      .getByText(/req_[0-9a-f]{24}/)
      .first()
      .waitFor();
    world.workos.faults.clear();
    await dialog(page)
      .getByRole('button', { name: /Try again|Create API key/ })
      .first()
      .click();
    await button(page, 'Copy secret').waitFor();
    expect((await keys()).filter(({ status }) => status === 'active')).toHaveLength(1);
    watched!.faults.length = 0;
  });

  test('speaks German where the browser does', async () => {
    const person = await world.addPerson();
    watched = await openPage(world, { locale: 'de-DE' });
    await signIn(watched.page, '/console/keys', person.credentials);
    await watched.page.getByText('Noch keine').first().waitFor();
    expect(await watched.page.getAttribute('html', 'lang')).toMatch(/^de/);
  });
});
