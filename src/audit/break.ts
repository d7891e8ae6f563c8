/** The least access that can have caused a break. */
const OWNER = 'the owner of the database';
const ROLE = "the application's role when it was added, or the owner of the database";
const UNTIL_CLOSED = "the owner of the database, or until the upgrade is closed the application's role";
const SECRET = 'the owner of the database; with LATCHKEY_SECRET where its links have a key';
const FILE = 'anyone who can write where the seals are kept';

/**
 * A place where the log is broken. In a chain, `sequence` to `until` are events of the organization. Among the seals, which
 * belong to no organization, they are numbers of seals.
 */
export type Break = {
  kind: BreakKind;
  organizationId: string | undefined;
  sequence: number;
  until: number;
  id: string | undefined;
};

export type BreakKind = keyof typeof DESCRIPTIONS;

const DESCRIPTIONS = {
  changed: ['changed: it is not what followed the event before it', ROLE],
  unknown_key: ['its key is of a secret that was not given, or of none', ROLE],
  unkeyed: ['its link has no key, though the upgrade is closed', OWNER],
  unproven: ['its link has no key, after events that have one: the previous release, or forged', ROLE],
  inserted: ['inserted: it was never part of the chain', UNTIL_CLOSED],
  missing: ['missing', OWNER],
  shortened: ['missing from the end of the chain', OWNER],
  end_changed: ["changed: the end of the chain is not the last event's", UNTIL_CLOSED],
  end_missing: ['is the last, and the record of the end of the chain is missing', UNTIL_CLOSED],
  cut: ['missing: they were sealed', OWNER],
  removed: ['missing with the whole organization: they were sealed', OWNER],
  rewritten: ['not what was sealed: rewritten', SECRET],
  export_missing: ['missing: WorkOS Audit Logs have them', OWNER],
  export_removed: ['missing with the whole organization: WorkOS Audit Logs have them', OWNER],
  export_differs: [
    'not what WorkOS Audit Logs have: rewritten',
    `${SECRET}; or anyone who can write to WorkOS Audit Logs`,
  ],
  mark: ['marked as sealed, and in none of the seals', `${FILE}, or the application's role`],
  seals_forged: ['signed by none of the keys', FILE],
  seals_missing: ['missing', FILE],
  seals_behind: ['missing from the end: the database counted them', `${FILE}, or the application's role`],
  seals_forked: ['followed by two rows of seals: the database was set back, as from a backup', OWNER],
  seals_stale: ['the newest, and older than it may be', `${FILE} and ${OWNER}; or no worker runs`],
  closing_missing: ['missing of those that closed the upgrade, or forged', OWNER],
} as const satisfies Record<string, readonly [string, string]>;

/** Describes a break in one line: where, what, and the least access that can have caused it. */
export function describeBreak({ kind, organizationId, sequence, until, id }: Break): string {
  const [what, by] = DESCRIPTIONS[kind];
  const noun = organizationId === undefined ? 'seal' : 'event';
  const range = until > sequence ? `${noun}s ${sequence} to ${until}` : `${noun} ${sequence}`;
  return [organizationId ?? 'seals', range, ...(id === undefined ? [] : [id]), what, `by ${by}`].join('  ');
}
