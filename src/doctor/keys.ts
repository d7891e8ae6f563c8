import type { Answer } from './client.ts';
import { Skip } from './finding.ts';
import { expectStatus, need, text } from './read.ts';
import type { World } from './world.ts';

export type MadeKey = { id: string; value: string; raw: unknown };

export function organizationId({ facts }: World): string {
  if (facts.organization) return facts.organization.id;
  throw new Skip('Creating the organization failed.');
}

/** Requests a key in the throwaway organization, and deletes it at the end. */
export async function tryKey(
  world: World,
  body: object,
  { path, headers = {} }: { path?: string; headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  const answer = await world.call('POST', path ?? `/organizations/${organizationId(world)}/api_keys`, {
    body,
    headers,
  });
  const id = text(answer.body, 'id');
  world.secrets.add(text(answer.body, 'value'));
  if (answer.status === 201 && id !== undefined)
    world.undo(`API key ${id}`, async () => {
      expectStatus(await world.after('DELETE', `/api_keys/${id}`), 'its deletion', 200, 204, 404);
    });
  return answer;
}

export async function makeKey(world: World, fields: object = {}): Promise<MadeKey> {
  const answer = expectStatus(
    await tryKey(world, { name: `Latchkey doctor ${world.mark}`, ...fields }),
    'a new key',
    201,
  );
  return { id: need(answer, 'the new key', 'id'), value: need(answer, 'the new key', 'value'), raw: answer.body };
}

/** Returns the id of the key that WorkOS finds for a value; undefined when it finds none. */
export async function validate({ call }: World, value: string): Promise<string | undefined> {
  const answer = await call('POST', '/api_keys/validations', { body: { value } });
  return text(expectStatus(answer, 'a validation', 200).body, 'api_key', 'id');
}

/** Returns every scope that a key may hold. */
export function grantableScopes({ product }: World): string[] {
  const names = product.scopes.flatMap(({ scopes }) => scopes.map(({ name }) => name));
  return [...new Set(names)].filter((name) => !product.never_granted.includes(name));
}
