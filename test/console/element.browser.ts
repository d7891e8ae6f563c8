import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import { executablePath, openPage, signIn } from './chromium.ts';
import { startElements } from './element-world.ts';

const { world, host, tokens, given, open } = await startElements();

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const dialog = (page: Page) => page.getByRole('dialog');
const verify = async (key: string) =>
  (await call(world, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key } })).body['code'];
type Seen = { name: string; detail: Record<string, unknown>; of: string };
const seen = (page: Page) => page.evaluate<Seen[]>('window.seen');

/** Everything that outlives a closed dialog: storage, address, events, and what page and shadow trees hold. */
const traces = (page: Page) =>
  page.evaluate<string>(`[location.href, document.documentElement.outerHTML, JSON.stringify(window.seen),
    ...[...document.querySelectorAll('latchkey-keys')].map(({ shadowRoot }) => shadowRoot.innerHTML),
    JSON.stringify(localStorage), JSON.stringify(sessionStorage)].join(' ')`);

describe.skipIf(executablePath === undefined)('<latchkey-keys> by a token', () => {
  test('creates, copies, rotates and revokes a key in a page with a strict policy, and emits what changed', async () => {
    const person = await world.addPerson();
    const { page } = await open([person], { styles: 'hostile' });
    await page.getByText('No keys yet').waitFor();
    await button(page, 'Create API key').first().click();
    await dialog(page).getByLabel('Name').fill('Deploy');
    await page.keyboard.press('Enter');
    await button(page, 'Copy secret').click();
    await page.getByText('The secret is on the clipboard.').first().waitFor();
    const secret = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(await verify(secret)).toBe('valid');
    await button(page, 'Done').click();
    await dialog(page).waitFor({ state: 'detached' });
    const [made] = await person.keys();
    expect(made).toMatchObject({ label: 'Deploy', status: 'active' });

    await button(page, 'Actions for Deploy').click();
    await page.getByRole('menuitem', { name: 'Rotate' }).click();
    await dialog(page).getByRole('button', { name: 'Rotate', exact: true }).click();
    await button(page, 'I saved it').click();
    await dialog(page).waitFor({ state: 'detached' });
    await page.getByText('Replaced').waitFor();

    await button(page, 'Actions for Deploy').last().click();
    await page.getByRole('menuitem', { name: 'Revoke' }).click();
    const typed = dialog(page).getByRole('textbox');
    await dialog(page).getByRole('button', { name: 'Revoke', exact: true }).waitFor();
    if ((await typed.count()) > 0) await typed.fill(secret.slice(-4));
    await dialog(page).getByRole('button', { name: 'Revoke', exact: true }).click();
    await dialog(page).waitFor({ state: 'detached' });
    await expect.poll(() => verify(secret)).toBe('revoked');

    const events = await seen(page);
    const of = (name: string) => events.find((event) => event.name === name)?.detail;
    expect(events.map(({ name }) => name)).toEqual(['key-created', 'key-rotated', 'key-revoked']);
    expect(of('key-created')).toEqual({
      key: {
        id: made!.id,
        label: 'Deploy',
        environment: 'live',
        owner: made!.owner,
        permission_set: made!.permission_set,
        scopes: made!.scopes,
        expires_at: made!.expires_at,
        created_at: made!.created_at,
      },
    });
    expect(of('key-rotated')).toMatchObject({ replaced: made!.id, key: { label: 'Deploy' } });
    expect(of('key-revoked')).toEqual({ id: made!.id });
    expect(await traces(page)).not.toContain(secret);
    expect(new URL(page.url()).search).toBe('');
  });

  test('edits a key: a new name at once, other settings with the answer, and a refusal with what was typed', async () => {
    const person = await world.addPerson();
    const token = await person.organization.session();
    await createKey(world, token, { label: 'to edit' });
    const { page } = await open([person], { styles: 'hostile' });
    const edit = async (label: string) => {
      await button(page, `Actions for ${label}`).click();
      await page.getByRole('menuitem', { name: 'Edit' }).click();
      await dialog(page).getByLabel('Name').waitFor();
    };
    const save = () => dialog(page).getByRole('button', { name: 'Save', exact: true }).click();
    await edit('to edit');
    await dialog(page).getByLabel('Name').fill('edited');
    await save();
    await page.getByText('edited', { exact: true }).waitFor();
    // The form that waits out of sight for the answer is the same that would open now.
    await page.getByText('Saved.', { exact: true }).waitFor({ state: 'attached' });
    expect((await person.keys())[0]!.label).toBe('edited');

    await edit('edited');
    await dialog(page).getByLabel('Description').fill('of the element');
    await dialog(page).getByLabel('Allowed addresses').fill('not an address');
    await save();
    await dialog(page).getByRole('alert').first().waitFor();
    expect(await dialog(page).getByLabel('Description').inputValue()).toBe('of the element');
    await dialog(page).getByLabel('Allowed addresses').fill('192.0.2.0/24');
    await save();
    await dialog(page).waitFor({ state: 'detached' });
    expect(await person.keys()).toMatchObject([
      { label: 'edited', description: 'of the element', ip_allow_list: ['192.0.2.0/24'] },
    ]);
    expect(given.get(person.organization.id)).toBe(1);
  });

  test('shows two organizations side by side, each with its own keys, token and events', async () => {
    const [acme, globex] = [await world.addPerson(), await world.addPerson()];
    await createKey(world, await globex.organization.session(), { label: 'of globex' });
    const { page } = await open([acme, globex]);
    const [first, second] = [page.locator('latchkey-keys').first(), page.locator('latchkey-keys').last()];
    await first.getByText('No keys yet').waitFor();
    await second.getByText('of globex').waitFor();
    await first.getByRole('button', { name: 'Create API key' }).first().click();
    await dialog(page).getByLabel('Name').fill('of acme');
    await page.keyboard.press('Enter');
    await first.getByRole('button', { name: 'I saved it' }).click();
    await first.getByText('of acme').waitFor();
    expect(await second.getByText('of acme').count()).toBe(0);
    expect(await first.getByText('of globex').count()).toBe(0);
    expect((await seen(page)).map(({ of, name }) => [of, name])).toEqual([[acme.organization.id, 'key-created']]);
    expect([...given.values()]).toEqual([1, 1]);
  });

  test('asks for one fresh token when the last one has expired, and goes on', async () => {
    const person = await world.addPerson();
    const { page } = await open([person]);
    await page.getByText('No keys yet').waitFor();
    await button(page, 'Create API key').first().click();
    await dialog(page).getByLabel('Name').fill('later');
    world.clock.advance(6 * 60_000);
    await page.keyboard.press('Enter');
    await button(page, 'I saved it').click();
    await page.getByText('later').first().waitFor();
    expect(given.get(person.organization.id)).toBe(2);
    expect((await seen(page)).map(({ name }) => name)).toEqual(['key-created']);
  });

  test('emits once that the session has ended when a fresh token is refused too, and recovers by a good one', async () => {
    const person = await world.addPerson();
    const { page } = await open([person]);
    await page.getByText('No keys yet').waitFor();
    tokens.set(person.organization.id, () => Promise.resolve('eyJ.no.token'));
    world.clock.advance(6 * 60_000);
    await button(page, 'Create API key').first().click();
    await dialog(page).getByLabel('Name').fill('half-filled');
    for (const _ of [1, 2]) {
      await dialog(page).getByRole('button', { name: 'Create API key' }).click();
      await dialog(page).getByText('Your session has ended', { exact: false }).first().waitFor();
    }
    expect(await dialog(page).getByRole('link').count()).toBe(0);
    tokens.set(person.organization.id, () => person.organization.session());
    await dialog(page).getByRole('button', { name: 'Create API key' }).click();
    await button(page, 'I saved it').click();
    await page.getByText('half-filled').first().waitFor();
    const names = (await seen(page)).map(({ name }) => name);
    expect(names.filter((name) => name === 'session-ended')).toHaveLength(1);
    expect(names.filter((name) => name === 'error').length).toBeGreaterThan(0);
    expect(names.at(-1)).toBe('key-created');
    expect(await person.keys()).toHaveLength(1);
  });

  test('is not loaded by a page of another origin', async () => {
    const { page, faults } = await open([await world.addPerson()]);
    faults.length = 0;
    await page.goto(`${host.origin.replace('127.0.0.1', 'localhost')}/settings`);
    await expect.poll(() => faults.some((fault) => fault.includes('CORS'))).toBe(true);
    expect(await page.evaluate(`customElements.get('latchkey-keys') === undefined`)).toBe(true);
    faults.length = 0;
  });
});

describe.skipIf(executablePath === undefined)('<latchkey-keys> by the cookie', () => {
  test('shows the keys of the session on its own origin, and renews it', async () => {
    const person = await world.addPerson();
    const { page, faults } = await openPage(world);
    await page.route('**/host', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<!doctype html><html lang="en"><title>Host</title><main><h1>Host</h1><latchkey-keys></latchkey-keys></main>
          <script type="module" src="/console/latchkey-keys.js"></script></html>`,
      }),
    );
    await signIn(page, '/console/keys', person.credentials);
    await createKey(world, await person.organization.session(), { label: 'by cookie' });
    await page.goto('/host');
    await page.getByText('by cookie').waitFor();
    world.clock.advance(6 * 60_000);
    await button(page, 'Create API key').click();
    await dialog(page).getByLabel('Name').fill('renewed');
    await page.keyboard.press('Enter');
    await button(page, 'I saved it').click();
    await page.getByText('renewed').first().waitFor();
    expect(await person.keys()).toHaveLength(2);
    expect(faults).toEqual([]);
  });
});
