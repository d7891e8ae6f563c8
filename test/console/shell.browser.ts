import type { FrameLocator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { violations } from './accessibility.ts';
import { executablePath, openPage, signIn } from './chromium.ts';
import { startHost } from './host-page.ts';
import { startWorld } from './world.ts';

const host = await startHost();
const world = await startWorld(
  {},
  { product: { sessions: { inactivity_minutes: 30 }, console: { frame_ancestors: [host.origin] } } },
);
const MINUTES = 60_000;

const warning = (place: Page | FrameLocator) => place.getByRole('dialog', { name: 'Are you still there?' });
const creation = (page: Page) => page.getByRole('dialog').getByLabel('Name');

const inTwoTabs = async () => {
  const { credentials } = await world.addPerson();
  const { page, faults } = await openPage(world);
  await signIn(page, '/console/keys', credentials);
  await page.getByText('No keys yet').waitFor();
  return { page, other: await page.context().newPage(), faults };
};
const signOut = (page: Page) => page.getByRole('button', { name: 'Sign out' }).click();

describe.skipIf(executablePath === undefined)('a session that is not used', () => {
  test.each(['page', 'frame'])('is warned of in a %s, goes on if that is asked for, and else ends', async (where) => {
    const { credentials } = await world.addPerson();
    const { page, faults } = await openPage({ url: world.url, workos: { url: host.origin } });
    await page.clock.install();
    await signIn(page, '/console/keys', credentials);
    await page.getByText('No keys yet').waitFor();
    // The requests to WorkOS, where the sign-in is.
    faults.length = 0;
    if (where === 'frame') {
      host.answer('/', () => ({
        type: 'text/html',
        body: `<!doctype html><html lang="en"><title>Settings</title><main><h1>Settings</h1>
          <iframe src="${world.url}/console/keys" title="API keys" width="1200" height="800"></iframe></main></html>`,
      }));
      await page.goto(host.origin);
    }
    const place = where === 'frame' ? page.frameLocator('iframe') : page;
    await place.getByText('No keys yet').waitFor();
    // The last answer: one that came later would count as use at a later time.
    await place.getByRole('option', { name: 'Read only' }).waitFor({ state: 'attached' });
    await page.clock.fastForward(27 * MINUTES);
    expect(await warning(place).count()).toBe(0);

    await page.clock.fastForward(2 * MINUTES);
    await warning(place).getByRole('timer').waitFor();
    expect(await violations(page.frames().at(-1)!)).toEqual([]);
    const asked = page.waitForResponse('**/v1/me/session');
    await warning(place).getByRole('button', { name: 'Stay signed in' }).click();
    expect((await asked).status()).toBe(200);
    await warning(place).waitFor({ state: 'detached' });

    await page.clock.fastForward(29 * MINUTES);
    await warning(place).waitFor();
    await page.clock.fastForward(2 * MINUTES);
    const over = place.getByRole('dialog', { name: 'You are signed out' });
    await over.getByRole('link', { name: 'Sign in in a new tab' }).waitFor();
    expect(faults).toEqual([]);
  });
});

describe.skipIf(executablePath === undefined)('the shortcuts', () => {
  test('are listed, switched off for good, and switched on again', async () => {
    const { credentials } = await world.addPerson();
    const { page, faults } = await openPage(world);
    await signIn(page, '/console/keys', credentials);
    await page.getByText('No keys yet').waitFor();
    await page.keyboard.press('?');
    const isOn = page.getByRole('dialog').getByRole('checkbox');
    expect(await isOn.isChecked()).toBe(true);
    expect(await violations(page)).toEqual([]);
    await isOn.uncheck();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });

    await page.reload();
    await page.getByText('No keys yet').waitFor();
    await page.keyboard.press('n');
    await page.keyboard.press('/');
    await page.keyboard.press('?');
    // Its answer comes after theirs, had they done anything.
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    await page.getByRole('dialog').waitFor();
    expect(await page.getByRole('dialog').count()).toBe(1);
    expect(new URL(page.url()).search).toBe('');
    expect(await isOn.isChecked()).toBe(false);
    await isOn.check();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('n');
    await creation(page).waitFor();
    expect(faults).toEqual([]);
  });
});

describe.skipIf(executablePath === undefined)('a sign-out in another tab', () => {
  test('ends what a page shows', async () => {
    const { page, other, faults } = await inTwoTabs();
    await other.goto('/console/usage');
    await other.getByRole('heading', { name: 'Usage' }).waitFor();
    await signOut(page);
    await other.getByLabel('Email').waitFor();
    expect(faults).toEqual([]);
  });

  test('ends a page that did not listen yet', async () => {
    const { page, other, faults } = await inTwoTabs();
    // A page listens half a second after its start.
    await other.addInitScript(`const start = setTimeout;
      globalThis.setTimeout = (run, ms) => start(run, ms === 500 ? 5_000 : ms);`);
    await other.goto('/console/usage');
    await other.getByRole('heading', { name: 'Usage' }).waitFor();
    await signOut(page);
    await other.getByLabel('Email').waitFor();
    expect(faults).toEqual([]);
  });
});
