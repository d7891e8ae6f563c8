import type { Page } from 'playwright-core';
import { afterEach, describe, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { sealSession } from '../support/sealed-session.ts';
import { executablePath, openPage, signIn } from './chromium.ts';
import type { Watched } from './chromium.ts';
import { startWorld } from './world.ts';

const world = await startWorld();
const MOST_KEYS = 10;
let watched: Watched;

afterEach(() => world.workos.faults.clear());

async function open(path = '/console/keys') {
  const person = await world.addPerson();
  watched = await openPage(world);
  await signIn(watched.page, path, person.credentials);
  const token = await person.organization.session();
  return { ...person, token, page: watched.page, faults: watched.faults };
}

/** Opens the list with one key in it. */
async function openWithKey(label: string) {
  const opened = await open();
  const key = await createKey(world, opened.token, { label });
  await opened.page.reload();
  await opened.page.getByRole('link', { name: label }).waitFor();
  const revokeElsewhere = () => call(world, 'DELETE', `/v1/api-keys/${key.id}`, { token: opened.token });
  return { ...opened, key, revokeElsewhere };
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const dialog = (page: Page) => page.getByRole('dialog');
const submit = (page: Page, name: string) => dialog(page).getByRole('button', { name, exact: true }).click();
const refusal = (page: Page) => dialog(page).getByRole('alert').first();

async function choose(page: Page, label: string, action: string): Promise<void> {
  await button(page, `Actions for ${label}`).click();
  await page.getByRole('menuitem', { name: action }).click();
  await submitsOf(page).first().waitFor();
}

const submitsOf = (page: Page) => dialog(page).locator('button[type=submit]');

describe.skipIf(executablePath === undefined)('a copy that failed', () => {
  test('is said, leaves the secret selected, and is made good by keyboard', async () => {
    const { page } = await open();
    await page.evaluate(`navigator.clipboard.writeText = () => Promise.reject(new Error('refused'))`);
    await button(page, 'Create API key').first().click();
    await dialog(page).getByLabel('Name').fill('not copied');
    await submit(page, 'Create API key');
    await button(page, 'Copy secret').click();
    await dialog(page).getByText('The browser refused to copy.', { exact: false }).waitFor();
    expect(await button(page, 'Done').count()).toBe(0);
    const selected = await page.evaluate<string>('getSelection().toString()');
    await page.keyboard.press('Control+C');
    await button(page, 'Done').waitFor();
    expect(selected).toMatch(/^sk_/);
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe(selected);
  });
});

describe.skipIf(executablePath === undefined)('meanwhile', () => {
  test('the last key of the plan was taken: it is said, and the form stays as it was', async () => {
    const { page, token, keys } = await open();
    await button(page, 'Create API key').first().click();
    await dialog(page).getByLabel('Name').fill('one too many');
    for (let i = 0; i < MOST_KEYS; i++) await createKey(world, token, { label: `key ${i}` });
    await submit(page, 'Create API key');
    await refusal(page).getByText('All keys of your plan are in use.', { exact: false }).waitFor();
    expect(await dialog(page).getByLabel('Name').inputValue()).toBe('one too many');
    expect(await keys()).toHaveLength(MOST_KEYS);
  });

  test('the key was revoked: rotating it makes none, and says so', async () => {
    const { page, keys, revokeElsewhere } = await openWithKey('to rotate');
    await choose(page, 'to rotate', 'Rotate');
    await revokeElsewhere();
    await submit(page, 'Rotate');
    await refusal(page).getByText('This key was revoked meanwhile', { exact: false }).waitFor();
    expect(await refusal(page).innerText()).not.toContain('Try again in');
    expect((await keys()).filter(({ status }) => status === 'active')).toEqual([]);
  });

  test('the key was revoked: it is renamed all the same, and leaves the list of active keys', async () => {
    const { page, faults, revokeElsewhere } = await openWithKey('to rename');
    await choose(page, 'to rename', 'Edit');
    await dialog(page).getByLabel('Name').fill('renamed too late');
    await revokeElsewhere();
    await submit(page, 'Save');
    await page.getByText('No keys yet').waitFor();
    await page.goto('/console/keys?status=revoked');
    await page.getByRole('link', { name: 'renamed too late' }).waitFor();
    expect(faults).toEqual([]);
  });

  test('the key was revoked: revoking it is no error', async () => {
    const { page, faults, revokeElsewhere } = await openWithKey('to revoke');
    await choose(page, 'to revoke', 'Revoke');
    await revokeElsewhere();
    await submit(page, 'Revoke');
    await dialog(page).waitFor({ state: 'detached' });
    await page.getByText('No keys yet').waitFor();
    expect(faults).toEqual([]);
  });
});

/** Types a name in the moment in which the permission sets are drawn, before the form has chosen one of them. */
const TYPE_MEANWHILE = `new MutationObserver((_, self) => {
  if (!document.querySelector('dialog [name=permission-set]')) return;
  self.disconnect();
  const name = document.querySelector('dialog input');
  name.value = 'typed meanwhile';
  name.dispatchEvent(new Event('input', { bubbles: true }));
}).observe(document.body, { childList: true, subtree: true })`;

describe.skipIf(executablePath === undefined)('permission sets that arrive late', () => {
  test('leave what is typed as they arrive, and the first of them is chosen', async () => {
    const { page, keys } = await open('/console/organization');
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    await page.route('**/v1/permission-sets', async (route) => {
      await mayAnswer;
      await route.continue();
    });
    await page.goto('/console/keys?dialog=create');
    await dialog(page).getByLabel('Name').fill('typed before');
    await page.evaluate(TYPE_MEANWHILE);
    const first = dialog(page).getByRole('radio', { name: /^Read only/ });
    expect(await first.count()).toBe(0);
    answer();
    await expect.poll(() => first.isChecked()).toBe(true);
    expect(await dialog(page).getByLabel('Name').inputValue()).toBe('typed meanwhile');
    await submit(page, 'Create API key');
    await button(page, 'I saved it').click();
    await dialog(page).waitFor({ state: 'detached' });
    expect(await keys()).toMatchObject([{ label: 'typed meanwhile', permission_set: 'read_only' }]);
  });
});

describe.skipIf(executablePath === undefined)('a new name', () => {
  test('is shown before the service answers', async () => {
    const { page } = await openWithKey('old name');
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    await page.route('**/v1/api-keys/*', async (route) => {
      if (route.request().method() === 'PATCH') await mayAnswer;
      await route.continue();
    });
    await choose(page, 'old name', 'Edit');
    await dialog(page).getByLabel('Name').fill('new name');
    await submit(page, 'Save');
    await page.getByRole('link', { name: 'new name' }).waitFor();
    expect(await dialog(page).count()).toBe(0);
    answer();
    await page.waitForURL((url) => !url.searchParams.has('dialog'));
    await page.reload();
    await page.getByRole('link', { name: 'new name' }).waitFor();
  });

  test('that is refused is taken back, with the reason and what was typed', async () => {
    const { page } = await openWithKey('kept name');
    await page.route('**/v1/api-keys/*', async (route) => {
      if (route.request().method() !== 'PATCH') return route.continue();
      const error = { code: 'rate_limited', message: 'Too many.', request_id: 'req_x' };
      return route.fulfill({ status: 429, json: { error }, headers: { 'x-request-id': 'req_x' } });
    });
    await choose(page, 'kept name', 'Edit');
    await dialog(page).getByLabel('Name').fill('refused name');
    await submit(page, 'Save');
    await refusal(page).waitFor();
    expect(await dialog(page).getByLabel('Name').inputValue()).toBe('refused name');
    await page.locator('table').getByText('kept name').waitFor();
    expect(await page.locator('table').getByText('refused name').count()).toBe(0);
  });
});

describe.skipIf(executablePath === undefined)('a file of an older release', () => {
  const USAGE = '**/console/assets/usage-screen-*.js';

  test('is got anew by one reload of the page', async () => {
    const { page } = await open();
    await page.getByText('No keys yet').waitFor();
    let isOld = true;
    page.on('request', (request) => {
      if (request.isNavigationRequest()) isOld = false;
    });
    await page.route(USAGE, (route) => (isOld ? route.fulfill({ status: 404 }) : route.continue()));
    await page.getByRole('link', { name: 'Usage' }).click();
    await page.getByRole('heading', { name: 'Usage' }).waitFor();
    expect(await page.evaluate<string>(`performance.getEntriesByType('navigation')[0].type`)).toBe('reload');
  });

  test('that stays away is reported, without reloading for ever', async () => {
    const { page } = await open();
    await page.getByText('No keys yet').waitFor();
    let loads = 0;
    page.on('load', () => (loads += 1));
    await page.route(USAGE, (route) => route.fulfill({ status: 404 }));
    await page.getByRole('link', { name: 'Usage' }).click();
    await page.getByText('Something went wrong in this page.', { exact: false }).waitFor();
    expect(loads).toBe(1);
  });
});

describe.skipIf(executablePath === undefined)('while WorkOS fails', () => {
  test('a sign-in says so', async () => {
    const { credentials } = await world.addPerson();
    const { page } = await openPage(world);
    world.workos.faults.add({ kind: 'reset_before', times: 0, method: 'POST', path: '/user_management/authenticate' });
    await signIn(page, '/console/keys', credentials);
    await page.getByText('WorkOS cannot be reached now', { exact: false }).waitFor();
    expect(new URL(page.url()).searchParams.get('reason')).toBe('workos_unavailable');
  });

  test('an expired session is neither ended nor forgotten', async () => {
    const { page, token } = await open();
    await page.getByText('No keys yet').waitFor();
    await createKey(world, token, { label: 'still here' });
    world.workos.faults.add({ kind: 'reset_before', times: 0, method: 'POST', path: '/user_management/authenticate' });
    world.clock.advance(6 * 60_000);
    await page.reload();
    const retry = button(page, 'Try again').first();
    await retry.waitFor();
    expect(new URL(page.url()).pathname).toBe('/console/keys');
    world.workos.faults.clear();
    await retry.click();
    await page.getByRole('link', { name: 'still here' }).waitFor();
  });
});

describe.skipIf(executablePath === undefined)('an impersonated session', () => {
  test('is marked, and can neither create nor rotate', async () => {
    const { organization } = await world.addPerson();
    await createKey(world, await organization.session(), { label: 'looked at' });
    const sealed = await sealSession(await organization.session('owner', { act: { sub: 'support@vendor.test' } }));
    const { page, faults } = await openPage(world);
    await page.context().addCookies([{ name: 'wos_session', value: encodeURIComponent(sealed), url: world.url }]);
    await page.goto('/console/keys?dialog=create');
    await page.getByText('support@vendor.test acts as', { exact: false }).waitFor();
    expect(await dialog(page).count()).toBe(0);
    expect(
      await page
        .getByRole('button', { name: /^\+? ?Create API key/ })
        .first()
        .getAttribute('aria-disabled'),
    ).toBe('true');
    await button(page, 'Actions for looked at').click();
    for (const name of [/^Rotate/, /^Edit/])
      expect(await page.getByRole('menuitem', { name }).getAttribute('aria-disabled')).toBe('true');
    expect(faults).toEqual([]);
  });
});
