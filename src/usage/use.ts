/** One or more verifications of a key with the same outcome. */
export type Use = {
  organizationId: string;
  keyId: string;
  /** The verdict's code. */
  code: string;
  /** On the clock of the calendar. */
  atMs: number;
  count: number;
  /** Where the request came from, if that was told. */
  ip: string | undefined;
  userAgent: string | undefined;
};

/** Remembers a use in memory; what is remembered is written in batches. Never waits, never throws. */
export type NoteUse = (use: Use) => void;
