import type { Page, Route } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { createKey } from '../support/api.ts';
import { executablePath, openPage, signIn } from './chromium.ts';
import { insertKeys } from './many-keys.ts';
import { startWorld } from './world.ts';

const world = await startWorld();
const SOON = { timeout: 10_000 };
const FIRST_ASKED = ['/v1/api-keys', '/v1/me/session', '/v1/organization', '/v1/product'];

/** Opens the list of an organization with one key, signed in, and closes the page's address again. */
async function signedIn() {
  const { organization, credentials } = await world.addPerson();
  await createKey(world, await organization.session(), { label: 'first row' });
  const { page, faults } = await openPage(world);
  await signIn(page, '/console/keys', credentials);
  await firstRow(page).waitFor();
  await page.goto('about:blank');
  return { page, faults };
}

const firstRow = (page: Page) => page.getByRole('link', { name: 'first row' });
const pathOf = (route: Route) => new URL(route.request().url()).pathname;
const wordIn = (url: string) => new URL(url).searchParams.get('q') ?? '';
const wordsIn = (routes: readonly Route[]) => routes.map((route) => wordIn(route.request().url()));
const pathsOf = (routes: readonly Route[]) => routes.map(pathOf).toSorted();

/** Holds the requests that match until they are let go. */
async function hold(page: Page, pattern: string) {
  const held: Route[] = [];
  await page.route(pattern, (route) => void held.push(route));
  return {
    held,
    async letGo(routes = held.splice(0)): Promise<void> {
      await Promise.all(routes.map((route) => route.continue()));
    },
  };
}

describe.skipIf(executablePath === undefined)('the list of keys', () => {
  test.each(['/console/keys', '/console/keys?status=all'])(
    'is shown at %s after one round trip to the API',
    async (path) => {
      const { page, faults } = await signedIn();
      const api = await hold(page, '**/v1/**');
      await page.goto(path);
      await expect.poll(() => pathsOf(api.held), SOON).toEqual(FIRST_ASKED);
      // Whatever is asked after these answers stays without one.
      await api.letGo();
      await firstRow(page).waitFor();
      expect(pathsOf(api.held).filter((asked) => FIRST_ASKED.includes(asked))).toEqual([]);
      expect(faults).toEqual([]);
    },
  );

  test('is asked for before the scripts are there', async () => {
    const { page } = await signedIn();
    const scripts = await hold(page, '**/console/assets/*.js');
    const api = await hold(page, '**/v1/**');
    await page.goto('/console/keys', { waitUntil: 'commit' });
    await expect.poll(() => pathsOf(api.held), SOON).toEqual(FIRST_ASKED);
    await expect.poll(() => scripts.held.length, SOON).toBeGreaterThan(0);
    await Promise.all([scripts.letGo(), api.letGo()]);
    await firstRow(page).waitFor();
    expect(pathsOf(api.held).filter((asked) => FIRST_ASKED.includes(asked))).toEqual([]);
  });
});

describe.skipIf(executablePath === undefined)('a list of several pages', () => {
  test('is shown before its keys are counted', async () => {
    const { organization, credentials } = await world.addPerson();
    await insertKeys(world.db, organization.id, 30);
    const { page, faults } = await openPage(world);
    await signIn(page, '/console/keys', credentials);
    await page.goto('about:blank');
    const counts = await hold(page, '**/v1/api-keys?*count=true*');
    await page.goto('/console/keys');
    await page.getByRole('link', { name: 'key number 1', exact: true }).waitFor();
    await expect.poll(() => counts.held.length, SOON).toBe(1);
    const table = page.getByRole('table', { name: 'Keys' });
    expect(await table.getAttribute('aria-rowcount')).toBe('-1');
    await counts.letGo();
    await page.getByText('30 keys', { exact: true }).first().waitFor();
    expect(await table.getAttribute('aria-rowcount')).toBe('31');
    expect(faults).toEqual([]);
  });
});

describe.skipIf(executablePath === undefined)('a search', () => {
  test('asks at each letter, once, and gives up what the next letter makes useless', async () => {
    const { page, faults } = await signedIn();
    await page.goto('/console/keys');
    await firstRow(page).waitFor();
    const asked = await hold(page, '**/v1/api-keys?*q=*');
    const givenUp: string[] = [];
    page.on('requestfailed', (request) => givenUp.push(wordIn(request.url())));
    await page.getByRole('searchbox').pressSequentially('fir');
    await expect.poll(() => wordsIn(asked.held), SOON).toEqual(['f', 'fi', 'fir']);
    await expect.poll(() => givenUp, SOON).toEqual(['f', 'fi']);
    await page.waitForURL('**/console/keys?q=fir');
    const last = asked.held.splice(0).slice(-1);
    await asked.letGo(last);
    await page.locator('search[aria-busy="false"]').waitFor();
    await firstRow(page).waitFor();
    expect(wordsIn(asked.held)).toEqual([]);
    expect(faults).toEqual([]);
  });
});

describe.skipIf(executablePath === undefined)('a browser without a session', () => {
  test('is led to the sign-in without asking the API', async () => {
    const { page, faults } = await openPage(world);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    page.on('console', (message) => faults.push(`console: ${message.text()}`));
    await page.goto('/console/keys?status=all');
    await page.getByLabel('Email').waitFor();
    expect(asked.filter((path) => path.startsWith('/v1/'))).toEqual([]);
    expect(faults).toEqual([]);
  });

  test('comes back to where it was led away from', async () => {
    const { credentials } = await world.addPerson();
    const { page } = await openPage(world);
    await signIn(page, '/console/keys?status=all', credentials);
    await page.getByText('No keys yet').or(page.getByText('Nothing found')).first().waitFor();
    expect(new URL(page.url()).search).toBe('?status=all');
  });
});

describe.skipIf(executablePath === undefined)('what is shown', () => {
  test('does not move when the keys, their number and the permission sets arrive', async () => {
    const { page } = await signedIn();
    await page.setViewportSize({ width: 412, height: 823 });
    const later = await hold(page, '**/v1/{api-keys,permission-sets}*');
    await page.goto('/console/keys');
    await page.getByRole('searchbox').waitFor();
    const bottom = () => page.evaluate<number>(`document.querySelector('search').getBoundingClientRect().bottom`);
    const before = await bottom();
    await later.letGo();
    await firstRow(page).waitFor();
    await page.getByRole('option', { name: 'Read only' }).waitFor({ state: 'attached' });
    expect(await bottom()).toBe(before);
  });
});
