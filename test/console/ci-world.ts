import type { Page } from 'playwright-core';
import { afterEach, expect } from 'vitest';
import { exchange, jobToken } from '../ci/ci.ts';
import { call } from '../support/api.ts';
import type { Options } from '../support/service.ts';
import { openPage, signIn } from './chromium.ts';
import type { Watched } from './chromium.ts';
import { startWorld } from './world.ts';

const JOB = { environment: 'production', ref: 'refs/heads/v/1' };

/** A service whose organizations have CI policies, and its pages; a test fails for what goes wrong in them. */
export async function startCi(options: Options = {}) {
  const world = await startWorld({}, options);
  let watched: Watched | undefined;

  afterEach(() => {
    const faults = watched?.faults ?? [];
    watched = undefined;
    expect(faults).toEqual([]);
  });

  /** Opens a browser for a new person of a new organization. */
  async function open(role?: string) {
    const person = await world.addPerson(role);
    const { organization, credentials } = person;
    const token = await organization.session();
    watched = await openPage(world);
    const { page } = watched;
    return {
      ...person,
      watched,
      page,
      token,
      signIn: (path = '/console/ci') => signIn(page, path, credentials),
      policies: async () => (await call(world, 'GET', '/v1/ci/policies', { token })).body.data,
      /** Plays a job of the repository 987. */
      run: async (policy: string, claims: object = {}) =>
        exchange(world, { policy, token: await jobToken(world, organization, { ...JOB, ...claims }) }),
    };
  }
  return { world, open };
}

export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
export const dialog = (page: Page) => page.getByRole('dialog');
/** A policy of the list. */
export const entry = (page: Page, name: string) => page.locator('details').filter({ hasText: name });
/** A condition of the form. */
export const condition = (page: Page, claim: string) => dialog(page).getByRole('group', { name: claim, exact: true });
/** Waits until a screen reader reads a text out. */
export const announced = (page: Page, text: string) =>
  page.locator('[aria-live="polite"]').getByText(text).first().waitFor({ state: 'attached' });
/** Waits until no dialog is open. */
export const isGone = (page: Page) => dialog(page).waitFor({ state: 'detached' });
