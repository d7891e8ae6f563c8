import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** What the control with the focus is called: by its own label, that of a form, or its text. */
const NAME = `(() => {
  const { activeElement: control } = document;
  const text = control.getAttribute('aria-label') ?? control.labels?.[0]?.textContent ?? control.textContent;
  return text.replace(/\\s+/g, ' ').trim();
})()`;

/** Presses Tab until what has the focus is called so, and scrolled into the window. */
export async function tabTo(page: Page, name: string): Promise<void> {
  const active = () => page.evaluate<string>(NAME);
  for (let i = 0; i < 60 && (await active()) !== name; i++) await page.keyboard.press('Tab');
  expect(await active()).toBe(name);
}
