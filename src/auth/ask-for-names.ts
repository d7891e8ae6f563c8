import { WorkosFailure } from '../workos/failure.ts';
import type { WorkosGateway } from '../workos/gateway.ts';
import type { PersonNames } from './person-names.ts';

type Deps = {
  names: Pick<PersonNames, 'wanted' | 'remember'>;
  workos: Pick<WorkosGateway, 'getUser' | 'heldMs'>;
  /** Takes a call from the budget. @returns whether there was one */
  mayAsk: () => boolean;
};

/** Asks WorkOS for the names that were missing, within a budget; the rest waits for the next run. */
export function makeAskForNames({ names, workos, mayAsk }: Deps) {
  return async function askForNames(signal: AbortSignal): Promise<void> {
    for (const id of names.wanted()) {
      if (signal.aborted || workos.heldMs() > 0 || !mayAsk()) return;
      try {
        names.remember(await workos.getUser(id));
      } catch (error) {
        if (!(error instanceof WorkosFailure)) throw error;
        // An outage: this name and the others stay missing until a later run.
        if (error.kind !== 'rejected') return;
        names.remember({ id, name: undefined });
      }
    }
  };
}
