import { setTimeout as sleep } from 'node:timers/promises';
import { createHash } from 'node:crypto';
import { check } from './checks.ts';
import type { Played, Step } from './checks.ts';
import { operationOf } from './operations.ts';
import { clearScene, runToQuiet } from './quiet.ts';
import { setScene } from './scene.ts';
import type { Answer, Need, Scene } from './scene.ts';
import { makeChooser } from './schedule.ts';
import type { Schedule } from './schedule.ts';
import type { Task } from './stage.ts';
import type { World } from './world.ts';

export type Result = {
  /** Empty: all is as promised. */
  findings: string[];
  steps: Step[];
  /** How many steps each operation took. */
  lengths: number[];
  /** Which operations did several things at once. */
  branched: boolean[];
  /** After how many steps of loops nothing was left to do. */
  loopSteps: number;
  /** A hash of what is left in the end, without ids and times. */
  endState: string;
};

const WAITS = 200;
const MAX_STEPS = 2_000;

/** Plays one interleaving, from a scene of its own to the checks when all is quiet. */
export async function play(world: World, schedule: Schedule): Promise<Result> {
  const needs = new Set<Need>(schedule.operations.flatMap((name) => operationOf(name).needs ?? []));
  const scene = await setScene(world, needs);
  const played = schedule.operations.map((name, i) => begin(scene, name, `${i} ${name}`, i));
  const tasks = played.map(({ task }) => task);
  const { steps, stuck } = await interleave(world, tasks, schedule);
  const { left, loopSteps } = stuck ? { left: stuck, loopSteps: 0 } : await runToQuiet(scene);
  const findings = [...left, ...(await check(scene, played, steps))];
  const endState = await hashEnd(scene, played);
  await clearScene(scene);
  world.tasks.clear();
  return {
    findings,
    steps,
    lengths: tasks.map((_, i) => steps.filter(({ task }) => task === i).length),
    branched: tasks.map(({ branched }) => branched),
    loopSteps,
    endState,
  };
}

function begin(scene: Scene, name: Schedule['operations'][number], taskName: string, nth: number): Played {
  const { run, trouble = 'none' } = operationOf(name);
  const answers: Answer[] = [];
  const task = scene.world.stage.start(taskName, trouble, async (statuses) => {
    answers.push(...(await run(scene, { nth })));
    statuses.push(...answers.map(({ status }) => status));
  });
  scene.world.tasks.set(taskName, task);
  return { name, task, answers };
}

async function interleave(world: World, tasks: readonly Task[], schedule: Schedule) {
  const steps: Step[] = [];
  const choose = makeChooser(schedule);
  for (let waits = 0; steps.length < MAX_STEPS;) {
    await world.stage.settle(tasks);
    noteWhatBecame(steps, tasks);
    if (tasks.every(({ outcome }) => outcome)) return { steps, stuck: undefined };
    const ready = tasks.flatMap(({ gates }, i) => (gates.length > 0 ? [i] : []));
    if (ready.length === 0) {
      // All wait for time to pass: one that had to give way in a deadlock, say, tries again after a pause.
      if (++waits > WAITS) break;
      await sleep(10);
      continue;
    }
    const { task, newest } = choose(ready);
    const { gates } = tasks[task]!;
    const gate = (newest ? gates.pop() : gates.shift())!;
    steps.push({ task, newest, label: gate.label });
    world.advance(1);
    gate.pass();
  }
  const left = tasks.filter(({ outcome }) => !outcome).map(({ name }) => name);
  for (const task of tasks) {
    task.outcome ??= { statuses: [], error: new Error('stuck') };
    for (const { pass } of task.gates.splice(0)) pass();
  }
  await sleep(WAITS);
  return { steps, stuck: [`stuck: ${left.join(', ')} came to no end`] };
}

function noteWhatBecame(steps: Step[], tasks: readonly Task[]): void {
  const last = steps.at(-1);
  if (!last) return;
  const { outcome, blocked } = tasks[last.task]!;
  if (blocked) last.note = 'waits for a lock';
  else if (outcome?.error) last.note = `failed: ${(outcome.error as Error).message.slice(0, 200)}`;
  else if (outcome) last.note = outcome.statuses.length > 0 ? `answered ${outcome.statuses.join(' ')}` : 'done';
}

async function hashEnd(scene: Scene, played: readonly Played[]): Promise<string> {
  const { world, organizationId } = scene;
  const { rows } = await world.sql.query<object>(
    `select label, status, scopes, permission_set, rate_limit, ip_allow_list, owner_user_id is not null as personal,
       rotated_to is not null as rotated, rotated_from is not null as successor, expires_at is not null as ends
     from api_keys where organization_id = $1 order by id`,
    [organizationId],
  );
  const { rows: tenants } = await world.sql.query<object>(
    `select billing_status, plan, key_limit, decommissioned_at is not null as over from tenants where organization_id = $1`,
    [organizationId],
  );
  const { rows: members } = await world.sql.query<object>(
    'select active, permissions from members where organization_id = $1 order by user_id',
    [organizationId],
  );
  const answers = played.map(({ name, answers }) => [name, answers.map(({ status }) => status)]);
  const state = JSON.stringify([rows, tenants, members, answers]);
  return createHash('sha256').update(state).digest('hex').slice(0, 16);
}
