import type { WorkosKey, WorkosMember, WorkosOrganization, WorkosRole } from './entities.ts';
import type { WorkosEvent } from './events/event.ts';
import type { UnreadableEvent } from './events/read-event.ts';

/** A key as WorkOS issues it: the only time that its secret is seen. */
export type IssuedKey = { id: string; value: string; obfuscatedValue: string };

export type NewOrganizationKey = {
  organizationId: string;
  name: string;
  permissions: readonly string[];
  expiresAt: Date | undefined;
};

export type NewUserKey = NewOrganizationKey & { userId: string };

export type WorkosUser = { id: string; email: string };
export type WorkosMembership = {
  organizationId: string;
  organizationName: string | undefined;
  role: string | undefined;
};

/** Where a person signs in from. */
type SignInFrom = { ip: string | undefined; userAgent: string | undefined };
/**
 * What comes of a sign-in: a session, the question for which of several organizations it is to be, or a refusal with
 * WorkOS's own code.
 */
export type SignInAnswer =
  | { kind: 'signed_in'; accessToken: string; refreshToken: string; user: WorkosUser }
  | { kind: 'choice'; pendingToken: string; organizations: { id: string; name: string }[] }
  | { kind: 'refused'; code: string };

/** What happened, for WorkOS Audit Logs, where its id makes it one event however often it is sent. */
export type AuditLogEntry = {
  id: string;
  organizationId: string;
  action: string;
  occurredAt: string;
  actor: { type: string; id: string };
  target: { type: string; id: string };
  location: string;
  metadata: Readonly<Record<string, string | number | boolean>>;
};

/** How events of an action look. `metadata`: the type of each entry that all of them have. */
export type AuditLogSchema = {
  action: string;
  targets: readonly string[];
  metadata: Readonly<Record<string, 'string' | 'number' | 'boolean'>>;
};
export type AuditLogAction = { action: string; version: number; targets: readonly string[] };

/** From where events are read: behind one that was read, or from a time on, at most 30 days of them. */
export type EventsFrom = { after: string } | { rangeStart: Date; rangeEnd: Date | undefined };
/**
 * `after` is behind what to read on, undefined when nothing was there; `more` whether there is more by now; `others` how
 * many events are of kinds that nobody asked for.
 */
export type EventsPage = {
  events: WorkosEvent[];
  unreadable: UnreadableEvent[];
  others: number;
  after: string | undefined;
  more: boolean;
};

/**
 * What Latchkey asks of WorkOS. Every call has a deadline and a budget of tries; each throws `WorkosFailure`, which
 * says whether the work may have been done.
 */
export type WorkosGateway = {
  /** Before work that would be in vain: throws while WorkOS would not be asked, as it is down or wants fewer requests. */
  refuseInVain(): Promise<void>;
  /** For how many milliseconds WorkOS wants to be left alone, as far as is known here; 0 for calls that sit that out. */
  heldMs(): number;
  createOrganizationKey(key: NewOrganizationKey): Promise<IssuedKey>;
  /** The same for a key of a person, who must be an active member. */
  createUserKey(key: NewUserKey): Promise<IssuedKey>;
  /** Deletes a key. One that WorkOS does not have counts as deleted. */
  deleteKey(workosId: string): Promise<void>;
  /**
   * Sets when a key ends, undefined: never; a time that has passed ends it at once. A key that is gone or has ended
   * counts as done.
   * @returns when the key changed, as WorkOS's events on it say; undefined for one that is gone or has ended
   */
  expireKey(workosId: string, expiresAt: Date | undefined): Promise<Date | undefined>;
  /** Whose key a secret is; undefined when it is nobody's, or no longer good. */
  validateKey(value: string): Promise<WorkosKey | undefined>;
  /** The organization's own keys, newest first, page by page; none for an organization that WorkOS does not know. */
  listOrganizationKeys(organizationId: string): AsyncIterable<WorkosKey>;
  /** A person's own keys in an organization, likewise; none for a person whom WorkOS does not know. */
  listUserKeys(organizationId: string, userId: string): AsyncIterable<WorkosKey>;
  /** Undefined when there is none. */
  findOrganizationByExternalId(externalId: string): Promise<WorkosOrganization | undefined>;
  /** WorkOS refuses an external id that is another's. */
  createOrganization(organization: { name: string; externalId: string }): Promise<WorkosOrganization>;
  /** Every organization, newest first, page by page. */
  listOrganizations(): AsyncIterable<WorkosOrganization>;
  /** What happened, oldest first. */
  listEvents(from: EventsFrom): Promise<EventsPage>;
  createAuditEvent(entry: AuditLogEntry): Promise<void>;
  /** The actions that Audit Logs know, each with its latest schema. */
  listAuditActions(): AsyncIterable<AuditLogAction>;
  /** @returns the version that the schema is */
  createAuditSchema(schema: AuditLogSchema): Promise<number>;
  getUser(userId: string): Promise<WorkosUser>;
  /** The person's active memberships, at most 100. */
  listMemberships(userId: string): Promise<WorkosMembership[]>;
  /** A person's place in an organization, active or not; undefined when there is none. */
  findMember(
    organizationId: string,
    userId: string,
  ): Promise<(WorkosMember & { email: string | undefined }) | undefined>;
  /** A role that applies to an organization, its own or every organization's; undefined when there is none. */
  findRole(organizationId: string, slug: string): Promise<WorkosRole | undefined>;
  signIn(proof: { email: string; password: string } & SignInFrom): Promise<SignInAnswer>;
  chooseOrganization(choice: { pendingToken: string; organizationId: string } & SignInFrom): Promise<SignInAnswer>;
  /** Uses the refresh token up. */
  refreshSession(
    session: { refreshToken: string; organizationId: string | undefined } & SignInFrom,
  ): Promise<SignInAnswer>;
  /** Ends a session; one that is over, or that WorkOS does not have, counts as ended. */
  revokeSession(sessionId: string): Promise<void>;
  /** The access token inside a sealed AuthKit session; `undefined` when it was not sealed with our password. */
  unsealSession(sealed: string): Promise<string | undefined>;
  /** Whether WorkOS answers at all. */
  isReachable(): Promise<boolean>;
};
