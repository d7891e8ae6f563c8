import { describe, expect, test } from 'vitest';
import { createKey } from '../support/api.ts';
import { atWorkos } from '../support/at-workos.ts';
import { executablePath, openPage, signIn } from './chromium.ts';
import { startWorld } from './world.ts';

const world = await startWorld();

describe.skipIf(executablePath === undefined)('the audit log', () => {
  test('shows the name of a person whom the service had forgotten, without a reload', async () => {
    const person = await world.addPerson();
    const other = person.organization.userId('owner');
    await atWorkos(world, 'PUT', `/user_management/users/${other}`, { name: 'Ada Lovelace' });
    await createKey(world, await person.organization.session());

    const { page, faults } = await openPage(world);
    const asked = Promise.withResolvers<void>();
    let reads = 0;
    await page.route('**/v1/audit-events?*', async (route) => {
      reads += 1;
      if (reads > 1) await asked.promise;
      await route.continue();
    });
    await signIn(page, '/console/audit?action=api_key.created', person.credentials);
    await page.locator('details').getByText(other).waitFor();
    await world.background.runOnce('person_names');
    asked.resolve();
    await page.locator('details').getByText('Ada Lovelace').waitFor();
    expect(faults).toEqual([]);
  });
});
