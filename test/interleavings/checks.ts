import type { Answer, Scene } from './scene.ts';
import { MOST_KEYS, operationOf } from './operations.ts';
import type { OperationName } from './operations.ts';
import { checkRotations } from './check-rotations.ts';
import { checkSuspensions } from './check-suspensions.ts';
import type { Choice } from './schedule.ts';
import type { Task } from './stage.ts';

/** What went on at which boundary. */
export type Step = Choice & { label: string; note?: string };
export type Played = { name: OperationName; task: Task; answers: readonly Answer[] };

export type Row = {
  id: string;
  workos_id: string | null;
  owner_user_id: string | null;
  status: 'provisioning' | 'active' | 'revoked' | 'failed';
  scopes: string[];
  expires_at: Date | null;
  rotated_to: string | null;
  rate_limit: number | null;
  ip_allow_list: string[];
  created_at: Date;
  due_at: Date | null;
  suspended_at: Date | null;
  suspended_by_id: string | null;
};
type KeyThere = { id: string; name: string; permissions: string[]; expires_at: string | null };
type Member = { user_id: string; active: boolean; permissions: string[] | null };
type Seen = {
  scene: Scene;
  rows: Row[];
  there: KeyThere[];
  played: readonly Played[];
  steps: readonly Step[];
  now: Date;
};

const MARKED = / \[lk:([0-9A-Z]{26}):[0-9a-f]{12}\]$/;

/** Compares mirror, WorkOS and answers when all is quiet. @returns one line for each thing that is not as promised */
export async function check(scene: Scene, played: readonly Played[], steps: readonly Step[]): Promise<string[]> {
  const { world, organizationId } = scene;
  const { rows } = await world.sql.query<Row>('select * from api_keys where organization_id = $1 order by id', [
    organizationId,
  ]);
  const seen: Seen = { scene, rows, there: await keysAtWorkos(scene), played, steps, now: world.clock() };
  return [
    ...world.complaints().map((line) => `the service logged an error: ${line.slice(0, 600)}`),
    ...answers(seen),
    ...restrictions(seen),
    ...bothSides(seen),
    ...(await checkRotations({ sql: world.sql, organizationId }, rows)),
    ...(await checkSuspensions(scene, rows, seen.now)),
    ...(await members(seen)),
    ...outlived(seen),
    ...(await decommissioned(seen)),
    ...handedOut(seen),
    ...quota(seen),
    ...(await recorded(seen)),
    ...(await secrets(seen)),
  ];
}

async function keysAtWorkos({ atWorkos, organizationId, people }: Scene): Promise<KeyThere[]> {
  const list = async (path: string) => (await atWorkos('GET', path)).body['data'] as KeyThere[];
  const keys = await list(`/organizations/${organizationId}/api_keys?limit=100`);
  for (const { id } of people)
    keys.push(...(await list(`/user_management/users/${id}/api_keys?limit=100&organization_id=${organizationId}`)));
  return keys;
}

function answers({ played }: Seen): string[] {
  return played.flatMap(({ name, task, answers }) => {
    const allowed = operationOf(name).answers;
    const wrong = answers.filter(({ status }) => !allowed.includes(status));
    return [
      ...(task.outcome?.error ? [`${task.name} failed: ${String((task.outcome.error as Error).stack)}`] : []),
      ...wrong.map(({ status, body }) => `${task.name} was answered with ${status}: ${JSON.stringify(body)}`),
    ];
  });
}

/** An answer 200 stays true: no operation gives a key more addresses, a higher limit or a later expiry. */
function restrictions({ scene, rows, played }: Seen): string[] {
  const row = rows.find(({ workos_id: id }) => id === scene.key.id);
  if (!row) return ['the key has no row any more'];
  const changed = played.filter(({ answers }) => answers.some(({ status }) => status === 200));
  const lost = changed.some(({ name }) => name === 'patch') && (row.ip_allow_list.length === 0 || row.rate_limit !== 1);
  const ends = changed
    .filter(({ name }) => name === 'patch_end' || name === 'patch_end_down')
    .flatMap(({ answers }) => answers.map(({ body }) => new Date(String(body['expires_at']))));
  const outlives = ends.some((end) => !row.expires_at || row.expires_at > end);
  return [
    ...(lost ? ['undone: addresses or limits that were answered with 200'] : []),
    ...(outlives && row.status === 'active' ? ['undone: an end that was answered with 200'] : []),
  ];
}

/** Work that is not left over: each row on which nothing is left to do agrees with WorkOS. */
function bothSides({ rows, there, now }: Seen): string[] {
  const faults: string[] = [];
  for (const key of there) {
    const row = rows.find(({ workos_id: id }) => id === key.id);
    const marked = MARKED.exec(key.name)?.[1];
    if (!row) faults.push(`orphan: ${key.name} is at WorkOS, and its row ${statusOf(rows, marked)}`);
    else if (row.status === 'revoked') faults.push(`forgotten: ${key.name} is revoked here and lives at WorkOS`);
  }
  for (const row of rows.filter(({ status }) => status === 'active')) {
    const key = there.find(({ id }) => id === row.workos_id);
    if (!key) faults.push(`forgotten: ${row.id} is active here and not at WorkOS`);
    else faults.push(...sameKey(row, key, now));
  }
  return faults;
}

function statusOf(rows: readonly Row[], rowId: string | undefined): string {
  return rows.find(({ id }) => id === rowId)?.status ?? 'is not there';
}

function sameKey(row: Row, key: KeyThere, now: Date): string[] {
  const here = row.expires_at?.toISOString() ?? null;
  const bothOver = isOver(here, now) && isOver(key.expires_at, now);
  const more = row.scopes.filter((scope) => !key.permissions.includes(scope));
  const less = key.permissions.filter((scope) => !row.scopes.includes(scope));
  return [
    ...(here === key.expires_at || bothOver
      ? []
      : [`forgotten: ${key.name} ends ${here} here and ${key.expires_at} at WorkOS`]),
    ...(more.length === 0 ? [] : [`${key.name} may do ${more.join(' ')} here and not at WorkOS`]),
    ...(less.length === 0 ? [] : [`${key.name} may do ${less.join(' ')} at WorkOS and not here`]),
  ];
}

function isOver(end: string | null, now: Date): boolean {
  return end !== null && new Date(end) <= now;
}

/** What is kept of people is what WorkOS says of them. */
async function members({ scene }: Seen): Promise<string[]> {
  const { world, organizationId, people, role, atWorkos } = scene;
  if (people.length === 0) return [];
  const { rows: kept } = await world.sql.query<Member>('select * from members where organization_id = $1', [
    organizationId,
  ]);
  const roleThere = (await atWorkos('GET', `/authorization/organizations/${organizationId}/roles/${role}`)).body;
  const granted = [...(roleThere['permissions'] as string[])].toSorted().join(' ');
  const path = `/user_management/organization_memberships?organization_id=${organizationId}&statuses=active,inactive`;
  const memberships = (await atWorkos('GET', `${path}&limit=100`)).body['data'] as {
    user_id: string;
    status: string;
  }[];
  const faults: string[] = [];
  for (const { user_id: userId, active, permissions } of kept) {
    const isMember = memberships.some((one) => one.user_id === userId && one.status === 'active');
    const holds = permissions && permissions.toSorted().join(' ');
    if (active !== isMember) faults.push(`${userId} is ${active ? 'a' : 'no'} member here, and not so at WorkOS`);
    if (isMember && holds !== granted) faults.push(`${userId} may do '${holds}' here and '${granted}' at WorkOS`);
  }
  return faults;
}

/** A key that was begun before its owner's membership ended is over, even if the membership began again. */
function outlived({ scene, rows, played, steps }: Seen): string[] {
  const endedAt = steps.findLastIndex(({ label }) => label.endsWith('/deactivate'));
  return played.flatMap(({ name, answers }, i) => {
    if (name !== 'create_personal') return [];
    const inserted = steps.findIndex(({ task, label }) => task === i && label === 'insert api_keys');
    const begunAt = steps.findIndex(({ task, label }, at) => task === i && at > inserted && label === 'commit');
    const row = rows.find(({ workos_id: id }) => id !== null && id === answers[0]?.body['id']);
    const outlives = inserted !== -1 && begunAt < endedAt && row?.status === 'active';
    return outlives ? [`a personal key of ${scene.people[0]!.id} outlives the membership in which it was begun`] : [];
  });
}

/** Whoever was answered with a key has it, until it ends. */
function handedOut({ rows, played }: Seen): string[] {
  const made = played.flatMap(({ answers }) => answers.filter(({ status }) => status === 201));
  return made.flatMap(({ body }) => {
    const status = rows.find(({ workos_id: id }) => id === body['id'])?.status ?? 'not there';
    return status === 'active' || status === 'revoked' ? [] : [`handed out: a key whose row is ${status}`];
  });
}

/** An organization whose end is done, and was not taken back, has no key. */
async function decommissioned({ scene, rows }: Seen): Promise<string[]> {
  const { world, organizationId } = scene;
  const { rowCount } = await world.sql.query(
    'select 1 from tenants where organization_id = $1 and decommissioned_at is not null',
    [organizationId],
  );
  const left = rowCount === 0 ? [] : rows.filter(({ status }) => status === 'active' || status === 'provisioning');
  return left.map(({ id, status }) => `decommissioned: ${id} is ${status} still`);
}

function quota({ rows, now }: Seen): string[] {
  const counted = rows.filter(
    (row) =>
      row.status === 'active' &&
      row.owner_user_id === null &&
      row.rotated_to === null &&
      !(row.expires_at && row.expires_at <= now),
  );
  return counted.length > MOST_KEYS ? [`${counted.length} keys where ${MOST_KEYS} are allowed`] : [];
}

/** The end of a key is recorded once, by one of the operations. */
async function recorded({ scene }: Seen): Promise<string[]> {
  const { rows } = await scene.world.sql.query<{ target_id: string; times: string }>(
    `select target_id, count(*) as times from audit_events where organization_id = $1 and action = 'api_key.revoked'
     group by target_id having count(*) > 1`,
    [scene.organizationId],
  );
  return rows.map(({ target_id: id, times }) => `recorded: the end of ${id} stands ${times} times in the audit log`);
}

/** A secret works if its key does, and if it was handed out. */
async function secrets({ scene, rows, there, played, now }: Seen): Promise<string[]> {
  const handedOut = new Set(played.flatMap(({ answers }) => answers.map(({ body }) => body['value'])));
  const faults: string[] = [];
  for (const { id, value } of scene.world.issued.slice(scene.issuedFrom)) {
    const row = rows.find(({ workos_id: workosId }) => workosId === id);
    const isLive = row?.status === 'active' && !(row.expires_at && row.expires_at <= now);
    const verdict = await scene.ask('POST', '/v1/api-keys/verify', { body: { key: value } });
    const works = verdict.body['valid'] === true;
    if (works && !handedOut.has(value)) faults.push(`the secret of a refused request works (its row: ${row?.status})`);
    if (!handedOut.has(value) && there.some((key) => key.id === id)) faults.push(`a refused request left a key behind`);
    if (works && !isLive) faults.push(`a secret works whose row is ${row?.status ?? 'not there'}`);
  }
  return faults;
}
