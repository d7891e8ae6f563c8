import { createHmac } from 'node:crypto';
import type { Service } from './service.ts';
import type { WorkosKey } from './workos-keys.ts';

/** Calls WorkOS as its administrator, without Latchkey. */
export async function atWorkos<T>(
  { workos }: Pick<Service, 'workos'>,
  method: string,
  path: string,
  body?: object,
): Promise<T> {
  const response = await fetch(`${workos.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${workos.apiKey}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`the local WorkOS answered ${response.status} to ${method} ${path}`);
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

type NewKey = { name?: string; permissions?: string[]; expires_at?: string };

/** Creates a key as WorkOS's dashboard does, and returns it with its secret. */
export function makeDashboardKey(service: Pick<Service, 'workos'>, organizationId: string, key: NewKey = {}) {
  const path = `/organizations/${organizationId}/api_keys`;
  return atWorkos<WorkosKey & { value: string }>(service, 'POST', path, { name: 'from the dashboard', ...key });
}

export const deleteAtWorkos = (service: Pick<Service, 'workos'>, keyId: string) =>
  atWorkos<void>(service, 'DELETE', `/api_keys/${keyId}`);

export const expireAtWorkos = (service: Pick<Service, 'workos'>, keyId: string, expiresAt: Date | null) =>
  atWorkos<WorkosKey>(service, 'POST', `/api_keys/${keyId}/expire`, { expires_at: expiresAt?.toISOString() ?? null });

/** Returns the header that WorkOS signs a webhook with. */
export function signWebhook(secret: string, body: string | Buffer, sentAt = Date.now()): string {
  return `t=${sentAt}, v1=${createHmac('sha256', secret).update(`${sentAt}.`).update(body).digest('hex')}`;
}
