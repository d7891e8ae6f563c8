import type { Page } from 'playwright-core';
import { afterEach, describe, expect, test } from 'vitest';
import { readProduct } from '../../src/product/read-product.ts';
import { anOldKey, rowOf, startImports } from '../imports/imports.ts';
import { entry, makeSigningKey, sendReport, startKeyList } from '../leaks/scanner.ts';
import { createKey } from '../support/api.ts';
import { overflow, violations } from './accessibility.ts';
import { executablePath, openPage, signIn } from './chromium.ts';
import type { Watched } from './chromium.ts';
import { startWorld, withPeople } from './world.ts';
import type { World } from './world.ts';

let watched: Watched | undefined;

afterEach(() => {
  const faults = watched?.faults ?? [];
  watched = undefined;
  expect(faults).toEqual([]);
});

async function open(world: World) {
  const person = await world.addPerson();
  watched = await openPage(world);
  const { page } = watched;
  return { ...person, page, enter: (path = '/console/keys') => signIn(page, path, person.credentials) };
}

const row = (page: Page, label: string) => page.getByRole('row').filter({ hasText: label });

describe.skipIf(executablePath === undefined)('a key that a scanner found in public', async () => {
  const key = makeSigningKey('k1');
  const list = await startKeyList(key);
  const { permission_sets: sets } = readProduct(new URL('../../config/evershell.yaml', import.meta.url));
  const world = await startWorld(
    { LATCHKEY_LEAK_ORIGINS: 'github', LATCHKEY_LEAK_KEYS_GITHUB: list.url },
    { product: { permission_sets: sets.map((set) => ({ ...set, leak_response: 'notify' as const })) } },
  );

  test('is marked while it works, with what to do, and no longer once it is revoked', async () => {
    const { page, organization, enter } = await open(world);
    const token = await organization.session();
    const leaked = await createKey(world, token, { label: 'deploy' });
    await createKey(world, token, { label: 'nightly' });
    await sendReport(world, [entry(leaked.value)], { key });
    await enter();
    await row(page, 'deploy').getByText('Leaked', { exact: true }).waitFor();
    expect(await row(page, 'nightly').getByText('Leaked').count()).toBe(0);
    expect(await violations(page)).toEqual([]);

    await page.getByRole('link', { name: 'deploy' }).click();
    const banner = page.getByRole('region', { name: 'Leaked' });
    await banner.getByText('A scanner found this key in public').waitFor();
    expect(await violations(page)).toEqual([]);
    for (const width of [320, 1_280]) {
      await page.setViewportSize({ width, height: 800 });
      expect([width, await overflow(page)]).toEqual([width, 0]);
    }
    await page.getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click();
    await banner.waitFor({ state: 'detached' });
    await page.getByText('Reported as leaked').waitFor();
  });
});

describe.skipIf(executablePath === undefined)('a key from another system', async () => {
  const { service, write, apply } = await startImports();
  const world = withPeople(service);

  test('is marked as imported, in the list and on its screen', async () => {
    const { page, organization, enter } = await open(world);
    await apply(write([rowOf(anOldKey(), organization.id, { label: 'from before' })]));
    await enter();
    await row(page, 'from before').getByText('Imported', { exact: true }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('link', { name: 'from before' }).click();
    await page.getByRole('heading', { name: 'from before' }).waitFor();
    await page.getByText('Imported', { exact: true }).waitFor();
    expect(await violations(page)).toEqual([]);
  });
});
