/** One or more verifications of a key with the same outcome. */
export type Use = {
  organizationId: string;
  keyId: string;
  /** The verdict's code. */
  code: string;
  /** Calendar time. */
  atMs: number;
  count: number;
  /** The address of the client, if it is known. */
  ip: string | undefined;
  userAgent: string | undefined;
  /** The scopes that it required. */
  scopes?: readonly string[] | undefined;
};

/** Adds a use to memory, to be written in a batch. Never waits, never throws. */
export type NoteUse = (use: Use) => void;
