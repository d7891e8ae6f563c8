/** An item that its loop set aside again and again. */
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
  /** Oldest names first, `limit` at most. */
  list(filter: DeadLetterFilter): Promise<DeadLetter[]>;
  /** Makes the item due now, as if it had never failed. @returns whether there is such a dead letter */
  retry(item: string): Promise<boolean>;
  /** How many there are, counted up to a bound. */
  count(): Promise<number>;
};

/**
 * Work beside the requests, repeated on any number of replicas. A loop that works on one item after the other sets aside
 * what fails and shows it as `items`. A loop without items says in `bulk` why nothing in it can hold up the rest.
 */
export type Loop = {
  name: string;
  everyMs: number;
  step: (signal: AbortSignal) => Promise<void>;
  /** How long the oldest due work has waited; without it, how long ago this process last completed a step. */
  lagSeconds?: () => Promise<number>;
} & ({ items: DeadLetters } | { bulk: string });
