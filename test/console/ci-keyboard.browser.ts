import { describe, expect, test } from 'vitest';
import { executablePath } from './chromium.ts';
import { announced, button, dialog, entry, isGone, startCi } from './ci-world.ts';
import { tabTo } from './keyboard.ts';

const { open } = await startCi();

describe.skipIf(executablePath === undefined)('by keyboard alone', () => {
  test('a CI policy is created, changed, disabled and deleted', async () => {
    const { page, policies, signIn: enter } = await open();
    const { keyboard } = page;
    await enter();
    await page.getByText('No policies yet').waitFor();
    await tabTo(page, 'New policy');
    await keyboard.press('Enter');
    await dialog(page).getByLabel('Name').waitFor();
    await tabTo(page, 'Name');
    await keyboard.type('deploy');
    await tabTo(page, 'Value · repository_id');
    await keyboard.type('987');
    await tabTo(page, 'Submit observe');
    await keyboard.press('Space');
    await keyboard.press('Enter');
    await isGone(page);
    await announced(page, 'The policy “deploy” is created.');
    expect(await policies()).toMatchObject([{ name: 'deploy', permission_sets: ['submit_observe'] }]);

    await entry(page, 'deploy').getByText('No job has asked yet.').waitFor();
    await tabTo(page, 'Edit');
    await keyboard.press('Enter');
    await dialog(page).getByLabel('Name').waitFor();
    await tabTo(page, 'Name');
    await keyboard.press('Control+A');
    await keyboard.type('release');
    await keyboard.press('Enter');
    await isGone(page);
    await tabTo(page, 'Disable');
    await keyboard.press('Enter');
    await announced(page, 'release is disabled.');
    expect(await policies()).toMatchObject([{ name: 'release', enabled: false }]);

    await tabTo(page, 'Delete');
    await keyboard.press('Enter');
    await dialog(page).waitFor();
    await tabTo(page, 'Delete');
    await keyboard.press('Enter');
    await isGone(page);
    await page.getByText('No policies yet').waitFor();
    expect(await button(page, 'New policy').count()).toBeGreaterThan(0);
    expect(await policies()).toEqual([]);
  });
});
