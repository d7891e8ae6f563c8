import type { Environment } from '../../api-keys/key.ts';
import type { WorkosKey } from '../../workos/entities.ts';

/** One of WorkOS's environments as a reconciliation reads it, in our own organizations' ids. */
export type Side = {
  environment: Environment;
  /** The organizations to compare, or the one that is named. */
  organizations: (only: string | undefined) => AsyncIterable<string>;
  /** @throws WorkosFailure */
  of: (organizationId: string) => Promise<OrganizationThere>;
  /** Whether WorkOS knows any organization of the mirror: keys that are all gone could be those of another environment. */
  knowsAny: () => Promise<boolean>;
};

export type OrganizationThere = {
  /** All its keys, newest first; each time from the beginning. */
  keys: () => AsyncIterable<WorkosKey>;
  /** What is left to do when its keys were compared and mended. */
  finish: (isSameWorkos: () => Promise<boolean>) => Promise<void>;
};
