/** An item that its loop failed on again and again. */
export type DeadLetter = {
  loop: string;
  /** The loop's own name for the item. */
  item: string;
  organizationId: string | undefined;
  attempts: number;
  deadAt: Date;
  lastFailure: string;
};

export type DeadLetterFilter = { organizationId: string | undefined; limit: number };

/** The dead letters of one loop. */
export type DeadLetters = {
  /** Lists by name, `limit` at most. */
  list(filter: DeadLetterFilter): Promise<DeadLetter[]>;
  /** Makes the item due now, as if it had never failed. @returns whether there is such a dead letter */
  retry(item: string): Promise<boolean>;
  /** Counts them, up to a bound. */
  count(): Promise<number>;
};

/**
 * Background work that is repeated on any number of replicas. A loop over items sets aside those that fail, and shows them
 * as `items`. A loop without items says in `bulk` why no part of its work can hold up the rest.
 */
export type Loop = {
  name: string;
  everyMs: number;
  step: (signal: AbortSignal) => Promise<void>;
  /** Runs also while the mirror is behind WorkOS, because it reads what is missing. */
  catchesUp?: boolean;
  /** Returns how long the oldest due work has waited; by default the time since this replica's last step counts. */
  lagSeconds?: () => Promise<number>;
} & ({ items: DeadLetters } | { bulk: string });
