import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { MachineCaller, ServiceCaller } from '../http/caller.ts';
import { serviceOrMachineRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import { ID, NO_ORGANIZATION_ID, ORGANIZATION_ID } from '../ids.ts';
import type { TaskRules } from '../product/tasks/task-rules.ts';
import type { FindHolder } from './find-holder.ts';
import { taskNotFound } from './task.ts';
import type { Task } from './task.ts';
import type { TaskRepository } from './task-repository.ts';
import type { makeTakeTask } from './take-task.ts';

type Deps = {
  rules: TaskRules;
  findHolder: FindHolder;
  tasks: Pick<TaskRepository, 'renew' | 'list' | 'delete'>;
  takeTask: ReturnType<typeof makeTakeTask>;
  clock: Clock;
};

const NAME = /^[A-Za-z0-9][\w.:~-]{0,127}$/;
const name = z
  .string()
  .regex(NAME, 'must have 1 to 128 letters, digits, _, ., :, ~ or -, and begin with a letter or digit')
  .describe("The product's own name for it, such as the id of a job.");

const Key = z.strictObject({
  organization_id: z.string().regex(ORGANIZATION_ID, NO_ORGANIZATION_ID).describe("The verdict's `organization_id`."),
  api_key_id: z.string().regex(ID, 'Give the id of an API key.').describe("The verdict's `id`."),
});

const TaskView = z
  .object({
    name: z.string(),
    api_key_id: z.string().describe('The key that took it last.'),
    taken_at: z.iso.datetime(),
    expires_at: z.iso.datetime().describe('When it ends, unless it is renewed before.'),
  })
  .meta({ id: 'Task' });

const params = z.object({ name });

const AGAIN = 'Seconds from now until it expires; if not given, as many as when it was last taken or renewed.';

/** The routes by which the product's own API counts what its customers run. */
export function taskRoutes(deps: Deps): Route[] {
  const { rules, findHolder, tasks, takeTask, clock } = deps;
  const seconds = z.int().min(1).max(rules.longest_seconds).describe('Seconds from now until it expires.');
  const common = { tag: 'Tasks', scope: ['apikeys:verify'] };
  return [
    serviceOrMachineRoute({
      ...common,
      operationId: 'takeTask',
      method: 'post',
      path: '/v1/tasks',
      summary: 'Take a task for a verified key',
      description: `At most ${rules.max} tasks are held at a time per ${rules.per}, exactly, on all replicas together. A task that is held already is renewed. It ends when it is released, when it expires, or with its key.`,
      body: Key.extend({ name, ttl_seconds: seconds.default(rules.default_seconds) }).meta({ id: 'TakeTask' }),
      responses: { 200: TaskView },
      errors: ['api_key_not_found', 'task_limit_reached'],
      async handle({ caller, body }) {
        const wanted = { ...placeOf(caller, body), name: body.name, seconds: body.ttl_seconds };
        return view(await takeTask(wanted));
      },
    }),
    serviceOrMachineRoute({
      ...common,
      operationId: 'renewTask',
      method: 'post',
      path: '/v1/tasks/{name}/renew',
      summary: 'Renew a task',
      description: 'A task that has ended is 404, since another may have its place: take it again.',
      params,
      body: Key.extend({
        ttl_seconds: seconds.optional().meta({ description: AGAIN }),
      }).meta({ id: 'RenewTask' }),
      responses: { 200: TaskView },
      errors: ['api_key_not_found', 'task_not_found'],
      async handle({ caller, params, body }) {
        const { organizationId, keyId } = placeOf(caller, body);
        const { holder } = await findHolder(organizationId, keyId);
        const lifetime = {
          seconds: body.ttl_seconds,
          usual: rules.default_seconds,
          longest: rules.longest_seconds,
        };
        const task = await tasks.renew(holder, params.name, lifetime, clock());
        if (!task) throw taskNotFound();
        return view(task);
      },
    }),
    ...readAndRelease({ ...deps, common }),
  ];
}

function readAndRelease({
  rules,
  findHolder,
  tasks,
  clock,
  common,
}: Deps & { common: { tag: string; scope: string[] } }): Route[] {
  return [
    serviceOrMachineRoute({
      ...common,
      operationId: 'listTasks',
      method: 'get',
      path: '/v1/tasks',
      summary: "List the tasks that count with a key's",
      query: Key,
      responses: {
        200: z
          .object({ data: z.array(TaskView), limit: z.int().describe('Most tasks at a time.') })
          .meta({ id: 'TaskList' }),
      },
      errors: ['api_key_not_found'],
      async handle({ caller, query }) {
        const { organizationId, keyId } = placeOf(caller, query);
        const { holder } = await findHolder(organizationId, keyId);
        return { data: (await tasks.list(holder, clock())).map(view), limit: rules.max };
      },
    }),
    serviceOrMachineRoute({
      ...common,
      operationId: 'releaseTask',
      method: 'delete',
      path: '/v1/tasks/{name}',
      summary: 'Release a task',
      description: 'The answer is the same if the task has ended before.',
      params,
      query: Key,
      responses: { 200: z.object({ status: z.literal('released') }) },
      errors: ['api_key_not_found'],
      async handle({ caller, params, query }) {
        const { organizationId, keyId } = placeOf(caller, query);
        const { holder } = await findHolder(organizationId, keyId);
        await tasks.delete(holder, params.name);
        return { status: 'released' as const };
      },
    }),
  ];
}

/** @throws AppError `permission_denied` for a machine of another organization */
function placeOf(
  caller: ServiceCaller | MachineCaller,
  { organization_id: organizationId, api_key_id: keyId }: z.output<typeof Key>,
) {
  if (caller.kind === 'machine' && caller.organizationId !== organizationId)
    throw new AppError('permission_denied', 'The credential belongs to another organization.');
  return { organizationId, keyId };
}

function view({ name, keyId, takenAt, expiresAt }: Task): z.input<typeof TaskView> {
  return { name, api_key_id: keyId, taken_at: takenAt.toISOString(), expires_at: expiresAt.toISOString() };
}
