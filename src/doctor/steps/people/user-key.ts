import { COPES, Skip } from '../../finding.ts';
import { organizationId, tryKey, validate } from '../../keys.ts';
import { person } from '../../people.ts';
import { describe, expectStatus, need } from '../../read.ts';
import type { World } from '../../world.ts';

const MEMBERSHIPS = '/user_management/organization_memberships';

/** Creates personal keys, deactivates the membership and deletes it. */
export async function userKey(world: World): Promise<void> {
  const { id, membershipId } = person(world);
  const make = async (): Promise<string> => {
    const body = { name: `Latchkey doctor ${world.mark}`, organization_id: organizationId(world) };
    const answer = await tryKey(world, body, { path: `/user_management/users/${id}/api_keys` });
    if (answer.status === 403 || answer.status === 404)
      throw new Skip(`The environment has no keys of users (${describe(answer)}).`);
    return need(expectStatus(answer, 'a key of a user', 201), 'the key', 'value');
  };
  const first = await make();
  if ((await validate(world, first)) === undefined) survived(world, 'a new key of a user is not validated');
  const off = await world.call('PUT', `${MEMBERSHIPS}/${membershipId}/deactivate`);
  expectStatus(off, 'the deactivation', 200);
  const afterDeactivation = await validate(world, first);
  world.note(`After deactivation the key is ${afterDeactivation === undefined ? 'refused' : 'still validated'}.`);
  if (afterDeactivation !== undefined)
    world.differs({
      name: 'user-key-after-deactivation',
      breaks: false,
      assumes: 'nothing: Latchkey itself refuses keys of people who are not active members',
      seen: 'the key is still validated',
      todo: COPES,
    });
  expectStatus(await world.call('PUT', `${MEMBERSHIPS}/${membershipId}/reactivate`), 'the reactivation', 200);
  const second = await make();
  expectStatus(
    await world.call('DELETE', `${MEMBERSHIPS}/${membershipId}`),
    'the deletion of the membership',
    200,
    204,
  );
  if ((await validate(world, second)) !== undefined)
    survived(world, 'the key is still validated after its membership is deleted');
}

function survived(world: World, seen: string): void {
  world.differs({
    name: 'user-key',
    breaks: true,
    assumes: 'that a personal key works until the membership is deleted, and no longer',
    seen,
    todo: 'Report this: keys of people without a membership may still work at WorkOS.',
  });
}
