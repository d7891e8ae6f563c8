import type { WorkosKey, WorkosMember, WorkosOrganization, WorkosRole } from './entities.ts';
import type { WorkosEvent } from './events/event.ts';
import type { UnreadableEvent } from './events/read-event.ts';

/** A new key. No other answer of WorkOS has its secret, `value`. */
export type IssuedKey = { id: string; value: string; obfuscatedValue: string };

export type NewOrganizationKey = {
  organizationId: string;
  name: string;
  permissions: readonly string[];
  expiresAt: Date | undefined;
};

export type NewUserKey = NewOrganizationKey & { userId: string };

/** `name` is undefined when WorkOS has none. */
export type WorkosUser = {
  id: string;
  email: string;
  name: string | undefined;
  /** The product's own id of the person. */
  externalId?: string | undefined;
};
export type WorkosMembership = {
  organizationId: string;
  organizationName: string | undefined;
  role: string | undefined;
};

/** The person's address and browser. */
type SignInFrom = { ip: string | undefined; userAgent: string | undefined };
/**
 * The outcome of a sign-in: a session, a choice between several organizations, or a rejection with WorkOS's own code.
 */
export type SignInAnswer =
  | { kind: 'signed_in'; accessToken: string; refreshToken: string; user: Pick<WorkosUser, 'id' | 'email'> }
  | { kind: 'choice'; pendingToken: string; organizations: { id: string; name: string }[] }
  | { kind: 'refused'; code: string };

/** An event for WorkOS Audit Logs, which keep one event per id however often it is sent. */
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

/** The schema of an action's events. `metadata`: the type of each entry that all of them have. */
export type AuditLogSchema = {
  action: string;
  targets: readonly string[];
  metadata: Readonly<Record<string, 'string' | 'number' | 'boolean'>>;
};
export type AuditLogAction = { action: string; version: number; targets: readonly string[] };

/** Where to read events from: behind one that was read, or a range of at most 30 days. */
export type EventsFrom = { after: string } | { rangeStart: Date; rangeEnd: Date | undefined };
/**
 * `after` is the cursor for the next page, undefined after an empty one; `more` says whether a next page exists already;
 * `others` counts events of kinds that were not asked for.
 */
/** The refresh token may be missing from a session that another application sealed. */
export type SessionTokens = { accessToken: string; refreshToken: string | undefined };
export type SignInRequest = {
  redirectUri: string;
  state: string;
  codeChallenge: string;
  organizationId: string | undefined;
};

export type EventsPage = {
  events: WorkosEvent[];
  unreadable: UnreadableEvent[];
  others: number;
  after: string | undefined;
  more: boolean;
};

/**
 * Every call that Latchkey makes to WorkOS. Each has a deadline and a budget of attempts, and throws a `WorkosFailure`,
 * which says whether WorkOS may have done the work.
 */
export type WorkosGateway = {
  /** @throws WorkosFailure while calls would fail anyway: the breaker is open, or a hold-off lasts */
  assertCallable(): Promise<void>;
  /** Milliseconds that the hold-off still lasts, as far as this process knows; 0 for a gateway that waits it out. */
  heldMs(): number;
  createOrganizationKey(key: NewOrganizationKey): Promise<IssuedKey>;
  /** The same for a personal key, whose owner must be an active member. */
  createUserKey(key: NewUserKey): Promise<IssuedKey>;
  /** Deletes a key. Succeeds also when WorkOS does not have it. */
  deleteKey(workosId: string): Promise<void>;
  /**
   * Sets the expiry of a key; undefined means never, a past time expires it at once. Succeeds also for a key that is gone
   * or has expired.
   * @returns the key's `updated_at`, as events on it have it; undefined for a key that is gone or has expired
   */
  expireKey(workosId: string, expiresAt: Date | undefined): Promise<Date | undefined>;
  /** Finds the key of a secret; undefined when there is none, or it is no longer good. */
  validateKey(value: string): Promise<WorkosKey | undefined>;
  /** Streams the organization's own keys, newest first; none for an organization that WorkOS does not know. */
  listOrganizationKeys(organizationId: string): AsyncIterable<WorkosKey>;
  /** Streams a person's keys in an organization, newest first; none for a person whom WorkOS does not know. */
  listUserKeys(organizationId: string, userId: string): AsyncIterable<WorkosKey>;
  /** @returns undefined when there is none */
  findOrganizationByExternalId(externalId: string): Promise<WorkosOrganization | undefined>;
  /** What the product keeps with an organization; empty for one that WorkOS does not know. */
  organizationMetadata(organizationId: string): Promise<Readonly<Record<string, string>>>;
  /** @throws WorkosFailure when another organization has the external id */
  createOrganization(organization: { name: string; externalId: string }): Promise<WorkosOrganization>;
  /** Streams every organization, newest first. */
  listOrganizations(): AsyncIterable<WorkosOrganization>;
  /** Reads a page of events, oldest first. */
  listEvents(from: EventsFrom): Promise<EventsPage>;
  createAuditEvent(entry: AuditLogEntry): Promise<void>;
  /** The actions that Audit Logs know, each with its latest schema. */
  listAuditActions(): AsyncIterable<AuditLogAction>;
  /** @returns the version that the schema is */
  createAuditSchema(schema: AuditLogSchema): Promise<number>;
  getUser(userId: string): Promise<WorkosUser>;
  /** Returns the e-mail address of the person with this external id; undefined when there is none. */
  findUserEmail(externalId: string): Promise<string | undefined>;
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
  /** Redeems an authorization code, which works once. */
  signInWithCode(proof: { code: string; codeVerifier: string } & SignInFrom): Promise<SignInAnswer>;
  chooseOrganization(choice: { pendingToken: string; organizationId: string } & SignInFrom): Promise<SignInAnswer>;
  /** Uses the refresh token up. */
  refreshSession(
    session: { refreshToken: string; organizationId: string | undefined } & SignInFrom,
  ): Promise<SignInAnswer>;
  /** Ends a session; one that is over, or that WorkOS does not have, counts as ended. */
  revokeSession(sessionId: string): Promise<void>;
  /** The address of AuthKit's sign-in page, which sends the person back to `redirectUri` with a code. */
  signInUrl(request: SignInRequest): string;
  /** The address that ends the session in AuthKit's own cookie, and sends the person on to `returnTo`. */
  signOutUrl(session: { sessionId: string; returnTo: string }): string;
  /** Seals data with the cookie password, as AuthKit's libraries do. @param ttlMs how long the seal is good; 0: for ever */
  seal(data: object, ttlMs: number): Promise<string>;
  /** Unseals data; `undefined`, or nothing in it, when it is not of our password or no longer good. */
  unseal(sealed: string): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** The tokens inside a sealed AuthKit session; `undefined` when it was not sealed with our password. */
  unsealSession(sealed: string): Promise<SessionTokens | undefined>;
  /** Whether WorkOS answers at all. */
  isReachable(): Promise<boolean>;
};

/** The calls about keys, which the live and the test environment have alike. */
export type KeyGateway = Pick<
  WorkosGateway,
  | 'assertCallable'
  | 'heldMs'
  | 'createOrganizationKey'
  | 'createUserKey'
  | 'deleteKey'
  | 'expireKey'
  | 'validateKey'
  | 'listOrganizationKeys'
  | 'listUserKeys'
  | 'listEvents'
>;
