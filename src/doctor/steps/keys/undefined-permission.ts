import { tryKey } from '../../keys.ts';
import { describe, isObject, list } from '../../read.ts';
import type { World } from '../../world.ts';

/** Checks how WorkOS refuses an undefined permission. */
export async function undefinedPermission(world: World): Promise<void> {
  const slug = `latchkey:doctor:${world.mark}`;
  const answer = await tryKey(world, { name: 'Latchkey doctor', permissions: [slug] });
  const shapes = list(answer.body, 'errors').map((error) =>
    isObject(error) ? Object.keys(error).join('+') : typeof error,
  );
  world.note(`Refused with ${describe(answer)}; errors: ${[...new Set(shapes)].join(', ') || 'none'}.`);
  if (answer.status >= 400 && answer.status < 500) return;
  world.differs({
    name: 'undefined-permission',
    breaks: answer.status >= 500,
    assumes: 'that an undefined permission is refused with 4xx',
    seen: describe(answer),
    todo:
      answer.status === 201
        ? 'Check the scopes of the product file by hand: WorkOS accepts misspelt ones.'
        : 'Report this: a misspelt scope would count as an outage.',
  });
}
