import { COPES } from '../../finding.ts';
import { authenticate, REFRESH_GRANT, signedIn } from '../../people.ts';
import { describe, need } from '../../read.ts';
import type { World } from '../../world.ts';
import { makeOrganization } from '../organization.ts';

/** Refreshes a session, tries an organization without a membership, and uses the old token again. */
export async function refresh(world: World): Promise<void> {
  const { refreshToken } = signedIn(world);
  const first = await authenticate(world, REFRESH_GRANT, { refresh_token: refreshToken });
  if (first.status !== 200) return wrong(world, `a refresh was answered ${describe(first)}`);
  const next = need(first, 'the refresh', 'refresh_token');
  world.facts.session = { accessToken: need(first, 'the refresh', 'access_token'), refreshToken: next };
  world.note(next === refreshToken ? 'The refresh token stays the same.' : 'The refresh token is replaced.');
  const foreign = await makeOrganization(world, `Latchkey doctor ${world.mark} foreign`);
  const fields = { refresh_token: next, organization_id: foreign.id };
  const switched = await authenticate(world, REFRESH_GRANT, fields);
  world.note(`Into an organization without a membership: ${describe(switched)}.`);
  if (switched.status === 200) wrong(world, 'a session was refreshed into an organization without a membership');
  if (switched.status >= 500) wrong(world, `an organization without a membership was answered ${describe(switched)}`);
  const old = await authenticate(world, REFRESH_GRANT, { refresh_token: refreshToken });
  world.note(`The used refresh token again: ${describe(old)}.`);
  if (old.status === 200 && next !== refreshToken)
    world.differs({
      name: 'refresh-token-reuse',
      breaks: false,
      assumes: 'nothing: a used refresh token may work for a short while',
      seen: 'a used refresh token was accepted again',
      todo: COPES,
    });
}

function wrong(world: World, seen: string): void {
  world.differs({
    name: 'refresh',
    breaks: true,
    assumes: 'that a session can be refreshed, and only into organizations of its person',
    seen,
    todo: 'Report this: console sessions may end early, or reach organizations that they must not.',
  });
}
