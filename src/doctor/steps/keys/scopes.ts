import { RawKey } from '../../../workos/events/event.ts';
import { grantableScopes, tryKey } from '../../keys.ts';
import { describe, text } from '../../read.ts';
import { inspect } from '../../shapes.ts';
import type { World } from '../../world.ts';

/** The longest name that Latchkey gives a key: a label of 100 characters and its marker. */
const NAME_LENGTH = 144;

/** Creates a key for each scope of the product, and one with the longest name. */
export async function scopes(world: World): Promise<void> {
  const tail = ` [lk:${'0'.repeat(26)}:${world.mark}]`;
  const name = `${'Schlüssel für München '.repeat(7).slice(0, NAME_LENGTH - tail.length)}${tail}`;
  const long = await tryKey(world, { name });
  if (long.status !== 201 || text(long.body, 'name') !== name)
    world.differs({
      name: 'key-name-limit',
      breaks: true,
      assumes: `that the name of a key may have ${NAME_LENGTH} characters of any language`,
      seen: long.status === 201 ? 'another name' : describe(long),
      todo: 'Use short labels until the limit is known, and report this.',
    });
  const wanted = grantableScopes(world);
  const refused: string[] = [];
  const made = long.status === 201 ? [long.body] : [];
  let seen = '';
  for (const scope of wanted) {
    const answer = await tryKey(world, { name: `Latchkey doctor ${world.mark}`, permissions: [scope] });
    if (answer.status === 201) made.push(answer.body);
    if (answer.status === 201) continue;
    refused.push(scope);
    seen = describe(answer);
  }
  if (made.length > 0) inspect(world, made[0], RawKey);
  world.note(`${wanted.length - refused.length} of ${wanted.length} scopes are allowed for keys of organizations.`);
  if (refused.length === 0) return;
  world.differs({
    name: 'permission-refused',
    breaks: true,
    assumes: 'that every scope of the product is a permission that organization keys may have',
    seen: `${seen} for ${refused.join(', ')}`,
    todo: 'Create these permissions in the WorkOS dashboard and switch them on under Authorization › Configuration › Organization API key permissions.',
  });
}
