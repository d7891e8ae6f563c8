import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { createKey } from '../support/api.ts';
import { overflow, violations } from './accessibility.ts';
import { executablePath } from './chromium.ts';
import { startElements } from './element-world.ts';

const { world, open } = await startElements();

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const dialog = (page: Page) => page.getByRole('dialog');
const styleOf = (page: Page, name: string, property: string) =>
  page.evaluate<string>(`(() => {
    const buttons = [...document.querySelector('latchkey-keys').shadowRoot.querySelectorAll('button')];
    return getComputedStyle(buttons.find(({ textContent }) => textContent.trim() === '${name}')).${property};
  })()`);

describe.skipIf(executablePath === undefined)('<latchkey-keys>', () => {
  test('takes nothing of the styles around it, and its theme from attribute and variables', async () => {
    const person = await world.addPerson();
    const { page } = await open([person], { styles: 'hostile', attributes: 'theme="light"' });
    await page.getByText('No keys yet').waitFor();
    const name = 'Create API key';
    const look = async () =>
      Promise.all(
        ['letterSpacing', 'textTransform', 'fontStyle', 'fontSize', 'color', 'backgroundColor', 'display'].map((each) =>
          styleOf(page, name, each),
        ),
      );
    expect(await look()).toEqual([
      'normal',
      'none',
      'normal',
      '35px',
      'rgb(255, 255, 255)',
      'rgb(62, 99, 221)',
      'flex',
    ]);
    await page.evaluate(`{
      const { style } = document.querySelector('latchkey-keys');
      style.setProperty('--latchkey-accent', 'rgb(0, 100, 0)');
      style.setProperty('--latchkey-on-accent', 'rgb(250, 250, 0)');
      style.setProperty('--latchkey-font-size', '15px');
      style.setProperty('--latchkey-radius', '3px');
    }`);
    expect((await look()).slice(3, 6)).toEqual(['15px', 'rgb(250, 250, 0)', 'rgb(0, 100, 0)']);
    expect(await styleOf(page, name, 'borderRadius')).toBe('3px');
    const plain = () => styleOf(page, 'Leaked key', 'backgroundColor');
    expect(await plain()).toBe('rgb(255, 255, 255)');
    await page.evaluate(`document.querySelector('latchkey-keys').setAttribute('theme', 'dark')`);
    await expect.poll(plain).toBe('rgb(24, 25, 27)');
  });

  test('follows the colours of the system and the language of the page', async () => {
    const person = await world.addPerson();
    const { page } = await open([person], { attributes: 'lang="de-AT"', browser: { colorScheme: 'dark' } });
    await page.getByText('Noch keine').first().waitFor();
    const plain = () => styleOf(page, 'Schlüssel geleakt', 'backgroundColor');
    const controls = () => styleOf(page, 'Schlüssel geleakt', 'colorScheme');
    expect(await plain()).toBe('rgb(24, 25, 27)');
    expect(await controls()).toBe('dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await expect.poll(plain).toBe('rgb(255, 255, 255)');
    expect(await controls()).toBe('light');
  });

  test.each(['light', 'dark'] as const)('has no violation of WCAG 2.2 AA in %s, and fits a phone', async (theme) => {
    const person = await world.addPerson();
    for (const label of ['CI runner', 'x'.repeat(100)])
      await createKey(world, await person.organization.session(), { label });
    const { page } = await open([person], { attributes: `theme="${theme}"` });
    const found: string[] = [];
    const look = async (screen: string) => {
      for (const width of [375, 768, 1_440]) {
        await page.setViewportSize({ width, height: 900 });
        if ((await overflow(page)) > 0) found.push(`${screen} at ${width}: wider than its window`);
        found.push(...(await violations(page)).map((each) => `${screen} at ${width}: ${each}`));
      }
    };
    await page.getByText('CI runner').waitFor();
    await look('list');
    await button(page, 'Create API key').click();
    await dialog(page).getByText('Compare side by side').waitFor();
    await look('form');
    await dialog(page).getByLabel('Name').fill('axe');
    await page.keyboard.press('Enter');
    await button(page, 'Copy secret').waitFor();
    await look('secret');
    expect(found).toEqual([]);
  });

  test('keeps the focus in its dialogs and menus, and gives it back', async () => {
    const person = await world.addPerson();
    await createKey(world, await person.organization.session(), { label: 'focused' });
    const { page } = await open([person]);
    const focused = () =>
      page.evaluate<string>(`(() => {
        const { activeElement } = document.querySelector('latchkey-keys').shadowRoot;
        return activeElement?.getAttribute('aria-label') ?? activeElement?.textContent.trim() ?? '';
      })()`);
    await button(page, 'Actions for focused').click();
    await page.getByRole('menuitem', { name: 'Rotate' }).waitFor();
    expect(await focused()).toBe('Rotate');
    await page.keyboard.press('ArrowDown');
    expect(await focused()).toBe('Edit');
    await page.keyboard.press('Escape');
    expect(await focused()).toBe('Actions for focused');
    await button(page, 'Create API key').click();
    await dialog(page).getByLabel('Name').waitFor();
    await page.keyboard.type('typed at once');
    expect(await dialog(page).getByLabel('Name').inputValue()).toBe('typed at once');
    await page.keyboard.press('Escape');
    await dialog(page).waitFor({ state: 'detached' });
    await expect.poll(focused).toBe('Create API key');
  });

  test('is selected for a copy by keyboard where the clipboard refuses', async () => {
    const person = await world.addPerson();
    const { page } = await open([person]);
    await page.evaluate(`navigator.clipboard.writeText = () => Promise.reject(new Error('refused'))`);
    await button(page, 'Create API key').first().click();
    await dialog(page).getByLabel('Name').fill('by hand');
    await page.keyboard.press('Enter');
    await button(page, 'Copy secret').click();
    await dialog(page).getByText('The browser refused to copy', { exact: false }).first().waitFor();
    const secret = await dialog(page).getByLabel('Secret', { exact: true }).textContent();
    await page.keyboard.press('Control+C');
    await button(page, 'Done').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(secret);
  });
});
