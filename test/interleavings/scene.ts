import { createHmac } from 'node:crypto';
import { ulid } from '../../src/ids.ts';
import { SERVICE_TOKEN, TASK_HEADER, WEBHOOK_SECRET } from './world.ts';
import type { World } from './world.ts';

/** What operations need to find beside the key that all of them are about. */
export type Need = 'people' | 'asked' | 'drift' | 'waiting' | 'given_up';

export type Answer = { status: number; body: Record<string, unknown> };
export type Person = { id: string; membership: string; token: string; key: string };

/** One organization with a key, and what else the operations of an interleaving are about. */
export type Scene = {
  world: World;
  organizationId: string;
  role: string;
  key: { id: string; value: string };
  owner: { id: string; token: string };
  /** Two who have a role in common, and a key each; none unless needed. */
  people: Person[];
  /** The name that WorkOS's key of a row would have that was given up. */
  givenUp: { name: string } | undefined;
  issuedFrom: number;
  ask(method: string, path: string, request?: { token?: string; body?: object; headers?: object }): Promise<Answer>;
  /** What WorkOS's administrator does there. */
  atWorkos(method: string, path: string, body?: object): Promise<Answer>;
  /** Delivers WorkOS's latest event of a kind as a webhook. */
  deliver(type: string): Promise<Answer[]>;
};

const PERMISSIONS = ['apikeys:read', 'apikeys:write', 'audit:read', 'workspace:read', 'workspace:write'];
export const NARROW_PERMISSIONS = ['workspace:read'];
const DAY_S = 24 * 60 * 60;
/** The age at which the settler stops searching for the key of a row. */
const LONG_AGO_MS = 4 * 60_000;
const DRIFTED = ['workspace:read', 'audit:read', 'tasks:write'];

export async function setScene(world: World, needs: ReadonlySet<Need>): Promise<Scene> {
  const name = ulid(world.clock()).toLowerCase();
  const organizationId = `org_${name}`;
  const role = `r_${name}`;
  const users = ['owner', ...(needs.has('people') ? ['a', 'b'] : [])].map((who) => `user_${name}_${who}`);
  world.workos.seed({
    roles: [{ slug: role, permissions: PERMISSIONS }],
    organizations: [{ id: organizationId, name }],
    people: users.map((id) => ({ id, email: `${id}@people.test` })),
    memberships: users.map((userId) => ({ id: `om_${userId}`, userId, organizationId, role })),
  });
  const now = world.clock();
  await world.sql.query(
    `insert into tenants (organization_id, billing_status, status_since, plan, created_at, updated_at)
     values ($1, 'active', $2, 'small', $2, $2)`,
    [organizationId, now],
  );
  const token = (userId: string) => sign(world, { organizationId, role, userId });
  const reach = reachOf(world, organizationId);
  const owner = { id: users[0]!, token: await token(users[0]!) };
  const key = await makeKey(reach.ask, owner.token, {});
  const people: Person[] = [];
  for (const id of users.slice(1)) {
    const person = { id, membership: `om_${id}`, token: await token(id) };
    people.push({ ...person, key: (await makeKey(reach.ask, person.token, { owner: 'user' })).id });
  }
  const scene = { world, organizationId, role, key, owner, people, givenUp: undefined, issuedFrom: 0, ...reach };
  await world.background.runOnce('events');
  await world.background.runOnce('members');
  const givenUp = await prepare(scene, needs);
  world.advance(10);
  return { ...scene, givenUp, issuedFrom: world.issued.length };
}

async function sign({ workos, clock }: World, who: { organizationId: string; role: string; userId: string }) {
  const issuedAt = Math.floor(clock().getTime() / 1_000);
  return workos.signSessionToken({
    iss: `${workos.url}/user_management/${workos.clientId}`,
    client_id: workos.clientId,
    sub: who.userId,
    sid: `session_${who.userId}`,
    org_id: who.organizationId,
    role: who.role,
    permissions: PERMISSIONS,
    iat: issuedAt,
    exp: issuedAt + DAY_S,
  });
}

async function makeKey(ask: Scene['ask'], token: string, more: object): Promise<{ id: string; value: string }> {
  const body = { label: 'a key', permission_set: 'read_only', metadata: { made: 'first' }, ...more };
  const made = await ask('POST', '/v1/api-keys', { token, body });
  if (made.status !== 201) throw new Error(`a key of the scene was answered with ${made.status}`);
  return { id: String(made.body['id']), value: String(made.body['value']) };
}

async function prepare({ world, organizationId, key }: Scene, needs: ReadonlySet<Need>): Promise<Scene['givenUp']> {
  const { sql, clock, marker } = world;
  const of = [organizationId, key.id];
  if (needs.has('asked'))
    await sql.query('update members set due_at = $2 where organization_id = $1', [organizationId, clock()]);
  if (needs.has('waiting'))
    await sql.query('update api_keys set due_at = $3 where organization_id = $1 and workos_id = $2', [...of, clock()]);
  if (needs.has('drift'))
    await sql.query(
      'update api_keys set scopes = $3, permission_set = null where organization_id = $1 and workos_id = $2',
      [...of, DRIFTED],
    );
  if (!needs.has('given_up')) return undefined;
  const madeAt = new Date(clock().getTime() - LONG_AGO_MS);
  const rowId = ulid(madeAt);
  await sql.query(
    `insert into api_keys (organization_id, id, origin, status, label, metadata, scopes, created_by_kind, created_by_id,
       created_at, updated_at, due_at)
     values ($1, $2, 'latchkey', 'failed', 'late', '{}', '{workspace:read}', 'user', 'user_x', $3, $3, $4)`,
    [organizationId, rowId, madeAt, clock()],
  );
  return { name: marker.mark('late', organizationId, rowId) };
}

function reachOf(world: World, organizationId: string): Pick<Scene, 'ask' | 'atWorkos' | 'deliver'> {
  const { stage, passFetch, workos, clock } = world;
  const send = async (url: string, init: RequestInit): Promise<Answer> => {
    const answer = await passFetch(url, init);
    const text = await answer.text();
    return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Answer['body'] };
  };
  const json = { 'content-type': 'application/json' };
  const ask: Scene['ask'] = (method, path, { token, body, headers } = {}) => {
    const task = stage.task();
    return send(`${world.url}${path}`, {
      method,
      headers: {
        ...json,
        authorization: `Bearer ${token ?? SERVICE_TOKEN}`,
        ...(task && { [TASK_HEADER]: task.name }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    });
  };
  const askWorkos = (method: string, path: string, body?: object) =>
    send(`${workos.url}${path}`, {
      method,
      headers: { ...json, authorization: `Bearer ${workos.apiKey}` },
      ...(body && { body: JSON.stringify(body) }),
    });
  return {
    ask,
    async atWorkos(method, path, body) {
      await stage.boundary(`at WorkOS: ${method} ${path.replaceAll(/\/(?:org|user|api_key|om|r)_\w+/g, '/:id')}`);
      return stage.call(() => askWorkos(method, path, body));
    },
    async deliver(type) {
      const from = `range_start=${new Date(clock().getTime() - 60_000).toISOString()}`;
      const list = `/events?limit=100&organization_id=${organizationId}&events=${type}&${from}`;
      const { body } = await stage.call(() => askWorkos('GET', list));
      const event = (body['data'] as object[]).at(-1);
      if (!event) throw new Error(`WorkOS has no event ${type}`);
      return [await ask('POST', '/v1/hooks/workos', { body: event, headers: signed(event, clock()) })];
    },
  };
}

function signed(event: object, now: Date): Record<string, string> {
  const sentAt = now.getTime();
  const mac = createHmac('sha256', WEBHOOK_SECRET)
    .update(`${sentAt}.${JSON.stringify(event)}`)
    .digest('hex');
  return { 'workos-signature': `t=${sentAt}, v1=${mac}` };
}
