import type { Environment } from '../../api-keys/key.ts';
import type { WorkosKey } from '../../workos/entities.ts';

/** One environment of WorkOS as the reconciliation reads it, by live organization ids. */
export type Side = {
  environment: Environment;
  /** Streams the organizations to compare, or only the named one. */
  organizations: (only: string | undefined) => AsyncIterable<string>;
  /** @throws WorkosFailure */
  of: (organizationId: string) => Promise<OrganizationThere>;
  /** Whether WorkOS knows any organization of the mirror. If not, the API key may be of another environment. */
  knowsAny: () => Promise<boolean>;
};

export type OrganizationThere = {
  /** Streams all its keys, newest first; each call starts at the beginning. */
  keys: () => AsyncIterable<WorkosKey>;
  /** Runs after its keys were compared and repaired. */
  finish: (isSameWorkos: () => Promise<boolean>) => Promise<void>;
};
