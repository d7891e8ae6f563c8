import type { BrowserContextOptions, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createPolicy } from '../ci/ci.ts';
import { call, createKey } from '../support/api.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import { overflow } from './accessibility.ts';
import { executablePath, openPage, signIn } from './chromium.ts';
import { tabTo } from './keyboard.ts';
import { startWorld } from './world.ts';

const world = await startWorld();
const LONG = 'a long label of a key '.repeat(5).slice(0, 100);
/** Each screen's address, and a text that it shows once it is complete. */
const SCREENS: readonly [string, string][] = [
  ['/console/keys', 'Zapier'],
  ['/console/keys?dialog=create', 'Compare side by side'],
  ['/console/keys?dialog=edit&key={id}', 'Cancel'],
  ['/console/keys/{id}', 'Show as a table'],
  ['/console/usage', 'Show as a table'],
  ['/console/audit', 'Session created'],
  ['/console/ci?policy={policy}', 'No job has asked yet'],
  ['/console/ci?policy={policy}&dialog=policy', 'Try it on the last 30 days'],
  ['/console/organization', 'Plan and limits'],
];

let person: Awaited<ReturnType<typeof world.addPerson>>;
let id: string;
let policy: string;

beforeAll(async () => {
  person = await world.addPerson();
  const token = await person.organization.session();
  await createKey(world, token, { label: LONG });
  await createKey(world, token, { label: 'مفتاح الخادم' });
  const key = await createKey(world, token, { label: 'Zapier' });
  id = key.id;
  policy = await createPolicy(world, token, { when: { repository_id: ['987', '988'], ref: { glob: 'refs/heads/*' } } });
  await call(world, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key: key.value } });
  await world.background.runOnce('flush_usage');
});

async function open(options: BrowserContextOptions = {}) {
  const { page } = await openPage(world, options);
  await signIn(page, '/console/keys', person.credentials);
  await page.getByText('Zapier').first().waitFor();
  return page;
}

/** Visits each screen, and returns what `find` finds there. */
async function onEachScreen(page: Page, find: (page: Page) => Promise<string[]>): Promise<string[]> {
  const found: string[] = [];
  for (const [path, text] of SCREENS) {
    await page.goto(path.replace('{id}', id).replace('{policy}', policy));
    await page.getByText(text).filter({ visible: true }).first().waitFor();
    found.push(...(await find(page)).map((each) => `${path}: ${each}`));
  }
  return found;
}

/** Returns the texts that are cut off, and that nothing shows in full. */
const CUT_OFF = `(() => {
  const isCut = (box) => box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
  const hides = ({ overflowX, overflowY }) => [overflowX, overflowY].some((each) => each === 'hidden' || each === 'clip');
  return [...document.querySelectorAll('body *')]
    .filter((box) => box.clientWidth > 1 && box.checkVisibility() && hides(getComputedStyle(box)) && isCut(box))
    .filter((box) => box.closest('[title]') === null && box.textContent.trim() !== '')
    .map((box) => box.tagName + ' ' + box.className + ': ' + box.textContent.slice(0, 40));
})()`;

/** Returns what reaches beyond the sides of the window, and cannot be scrolled to. */
const BEYOND = `(() => [...document.querySelectorAll('a, button, input, select, textarea, h1, h2, td, th')]
  .filter((box) => box.checkVisibility() && !box.closest('.visually-hidden') && box.closest('pre') === null)
  .filter((box) => {
    const { left, right, width, bottom } = box.getBoundingClientRect();
    return width > 1 && bottom > 0 && (left < -1 || right > document.documentElement.clientWidth + 1);
  })
  .map((box) => box.tagName + ': ' + (box.textContent || box.id).slice(0, 40)))()`;

describe.skipIf(executablePath === undefined)('with text of 200 %', () => {
  test.each([1_280, 768])(
    'every screen has all of its text, without scrolling sideways at %i pixels',
    async (width) => {
      const page = await open({ viewport: { width, height: 800 } });
      const cdp = await page.context().newCDPSession(page);
      await cdp.send('Page.setFontSizes', { fontSizes: { standard: 32, fixed: 26 } });
      await page.reload();
      expect(await page.evaluate<string>('getComputedStyle(document.documentElement).fontSize')).toBe('28px');
      const found = await onEachScreen(page, async () => [
        ...((await overflow(page)) > 0 ? ['wider than its window'] : []),
        ...(await page.evaluate<string[]>(BEYOND)),
        ...(await page.evaluate<string[]>(CUT_OFF)),
      ]);
      expect(found).toEqual([]);
    },
  );
});

describe.skipIf(executablePath === undefined)('from right to left', () => {
  test('every screen is mirrored, and nothing leaves the window', async () => {
    const page = await open();
    const turn = () => page.evaluate(`document.documentElement.dir = 'rtl'`);
    const found = await onEachScreen(page, async () => {
      await turn();
      return [
        ...((await overflow(page)) > 0 ? ['wider than its window'] : []),
        ...(await page.evaluate<string[]>(BEYOND)),
      ];
    });
    expect(found).toEqual([]);
    await page.goto('/console/keys');
    await page.getByText('Zapier').first().waitFor();
    await turn();
    const [navigation, content] = await Promise.all(
      [page.getByRole('navigation'), page.getByRole('main')].map((part) => part.boundingBox()),
    );
    expect(navigation!.x).toBeGreaterThan(content!.x);
    // A label reads in its own direction: its beginning is what is left of it.
    const directions = await page.evaluate<string[]>(
      `[...document.querySelectorAll('tr a')].map((link) => getComputedStyle(link).direction)`,
    );
    expect(directions).toEqual(['ltr', 'rtl', 'ltr']);
  });

  test('menus stay inside the window', async () => {
    const page = await open();
    await page.evaluate(`document.documentElement.dir = 'rtl'`);
    await page.getByRole('button', { name: 'Actions for Zapier' }).click();
    const box = await page.getByRole('menu').boundingBox();
    expect(box!.x).toBeGreaterThanOrEqual(0);
    const opener = await page.getByRole('button', { name: 'Actions for Zapier' }).boundingBox();
    expect(box!.x).toBeCloseTo(opener!.x, 0);
  });
});

/** Returns the controls that nothing sets off from the page when colours and shadows are those of the system. */
const UNMARKED = `(() => [...document.querySelectorAll('button, select, textarea, input:not([type=radio], [type=checkbox])')]
  .filter((box) => box.checkVisibility() && !box.closest('.visually-hidden'))
  .filter((box) => {
    const style = getComputedStyle(box);
    const isLink = style.textDecorationLine.includes('underline');
    return !isLink && (parseFloat(style.borderBlockStartWidth) === 0 || style.borderBlockStartStyle === 'none');
  })
  .map((box) => box.tagName + ': ' + (box.textContent || box.getAttribute('aria-label') || '').slice(0, 40)))()`;

describe.skipIf(executablePath === undefined)('with forced colours', () => {
  test('every control has an edge, and the page that is shown is marked', async () => {
    const page = await open({ forcedColors: 'active' });
    expect(await onEachScreen(page, () => page.evaluate<string[]>(UNMARKED))).toEqual([]);
    const outlined = `[...document.querySelectorAll('nav a')]
      .filter((link) => getComputedStyle(link).outlineStyle === 'solid').map((link) => link.textContent)`;
    expect(await page.evaluate<string[]>(outlined)).toEqual(['Organization']);
  });

  test('the focus is seen', async () => {
    const page = await open({ forcedColors: 'active' });
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab');
      const outline = await page.evaluate<string[]>(
        `(({ outlineStyle, outlineWidth }) => [outlineStyle, outlineWidth])(getComputedStyle(document.activeElement))`,
      );
      expect(outline).toEqual(['solid', '2px']);
    }
  });
});

describe.skipIf(executablePath === undefined)('the expiry of a key', () => {
  test.each([
    ['America/Los_Angeles', '-08:00'],
    ['Asia/Kolkata', '+05:30'],
    ['UTC', '+00:00'],
  ])('that ends with a day in %s ends with that day there', async (timezoneId, offset) => {
    const page = await open({ timezoneId });
    await page.goto('/console/keys?dialog=create');
    await page.getByRole('textbox', { name: 'Name' }).fill(`until ${timezoneId}`);
    await page.getByLabel('Expires').selectOption('date');
    await page.locator('input[type=date]').fill('2030-02-01');
    await page.getByRole('dialog').getByRole('button', { name: 'Create API key' }).click();
    await page.getByRole('button', { name: 'I saved it' }).click();
    const link = page.getByRole('link', { name: `until ${timezoneId}` });
    await link.waitFor();
    const made = (await person.keys()).find(({ label }) => label === `until ${timezoneId}`);
    expect(new Date(made!['expires_at'] as string)).toEqual(new Date(`2030-02-01T23:59:59${offset}`));
    const shown = page.getByRole('row').filter({ has: link }).locator('time').first();
    expect(await shown.getAttribute('title')).toMatch(/^Feb 1, 2030, 11:59:59/);
  });
});

describe.skipIf(executablePath === undefined)('by keyboard alone', () => {
  test('a key is found, renamed and rotated', async () => {
    const { organization, credentials } = await world.addPerson();
    await createKey(world, await organization.session(), { label: 'first name' });
    const { page, faults } = await openPage(world);
    await signIn(page, '/console/keys', credentials);
    await page.getByRole('link', { name: 'first name' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('first');
    await page.waitForURL((url) => url.searchParams.get('q') === 'first');

    await tabTo(page, 'Actions for first name');
    await page.keyboard.press('Enter');
    await page.getByRole('menu').waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByLabel('Name').waitFor();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('first key');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'first key' }).waitFor();
    await page.waitForURL((url) => !url.searchParams.has('dialog'));

    await tabTo(page, 'Actions for first key');
    await page.keyboard.press('Enter');
    await page.getByRole('menu').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('The old secret works for').waitFor();
    await tabTo(page, 'Rotate');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Copy secret' }).waitFor();
    await page.keyboard.press('Enter');
    await tabTo(page, 'Done');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(faults).toEqual([]);
  });
});
