import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultInput } from '../../src/emulator/faults/faults.ts';
import { send } from './http.ts';
import type { Answer } from './http.ts';
import type { Rig } from './rig.ts';
import type { Asked } from './plan.ts';

export type KeyThere = { id: string; name: string; expires_at: string | null };

const ATTEMPTS = 50;
const RETRY_MS = 100;

/** Whose keys a trial is about: an organization's, or those that a person of it has there. */
export type Holder = { organizationId: string; userId: string | undefined };

const PATHS: Record<Asked, (holder: Holder) => { method: string; path: string }> = {
  create: (holder) => ({ method: 'POST', path: keysOf(holder) }),
  list: (holder) => ({ method: 'GET', path: keysOf(holder) }),
  delete: () => ({ method: 'DELETE', path: '/api_keys/:id' }),
  expire: () => ({ method: 'POST', path: '/api_keys/:id/expire' }),
  events: () => ({ method: 'GET', path: '/events' }),
};

function keysOf({ organizationId, userId }: Holder): string {
  return userId === undefined
    ? `/organizations/${organizationId}/api_keys`
    : `/user_management/users/${userId}/api_keys`;
}

/** WorkOS as its administrator sees it, asked by the trial itself. */
export function makeWorkos({ workosUrl, workosKey }: Pick<Rig, 'workosUrl' | 'workosKey'>) {
  /** Faults meet the trial's own requests too: it asks until there is an answer. */
  async function ask(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answer> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const answer = await send(workosUrl, method, path, {
        token: workosKey,
        ...(body && { body }),
        ...(headers && { headers }),
      });
      if (answer && answer.status < 500 && ![401, 429].includes(answer.status)) return answer;
      await sleep(RETRY_MS);
    }
    throw new Error(`the local WorkOS did not answer ${method} ${path}`);
  }

  async function listOwn(holder: Holder): Promise<KeyThere[]> {
    const keys: KeyThere[] = [];
    for (let after = ''; ;) {
      const { body } = await ask('GET', `${keysOf(holder)}?limit=100${after}`);
      keys.push(...(body['data'] as KeyThere[]));
      const next = (body['list_metadata'] as { after: string | null }).after;
      if (next === null) return keys;
      after = `&after=${next}`;
    }
  }

  return {
    ask,
    /** The organization's keys, and the person's if there is one. */
    async listKeys(holder: Holder): Promise<KeyThere[]> {
      const keys = await listOwn({ ...holder, userId: undefined });
      return holder.userId === undefined ? keys : [...keys, ...(await listOwn(holder))];
    },
    seed: (seed: object) => ask('POST', '/_emulator/seed', seed),
    fault: (asked: Asked, fault: FaultInput, holder: Holder) =>
      ask('POST', '/_emulator/faults', { ...fault, ...PATHS[asked](holder) }),
    takeDown: () => ask('POST', '/_emulator/faults', { kind: 'reset_before', times: 0 }),
    clearFaults: () => ask('DELETE', '/_emulator/faults'),
    async makeKey(organizationId: string, name: string): Promise<{ id: string; value: string }> {
      const once = { 'idempotency-key': randomUUID() };
      const { status, body } = await ask('POST', `/organizations/${organizationId}/api_keys`, { name }, once);
      if (status !== 201) throw new Error(`the local WorkOS answered ${status}`);
      return body as { id: string; value: string };
    },
    deleteKey: (id: string) => ask('DELETE', `/api_keys/${id}`),
    async works(value: string): Promise<boolean> {
      const { body } = await ask('POST', '/api_keys/validations', { value });
      return body['api_key'] !== null;
    },
    async session(clientId: string, email: string, password: string): Promise<string> {
      const proof = { grant_type: 'password', client_id: clientId, client_secret: workosKey, email, password };
      return String((await ask('POST', '/user_management/authenticate', proof)).body['access_token']);
    },
    async token(clientId: string, secret: string): Promise<string> {
      const body = { grant_type: 'client_credentials', client_id: clientId, client_secret: secret };
      return String((await ask('POST', '/oauth2/token', body)).body['access_token']);
    },
  };
}

export type Workos = ReturnType<typeof makeWorkos>;
