/** What a link of the chain covers: every column of an audit event except those of the link itself. */
export type Link = {
  organizationId: string;
  sequence: number;
  id: string;
  occurredAt: Date;
  action: string;
  actor: { kind: string; id: string };
  target: { kind: string; id: string };
  requestId: string | undefined;
  ip: string | undefined;
  details: Readonly<Record<string, unknown>>;
};

/** The hash before the first event of an organization. */
export const CHAIN_START = Buffer.alloc(32);
