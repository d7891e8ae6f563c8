import type { Request } from 'express';
import type { IncomingMessage } from 'node:http';

/** A user with a session, or an application that acts for them. */
export type UserCaller = {
  kind: 'user';
  organizationId: string;
  userId: string;
  sessionId: string;
  /** The application of WorkOS Connect that acts for the user; `sessionId` is then their consent, not a session. */
  applicationId?: string;
  /** The token's times; its session may be older, and live longer. */
  issuedAt: Date;
  expiresAt: Date;
  role: string | undefined;
  /** The person who acts as this user through WorkOS's impersonation, if any. */
  impersonator?: string | undefined;
  scopes: ReadonlySet<string>;
};

export type MachineCaller = {
  kind: 'machine';
  organizationId: string;
  clientId: string;
  scopes: ReadonlySet<string>;
};

export type ApiKeyCaller = {
  kind: 'api_key';
  organizationId: string;
  keyId: string;
  environment: 'live' | 'test';
  label: string;
  permissionSet: string | undefined;
  /** The owner of a personal key. */
  ownerUserId: string | undefined;
  /** The record is from memory that may be out of date. */
  stale: boolean;
  scopes: ReadonlySet<string>;
};

/** A CI job that a policy of the organization trusts. */
export type CiCaller = {
  kind: 'ci';
  organizationId: string;
  policyId: string;
  /** The job's CI session; undefined while it exchanges its token. */
  sessionId: string | undefined;
  scopes: ReadonlySet<string>;
};

/** A service of the product itself, by its service token; it belongs to no organization. `name`: of a token for staff. */
export type ServiceCaller = {
  kind: 'service';
  tokenId: string;
  name?: string | undefined;
  scopes: ReadonlySet<string>;
};

/** Staff of the product who act for one organization, through a service whose token is for staff. */
export type StaffCaller = {
  kind: 'staff';
  organizationId: string;
  tokenName: string;
  /** The person, as the service states it. */
  staffId: string | undefined;
  /** The sets whose keys staff may create, see and revoke. */
  permissionSets: readonly string[];
  scopes: ReadonlySet<string>;
};

export type TenantCaller = UserCaller | MachineCaller | ApiKeyCaller;
/** A caller that belongs to an organization. */
export type OrganizationCaller = TenantCaller | CiCaller;
/** A caller that acts in an organization: its own, or staff for it. */
export type ActingCaller = OrganizationCaller | StaffCaller;
export type Caller = OrganizationCaller | ServiceCaller;

/** Returns the caller's stable id for audit events and logs; never a secret. */
export function callerId(caller: Caller | StaffCaller): string {
  switch (caller.kind) {
    case 'user':
      return caller.userId;
    case 'machine':
      return caller.clientId;
    case 'api_key':
      return caller.keyId;
    case 'ci':
      return caller.policyId;
    case 'service':
      return caller.tokenId;
    case 'staff':
      return caller.tokenName;
  }
}

/** The network origin of a request. */
export type CallerOrigin = { ip: string | undefined; userAgent: string | undefined };

const MAX_USER_AGENT = 256;

export function originOf(req: Request): CallerOrigin {
  return originAt(req, req.ip);
}

/** @param ip the client's address */
export function originAt({ headers }: Pick<IncomingMessage, 'headers'>, ip: string | undefined): CallerOrigin {
  return { ip, userAgent: headers['user-agent']?.slice(0, MAX_USER_AGENT) };
}
