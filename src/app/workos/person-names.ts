import { makeAskForNames } from '../../auth/ask-for-names.ts';
import { makePersonNames } from '../../auth/person-names.ts';
import type { Loop } from '../../background/loop.ts';
import type { Config } from '../../config/config.ts';
import type { WorkosGateway } from '../../workos/gateway.ts';
import type { Budgets } from '../api-keys/budgets.ts';

type Deps = {
  config: Pick<Config, 'budgets' | 'role'>;
  budgets: Pick<Budgets, 'names'>;
  workos: Pick<WorkosGateway, 'getUser' | 'heldMs'>;
};

const INTERVAL_MS = 1_000;

/** The names of people, and the loop that asks WorkOS for them in every process that answers requests. */
export function makeNameParts({ config, budgets, workos }: Deps) {
  const names = makePersonNames({ asks: config.budgets.namesPerSecond > 0 });
  const loop: Loop = {
    name: 'person_names',
    everyMs: INTERVAL_MS,
    step: makeAskForNames({ names, workos, mayAsk: budgets.names.turnNow }),
    bulk: 'A person of whom WorkOS has no name is remembered as such, and holds up no other.',
  };
  return { names, nameLoops: config.role === 'worker' ? [] : [loop] };
}
