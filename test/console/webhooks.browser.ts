import type { Page } from 'playwright-core';
import { afterEach, describe, expect, test } from 'vitest';
import { createKey } from '../support/api.ts';
import { startReceiver } from '../webhooks/receiver.ts';
import { executablePath, openPage, signIn } from './chromium.ts';
import type { Watched } from './chromium.ts';
import { impersonate } from './impersonate.ts';
import { startWorld } from './world.ts';

const crm = await startReceiver();
const world = await startWorld(
  { LATCHKEY_NOTICES_SECRET_CRM: crm.secret },
  {
    product: {
      webhooks: { endpoints: [{ name: 'crm', url: crm.url, secret_env: 'LATCHKEY_NOTICES_SECRET_CRM' }] },
    },
  },
);
const deliver = () => world.background.runOnce('deliver_notices_crm');
let watched: Watched | undefined;

afterEach(() => {
  const faults = watched?.faults ?? [];
  watched = undefined;
  crm.answerWith(() => 200);
  expect(faults).toEqual([]);
});

async function open(path: string, role?: string) {
  const person = await world.addPerson(role);
  watched = await openPage(world);
  return { ...person, page: watched.page, signIn: () => signIn(watched!.page, path, person.credentials) };
}

/** Makes a key, whose delivery fails until it is given up. */
async function failDelivery(token: string): Promise<void> {
  await createKey(world, token);
  crm.answerWith(() => 500);
  await deliver();
  await world
    .db('outbox')
    .where({ status: 'waiting' })
    .update({ retry_until: new Date(0) });
  await world
    .db('outbox_lanes')
    .whereNotNull('due_at')
    .update({ due_at: new Date(0) });
  await deliver();
}

const row = (page: Page) => page.locator('details').filter({ hasText: 'API key created' });
const button = (page: Page, name: string) => page.getByRole('button', { name });
/** What a screen reader reads out. */
const announced = (page: Page) => page.locator('[aria-live="polite"]');

type Box = { left: number; right: number; top: number; bottom: number };
const overlaps = (one: Box, other: Box) =>
  one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;

describe.skipIf(executablePath === undefined)('the webhooks', () => {
  test('show a failed delivery with its attempts; once its endpoint is repaired, it is delivered again', async () => {
    const { page, organization, id, signIn: enter } = await open('/console/webhooks');
    await failDelivery(await organization.session());
    await enter();
    await row(page).getByText('Failed', { exact: true }).waitFor();
    await row(page).locator('summary').click();
    await row(page).getByRole('table', { name: 'Last attempts' }).waitFor();
    expect(await row(page).getByRole('cell', { name: 'Answered 500' }).count()).toBe(2);

    crm.answerWith(() => 204);
    await button(page, 'Deliver again').click();
    await announced(page).getByText('It is being delivered again.').waitFor({ state: 'attached' });
    await row(page).getByText('Pending', { exact: true }).waitFor();
    await deliver();
    await announced(page).getByText('It is delivered.').waitFor({ state: 'attached' });
    await row(page).getByText('Delivered', { exact: true }).first().waitFor();
    await row(page).getByRole('cell', { name: 'Answered 204' }).waitFor();
    expect(crm.takenOf(organization.id)).toHaveLength(1);
    const replayed = await world.db('audit_events').where({ action: 'webhook_delivery.replayed', actor_id: id });
    expect(replayed).toHaveLength(1);
  });

  test('are found by status and event, which the address keeps', async () => {
    const { page, organization, signIn: enter } = await open('/console/webhooks');
    await failDelivery(await organization.session());
    await enter();
    await row(page).waitFor();
    await page.getByLabel('Status').selectOption('Delivered');
    await page.getByText('No delivery fits the filters.').waitFor();
    expect(new URL(page.url()).search).toBe('?status=delivered');
    await page.reload();
    await page.getByText('No delivery fits the filters.').waitFor();
    await page.getByRole('button', { name: 'Clear search and filters' }).click();
    await row(page).waitFor();
    await page.getByLabel('Event').selectOption('API key revoked');
    await page.getByText('No delivery fits the filters.').waitFor();
    await page.getByLabel('Event').selectOption('API key created');
    await row(page).waitFor();
  });

  test('say that nothing was sent yet', async () => {
    const { page, signIn: enter } = await open('/console/webhooks');
    await enter();
    await page.getByText('Nothing was sent yet').waitFor();
    expect(await page.locator('details').count()).toBe(0);
  });

  test.each([375, 768, 1_440])('keep status, event, endpoint and time apart at %i pixels', async (width) => {
    const { page, organization, signIn: enter } = await open('/console/webhooks');
    await createKey(world, await organization.session());
    await page.setViewportSize({ width, height: 900 });
    await enter();
    await row(page).waitFor();
    const boxes = await page.evaluate<Box[]>(
      `[...document.querySelectorAll('details summary > *')].map((one) => one.getBoundingClientRect().toJSON())`,
    );
    expect(boxes).toHaveLength(4);
    const pairs = boxes.flatMap((one, i) => boxes.slice(i + 1).map((other) => [one, other] as const));
    expect(pairs.filter(([one, other]) => overlaps(one, other))).toEqual([]);
  });

  test('offer no replay of what is under way, and say why', async () => {
    const { page, organization, signIn: enter } = await open('/console/webhooks');
    await createKey(world, await organization.session());
    await enter();
    await row(page).locator('summary').click();
    await row(page).getByText('No attempt yet.').waitFor();
    const again = button(page, 'Deliver again');
    expect(await again.getAttribute('aria-disabled')).toBe('true');
    expect(await again.getAttribute('title')).toBe('It is under way already.');
  });

  test('are not shown to a member without the scope', async () => {
    const { page, signIn: enter } = await open('/console/keys', 'member');
    await enter();
    await page.getByRole('navigation').getByRole('link', { name: 'Organization' }).waitFor();
    expect(await page.getByRole('link', { name: 'Webhooks' }).count()).toBe(0);
    await page.goto('/console/webhooks');
    await page.getByText('This needs the scope audit:read.').waitFor();
    expect(await page.locator('details').count()).toBe(0);
  });

  test('can be watched by an impersonator, who replays nothing', async () => {
    const { page, ...person } = await open('/console/webhooks');
    await failDelivery(await person.organization.session());
    await impersonate(world, watched!, person, '/console/webhooks');
    await row(page).locator('summary').click();
    const again = button(page, 'Deliver again');
    await again.waitFor();
    expect(await again.getAttribute('title')).toBe('An impersonated session may not do this.');
  });
});
