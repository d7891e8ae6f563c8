import type { Knex } from 'knex';
import type { makeFindKey } from '../../api-keys/find-key.ts';
import type { Clock } from '../../clock.ts';
import type { Route } from '../../http/route.ts';
import type { Product } from '../../product/product.ts';
import { makeFindHolder } from '../../tasks/find-holder.ts';
import { makeTakeTask } from '../../tasks/take-task.ts';
import { makeTaskRepository } from '../../tasks/task-repository.ts';
import { taskRoutes } from '../../tasks/task-routes.ts';

type Deps = {
  db: Knex;
  findKey: ReturnType<typeof makeFindKey>;
  product: Pick<Product, 'tasks'>;
  clock: Clock;
};

/** The routes of tasks, where the product has them. */
export function makeTaskRoutes({ product, ...deps }: Deps): Route[] {
  const { tasks: rules } = product;
  if (!rules) return [];
  const tasks = makeTaskRepository(deps.db);
  const findHolder = makeFindHolder({ ...deps, per: rules.per });
  const takeTask = makeTakeTask({ ...deps, findHolder, tasks, max: rules.max });
  return taskRoutes({ ...deps, rules, findHolder, tasks, takeTask });
}
