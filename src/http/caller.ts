import type { Request } from 'express';

/** Who makes a request, and for which organization. */
export type UserCaller = {
  kind: 'user';
  organizationId: string;
  userId: string;
  sessionId: string;
  /** The application of WorkOS Connect that acts for the person; its `sessionId` is their consent, and no session. */
  applicationId?: string;
  /** Of the token; its session may be older, and live longer. */
  issuedAt: Date;
  expiresAt: Date;
  role: string | undefined;
  /** Who acts as this person, if that is somebody else. */
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
  /** Whose key it is, if a person's. */
  ownerUserId: string | undefined;
  /** Known from memory that may not be believed. */
  stale: boolean;
  scopes: ReadonlySet<string>;
};

/** A service of the product itself, holding a service token: it belongs to no organization. */
export type ServiceCaller = { kind: 'service'; tokenId: string; scopes: ReadonlySet<string> };

export type TenantCaller = UserCaller | MachineCaller | ApiKeyCaller;
export type Caller = TenantCaller | ServiceCaller;

/** The stable name of a caller in audit events and logs; never a secret. */
export function callerId(caller: Caller): string {
  switch (caller.kind) {
    case 'user':
      return caller.userId;
    case 'machine':
      return caller.clientId;
    case 'api_key':
      return caller.keyId;
    case 'service':
      return caller.tokenId;
  }
}

/** Where a request came from. */
export type CallerOrigin = { ip: string | undefined; userAgent: string | undefined };

const MAX_USER_AGENT = 256;

export function originOf(req: Request): CallerOrigin {
  return { ip: req.ip, userAgent: req.get('user-agent')?.slice(0, MAX_USER_AGENT) };
}
