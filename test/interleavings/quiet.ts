import type { Scene } from './scene.ts';

const ROUNDS = 40;
/** Rounds in which nothing has to wait for its time. */
const AT_ONCE = 2;
const BACKOFF_MS = 16_000;
/** Whoever was to look for a key that may yet appear has looked by then. */
const LOOK_FOR_MS = 4 * 60_000;

/** Runs every loop that has to do with keys until nothing is left to do. @returns what is left all the same */
export async function runToQuiet(scene: Scene): Promise<string[]> {
  const { world } = scene;
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of ['events', 'members', 'decommission', 'settle']) await world.background.runOnce(name);
    const left = await leftOver(scene);
    if (left.length === 0) return [];
    world.advance(round < AT_ONCE ? 10 : round === AT_ONCE + 1 ? LOOK_FOR_MS : BACKOFF_MS);
  }
  return (await leftOver(scene)).map((what) => `never settled: ${what}`);
}

async function leftOver({ world, organizationId }: Scene): Promise<string[]> {
  const { rows } = await world.sql.query<{ what: string }>(
    `select 'key ' || status as what from api_keys where organization_id = $1 and due_at is not null
     union all select 'member' from members where organization_id = $1 and due_at is not null
     union all select 'decommissioning' from tenants
       where organization_id = $1 and decommission_at <= $2 and decommissioned_at is null`,
    [organizationId, world.clock()],
  );
  return rows.map(({ what }) => what);
}

/** Nothing of a scene is left for the loops of the next. */
export async function clearScene({ world, organizationId }: Scene): Promise<void> {
  for (const table of ['api_keys', 'members', 'tenants', 'rotations_seen'])
    await world.sql.query(`delete from ${table} where organization_id = $1`, [organizationId]);
}
