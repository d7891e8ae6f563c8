import { AppError } from '../errors.ts';

/** What counts tasks together: a key with its rotations, a person, or the keys of an organization itself. */
export type Holder = { organizationId: string; id: string };

export type Task = {
  name: string;
  /** WorkOS's id of the key that took it last. */
  keyId: string;
  takenAt: Date;
  expiresAt: Date;
};

/** `seconds`: its lifetime, which a renewal repeats. */
export type HeldTask = Holder & Task & { seconds: number };

/** Seconds that a renewal gives: those asked for, else those that the task has, else the usual; never more than the longest. */
export type Lifetime = { seconds: number | undefined; usual: number; longest: number };

/** Names of tasks that an error shows. */
const MAX_NAMES = 100;

export function taskNotFound(): AppError {
  return new AppError('task_not_found', 'This key or its owner holds no such task, or the task has expired.');
}

/** @param tasks those that are held, the first to expire first */
export function taskLimitReached(limit: number, tasks: readonly Task[], now: Date): AppError {
  const nextMs = (tasks[0]?.expiresAt.getTime() ?? 0) - now.getTime();
  const message = `At most ${limit} tasks run at a time. Wait until one ends, or release one.`;
  return new AppError('task_limit_reached', message, {
    details: {
      limit,
      tasks: tasks.slice(0, MAX_NAMES).map(({ name }) => name),
      retry_after: Math.max(1, Math.ceil(nextMs / 1_000)),
    },
  });
}
