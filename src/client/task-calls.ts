import type { CallOptions, Send } from './send.ts';
import type { NamedTask, TakeTask, Task, TaskKey } from './shapes.ts';

const one = (name: string) => `/v1/tasks/${encodeURIComponent(name)}`;

/** Needs a service or machine token with `apikeys:verify`. */
export function tasksOf(send: Send) {
  return {
    /** Takes a task, or renews it if it is held. Rejects with `task_limit_reached`, and `details.tasks`, where no place is free. */
    take: (task: TakeTask, call?: CallOptions) => send<Task>('POST', '/v1/tasks', { ...call, body: task }),
    /** Rejects with `task_not_found` for a task that has ended. */
    renew: ({ name, ...body }: TakeTask, call?: CallOptions) =>
      send<Task>('POST', `${one(name)}/renew`, { ...call, body }),
    /** Lists the tasks that count with this key's, the first to expire first. */
    list: (key: TaskKey, call?: CallOptions) =>
      send<{ data: Task[]; limit: number }>('GET', '/v1/tasks', { ...call, query: key }),
    /** Succeeds also for one that has ended. */
    release: ({ name, ...key }: NamedTask, call?: CallOptions) =>
      send<{ status: 'released' }>('DELETE', one(name), { ...call, query: key }),
  };
}
