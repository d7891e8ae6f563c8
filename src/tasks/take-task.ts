import type { Knex } from 'knex';
import { statusOf } from '../api-keys/key.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import { invalidFields } from '../http/validate.ts';
import type { FindHolder } from './find-holder.ts';
import { taskLimitReached } from './task.ts';
import type { Task } from './task.ts';
import { lockHolder } from './task-repository.ts';
import type { TaskRepository } from './task-repository.ts';

type Deps = {
  db: Knex;
  findHolder: FindHolder;
  tasks: Pick<TaskRepository, 'dropEnded' | 'put' | 'list'>;
  /** Most tasks of one holder. */
  max: number;
  clock: Clock;
};

export type WantedTask = { organizationId: string; keyId: string; name: string; seconds: number };

/**
 * Takes a task for a usable key. Takes of one holder wait for each other, on every replica, so that no more than the limit
 * are ever held. The holder's task of the same name is renewed, and counts once.
 * @throws AppError `api_key_not_found`, `validation_error` for a key that is not active, `task_limit_reached`
 */
export function makeTakeTask({ db, findHolder, tasks, max, clock }: Deps) {
  return async function takeTask({ organizationId, keyId, name, seconds }: WantedTask): Promise<Task> {
    const { key, holder } = await findHolder(organizationId, keyId);
    const status = statusOf(key, clock());
    if (status !== 'active') throw invalidFields({ api_key_id: `This key is ${status}.` });
    return transaction(db, async (trx) => {
      await lockHolder(trx, holder);
      const now = clock();
      await tasks.dropEnded(trx, holder, now);
      const expiresAt = new Date(now.getTime() + seconds * 1_000);
      const taken = await tasks.put(trx, { ...holder, name, keyId, takenAt: now, seconds, expiresAt }, max);
      if (!taken) throw taskLimitReached(max, await tasks.list(holder, now, trx), now);
      return taken;
    });
  };
}
