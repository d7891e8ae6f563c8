import { atWorkos } from '../support/at-workos.ts';
import { sealSession } from '../support/sealed-session.ts';
import type { Watched } from './chromium.ts';
import type { World } from './world.ts';

/** Opens a path of the console as support, who acts as a person of an organization. */
export async function impersonate(
  world: World,
  { page }: Watched,
  { id, organization }: { id: string; organization: { id: string } },
  path: string,
): Promise<void> {
  const opened = await atWorkos<{ access_token: string }>(world, 'POST', '/_emulator/impersonations', {
    user_id: id,
    organization_id: organization.id,
    impersonator: { email: 'support@product.test' },
  });
  const value = await sealSession(opened.access_token);
  await page.context().addCookies([{ name: 'wos_session', value, url: world.url }]);
  await page.goto(path);
}
