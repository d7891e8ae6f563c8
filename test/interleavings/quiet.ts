import type { Scene } from './scene.ts';

/** Every loop that has to do with keys, in the order of a round. */
const LOOPS = ['events', 'members', 'decommission', 'settle'] as const;
const BACKOFF_MS = 16_000;
/** Whoever was to look for a key that may yet appear has looked by then. */
const LOOK_FOR_MS = 4 * 60_000;
/** What has to be done by then that an interleaving left: what is due at once, after a backoff, and when all leases are over. */
const PAUSES_MS = [10, 10, BACKOFF_MS, LOOK_FOR_MS, BACKOFF_MS];
/** The steps of loops within which all of it is done. */
export const MOST_LOOP_STEPS = (PAUSES_MS.length + 1) * LOOPS.length;

/** Runs the loops until nothing is left to do, so many steps at most. @returns what is left then, and after how many */
export async function runToQuiet(scene: Scene): Promise<{ left: string[]; loopSteps: number }> {
  const { world } = scene;
  let left: string[] = [];
  let loopSteps = 0;
  for (const pauseMs of [0, ...PAUSES_MS]) {
    world.advance(pauseMs);
    for (const name of LOOPS) await world.background.runOnce(name);
    loopSteps += LOOPS.length;
    left = await leftOver(scene);
    if (left.length === 0) break;
  }
  return { left: left.map((what) => `not done within ${MOST_LOOP_STEPS} steps of loops: ${what}`), loopSteps };
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
