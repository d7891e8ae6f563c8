import { readTime } from '../../src/workos/events/time.ts';
import type { Service } from './service.ts';

export type WorkosKey = { id: string; name: string; permissions: string[]; expires_at: string | null };

/** What WorkOS holds for an organization, newest first; asked as its administrator, past Latchkey. */
export async function keysAtWorkos({ workos }: Pick<Service, 'workos'>, organizationId: string): Promise<WorkosKey[]> {
  const response = await fetch(`${workos.url}/organizations/${organizationId}/api_keys?limit=100`, {
    headers: { authorization: `Bearer ${workos.apiKey}` },
  });
  if (!response.ok) throw new Error(`the local WorkOS answered ${response.status}`);
  return readKeys(await response.json());
}

/** The same of a person, in all organizations. */
export async function userKeysAtWorkos({ workos }: Pick<Service, 'workos'>, userId: string): Promise<WorkosKey[]> {
  const response = await fetch(`${workos.url}/user_management/users/${userId}/api_keys?limit=100`, {
    headers: { authorization: `Bearer ${workos.apiKey}` },
  });
  if (!response.ok) throw new Error(`the local WorkOS answered ${response.status}`);
  return readKeys(await response.json());
}

/** With their ends as Latchkey shows them: the profile of the local WorkOS decides how it writes times itself. */
function readKeys(answer: unknown): WorkosKey[] {
  return (answer as { data: WorkosKey[] }).data.map((key) => ({ ...key, expires_at: isoTime(key.expires_at) }));
}

/** A time of WorkOS, of either form, in ours. */
export function isoTime(text: string | null): string | null {
  return text === null ? null : (readTime(text)?.toISOString() ?? text);
}

/** How often WorkOS was asked for something, as the local WorkOS saw it. */
export function workosRequests({ workos }: Pick<Service, 'workos'>, method: string, path: string): number {
  return workos.requests().filter((request) => request.method === method && request.path === path).length;
}

/** Makes a key as somebody at WorkOS's dashboard would. */
export async function makeKeyAtWorkos(
  { workos }: Pick<Service, 'workos'>,
  organizationId: string,
  name: string,
): Promise<WorkosKey & { value: string }> {
  const response = await fetch(`${workos.url}/organizations/${organizationId}/api_keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${workos.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  if (!response.ok) throw new Error(`the local WorkOS answered ${response.status}`);
  return (await response.json()) as WorkosKey & { value: string };
}

/** Whether a secret is good in WorkOS's own eyes. */
export async function worksAtWorkos({ workos }: Pick<Service, 'workos'>, value: string): Promise<boolean> {
  const response = await fetch(`${workos.url}/api_keys/validations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${workos.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ value }),
  });
  return ((await response.json()) as { api_key: object | null }).api_key !== null;
}
