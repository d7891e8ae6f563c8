import { readTime } from '../../src/workos/events/time.ts';
import type { Service } from './service.ts';

export type WorkosKey = { id: string; name: string; permissions: string[]; expires_at: string | null };

/** Lists an organization's keys at WorkOS, newest first, without Latchkey. */
export async function keysAtWorkos({ workos }: Pick<Service, 'workos'>, organizationId: string): Promise<WorkosKey[]> {
  const response = await fetch(`${workos.url}/organizations/${organizationId}/api_keys?limit=100`, {
    headers: { authorization: `Bearer ${workos.apiKey}` },
  });
  if (!response.ok) throw new Error(`the local WorkOS answered ${response.status}`);
  return readKeys(await response.json());
}

/** Lists a person's keys in all organizations. */
export async function userKeysAtWorkos({ workos }: Pick<Service, 'workos'>, userId: string): Promise<WorkosKey[]> {
  const response = await fetch(`${workos.url}/user_management/users/${userId}/api_keys?limit=100`, {
    headers: { authorization: `Bearer ${workos.apiKey}` },
  });
  if (!response.ok) throw new Error(`the local WorkOS answered ${response.status}`);
  return readKeys(await response.json());
}

/** With expiries as Latchkey formats them: the profile of the local WorkOS decides its own format. */
function readKeys(answer: unknown): WorkosKey[] {
  return (answer as { data: WorkosKey[] }).data.map((key) => ({ ...key, expires_at: isoTime(key.expires_at) }));
}

/** Converts a time of WorkOS to our format. */
export function isoTime(text: string | null): string | null {
  return text === null ? null : (readTime(text)?.toISOString() ?? text);
}

/** Counts requests that the local WorkOS received. */
export function workosRequests({ workos }: Pick<Service, 'workos'>, method: string, path: string): number {
  return workos.requests().filter((request) => request.method === method && request.path === path).length;
}

/** Creates a key as a person at WorkOS's dashboard does. */
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

/** Whether WorkOS validates a secret. */
export async function worksAtWorkos({ workos }: Pick<Service, 'workos'>, value: string): Promise<boolean> {
  const response = await fetch(`${workos.url}/api_keys/validations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${workos.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ value }),
  });
  return ((await response.json()) as { api_key: object | null }).api_key !== null;
}
