import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { executablePath, openPage, signIn } from './chromium.ts';
import { insertKeys } from './many-keys.ts';
import { startWorld } from './world.ts';

const world = await startWorld();
const MANY = 10_000;
const MOST_ROWS = 60;

const rowsOf = (page: Page) => page.getByRole('row').count();

describe.skipIf(executablePath === undefined)('an organization with 10,000 keys', () => {
  test('has at most 60 rows in the page, loads ahead, and is searched on the server', async () => {
    const { organization, credentials } = await world.addPerson();
    await insertKeys(world.db, organization.id, MANY);
    const { page, faults } = await openPage(world);
    await signIn(page, '/console/keys', credentials);
    await page.getByText('10,000 keys', { exact: true }).first().waitFor();
    const seen = new Set<string>();
    for (let i = 0; i < 25; i++) {
      await page.mouse.wheel(0, 2_000);
      await page.waitForTimeout(50);
      expect(await rowsOf(page)).toBeLessThanOrEqual(MOST_ROWS);
      for (const text of await page.getByRole('row').getByRole('link').allTextContents()) seen.add(text);
    }
    expect(seen.size).toBeGreaterThan(200);
    await page.getByRole('searchbox').fill('9876');
    await page.getByRole('link', { name: 'key number 9876', exact: true }).waitFor();
    expect(new URL(page.url()).searchParams.get('q')).toBe('9876');
    expect(faults).toEqual([]);
  });
});
