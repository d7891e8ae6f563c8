import type { CallOptions, Send } from './send.ts';

/** The key that tasks belong to: `organization_id` and `id` of its verdict. */
export type TaskKey = { organization_id: string; api_key_id: string };
export type NamedTask = TaskKey & { name: string };
/** `ttl_seconds`: how long it lasts; what the product file says, if not given. */
export type TakeTask = NamedTask & { ttl_seconds?: number | undefined };

/** A named lease, which ends when it is released, at `expires_at`, or with its key. */
export type Task = { name: string; api_key_id: string; taken_at: string; expires_at: string };

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
