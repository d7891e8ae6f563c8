import { COPES } from '../../finding.ts';
import { authenticate, REFRESH_GRANT, signedIn } from '../../people.ts';
import { describe, need } from '../../read.ts';
import type { World } from '../../world.ts';
import { makeOrganization } from '../organization.ts';

/** A refresh, one into an organization of others, and the used token again. */
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
  world.note(`Into an organization of others: ${describe(switched)}.`);
  if (switched.status === 200) wrong(world, 'a session moved into an organization that the person is not in');
  if (switched.status >= 500) wrong(world, `an organization of others was answered ${describe(switched)}`);
  const old = await authenticate(world, REFRESH_GRANT, { refresh_token: refreshToken });
  world.note(`The used refresh token again: ${describe(old)}.`);
  if (old.status === 200 && next !== refreshToken)
    world.differs({
      name: 'refresh-token-reuse',
      breaks: false,
      assumes: 'nothing: a used refresh token may be good for a short while',
      seen: 'a used refresh token was taken again',
      todo: COPES,
    });
}

function wrong(world: World, seen: string): void {
  world.differs({
    name: 'refresh',
    breaks: true,
    assumes: 'that a session is refreshed, and only into organizations of its person',
    seen,
    todo: 'Report this: console sessions may end early, or go where they must not.',
  });
}
