import type { z } from 'zod';
import type { AppError, ErrorCode } from '../errors.ts';
import type {
  ApiKeyCaller,
  CallerOrigin,
  MachineCaller,
  OrganizationCaller,
  ServiceCaller,
  TenantCaller,
  UserCaller,
} from './caller.ts';
import type { ErrorForm } from './envelope.ts';
import { actOf } from './impersonation.ts';
import type { ImpersonatedAct } from './impersonation.ts';

/** What a request does to a tenant, in the eyes of billing: only `create` needs an active posture by default. */
export type BillingClass = 'create' | 'wind_down' | 'read';

export type RequestContext = {
  requestId: string;
  /** The HTTP method, in capitals. */
  method: string;
  ip: string | undefined;
  userAgent: string | undefined;
  /** The client's `Idempotency-Key`, on routes that take one. */
  idempotencyKey: string | undefined;
  /** The `Last-Event-ID` with which a client resumes a stream. */
  lastEventId: string | undefined;
  /** The sender's own id of a webhook, if it is in a header. */
  messageId: string | undefined;
  setHeader(name: string, value: string): void;
  /** Calls `then` once if the client disconnects before the answer is sent. */
  ifUnsent(then: () => void): void;
  /** Returns a header of the request. */
  header(name: string): string | undefined;
  /** Adds fields to the request's line in the access log. */
  describe(fields: Readonly<Record<string, string>>): void;
};

type Input<C, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> = {
  caller: C;
  params: z.output<P>;
  query: z.output<Q>;
  body: z.output<B>;
  context: RequestContext;
};

type Definition<C, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType> = {
  operationId: string;
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** OpenAPI form, parameters in braces: `/v1/api-keys/{id}`. */
  path: `/${string}`;
  tag: string;
  summary: string;
  description?: string;
  params?: P;
  query?: Q;
  body?: B;
  /** The longest body; 64 KiB by default. */
  maxBodyBytes?: number;
  /** The status and schema of the only successful answer. */
  responses: Readonly<Record<number, R>>;
  /** Whether it may answer nothing, with 204, instead. */
  mayBeEmpty?: true;
  /** Whether the route takes an `Idempotency-Key`. */
  idempotent?: boolean;
  /** A fast path answers the usual requests; this route answers the rest with the same bytes. */
  fastPath?: true;
  /** Returns what `handle` answers an API key, from memory alone and without input; a fast path then answers it. */
  fromMemory?(caller: ApiKeyCaller, ip: string | undefined): z.input<R>;
  /** Error codes beyond those that access, body and billing class imply. */
  errors: readonly ErrorCode[];
  handle(input: Input<C, P, Q, B>): Promise<z.input<R>>;
};

type TenantAccess = {
  /** The caller needs one of these scopes; empty: any caller of the organization. */
  scope: readonly string[];
  billing: BillingClass;
  /** The kinds of callers that may use the route; people, machines and API keys by default. */
  callers?: readonly TenantCaller['kind'][];
  /** The act that an impersonator needs permission for; by default it follows from the billing class. */
  impersonated?: ImpersonatedAct | 'always';
};

export type Access =
  | ({ kind: 'tenant' } & Required<Omit<TenantAccess, 'callers'>> & {
        callers: readonly OrganizationCaller['kind'][];
      })
  /** With `machines`, a machine token may use the route too, for its own organization. */
  | { kind: 'service'; scope: readonly string[]; machines: boolean }
  /** For a proxy, about the API key, or with `?sessions=true` the session, of the request that it holds. */
  | { kind: 'forwarded'; findKey: FindForwardedKey }
  | ({ kind: 'signed' } & SignedAccess)
  | { kind: 'public' };

/** Finds a presented key. @throws AppError for a key that is good for nothing */
export type FindForwardedKey<K extends ApiKeyCaller = ApiKeyCaller> = (
  presented: string,
  from: CallerOrigin,
) => Promise<K>;

type Header = (name: string) => string | undefined;
/** The sender, the header of its signature, and the name and description that the documents give it. */
type SignatureScheme = { name: string; sender: string; header: string; description: string };

/** Authenticates a request by a signature over its body. */
export type SignedAccess = {
  /** One for each sender. A request has the signature of one of them. */
  schemes: readonly [SignatureScheme, ...SignatureScheme[]];
  /** Checks the raw body; a signature may cover other headers, too. */
  verify: (body: Buffer, signature: string, header: Header) => Promise<boolean>;
  /** Called for every request that is answered 4xx, whatever the reason. */
  refused?: (error: AppError, context: Pick<RequestContext, 'requestId'> & { header: Header }) => void;
};

/** A route with its generic types erased, for the mount and the OpenAPI document. */
export type Route = Omit<Definition<never, z.ZodType, z.ZodType, z.ZodType, z.ZodType>, 'handle' | 'fromMemory'> & {
  access: Access;
  /** How its errors are answered; Latchkey's own way by default. */
  errorForm?: ErrorForm;
  /** Answers requests with a cookie and no other credential alone; others find nothing there, and no document has it. */
  cookieOnly?: true;
  /** Refuses a caller of another organization than the request's host names. @throws AppError `permission_denied` */
  assertHost?: (hostname: string, caller: OrganizationCaller) => Promise<void>;
  fromMemory?(caller: ApiKeyCaller, ip: string | undefined): unknown;
  handle(input: Input<unknown, z.ZodType, z.ZodType, z.ZodType>): Promise<unknown>;
};

const TENANT_CALLERS = ['user', 'machine', 'api_key'] as const;

/** A route for callers of an organization, which always comes from the credential. */
export function tenantRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
  definition: Definition<TenantCaller, P, Q, B, R> & TenantAccess,
): Route {
  const { scope, billing, callers = TENANT_CALLERS, impersonated = actOf(billing), ...rest } = definition;
  return erase({ ...rest, access: { kind: 'tenant', scope, billing, callers, impersonated } });
}

/** A route for callers of an organization, and for CI sessions besides. */
export function tenantOrCiRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
  definition: Definition<OrganizationCaller, P, Q, B, R> & TenantAccess,
): Route {
  const { scope, billing, callers = TENANT_CALLERS, impersonated = actOf(billing), ...rest } = definition;
  return erase({ ...rest, access: { kind: 'tenant', scope, billing, callers: [...callers, 'ci'], impersonated } });
}

/** A route for the product's own services, which hold service tokens. */
export function serviceRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
  definition: Definition<ServiceCaller, P, Q, B, R> & { scope: readonly string[] },
): Route {
  const { scope, ...rest } = definition;
  return erase({ ...rest, access: { kind: 'service', scope, machines: false } });
}

/** A route for service tokens and machine tokens. */
export function serviceOrMachineRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
>(definition: Definition<ServiceCaller | MachineCaller, P, Q, B, R> & { scope: readonly string[] }): Route {
  const { scope, ...rest } = definition;
  return erase({ ...rest, access: { kind: 'service', scope, machines: true } });
}

/**
 * A route that a proxy asks about a request, and that decides itself on the credential of that request: an API key, or with
 * `?sessions=true` also a person's session. It takes any method, since some proxies use the one of the request. With `?map=403`, refusals other than 401 get status 403, for proxies that
 * pass on no other. Their code stays.
 */
export function forwardedRoute<K extends ApiKeyCaller, Q extends z.ZodType, R extends z.ZodType>(
  definition: Definition<K | UserCaller, z.ZodType, Q, z.ZodType, R> & { findKey: FindForwardedKey<K> },
): Route {
  const { findKey, ...rest } = definition;
  return erase({ ...rest, access: { kind: 'forwarded', findKey } });
}

/** A route for webhooks: other systems, which sign the body. */
export function signedRoute<B extends z.ZodType, R extends z.ZodType>(
  definition: Definition<undefined, z.ZodType, z.ZodType, B, R> & { signature: SignedAccess },
): Route {
  const { signature, ...rest } = definition;
  return erase({ ...rest, access: { kind: 'signed', ...signature } });
}

/** A route without a credential. */
export function publicRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
  definition: Definition<undefined, P, Q, B, R>,
): Route {
  return erase({ ...definition, access: { kind: 'public' } });
}

// Safe: the mount gives each handler the kind of caller and the parsed input that its definition declares.
function erase<C, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
  definition: Definition<C, P, Q, B, R> & { access: Access },
): Route {
  return definition;
}

const SIGNED_CODES = ['credential_missing', 'credential_invalid', 'database_unavailable'] as const;
const CALLER_CODES = [
  ...SIGNED_CODES,
  'credential_expired',
  'credential_suspended',
  'permission_denied',
  'ip_not_allowed',
  'workos_unavailable',
  'rate_limited',
] as const;
const IMPLIED_CODES: Record<Access['kind'], readonly ErrorCode[]> = {
  public: [],
  signed: SIGNED_CODES,
  service: CALLER_CODES,
  tenant: CALLER_CODES,
  forwarded: CALLER_CODES,
};

/** Whether callers of the route belong to an organization, which they may name as `organization_id`. */
export function belongsToOrganization({ access }: Pick<Route, 'access'>): boolean {
  return access.kind === 'tenant' || access.kind === 'forwarded';
}

/** Returns the status and schema of the successful answer. */
export function successOf(route: Pick<Route, 'responses' | 'operationId'>): { status: number; schema: z.ZodType } {
  const [entry] = Object.entries(route.responses);
  if (!entry) throw new Error(`${route.operationId} declares no answer`);
  return { status: Number(entry[0]), schema: entry[1] };
}

/** Returns every error code of a route: its own, and those that access, input and billing class imply. */
export function errorCodesOf(route: Route): ReadonlySet<ErrorCode> {
  const codes = new Set<ErrorCode>(['validation_error', 'internal_error', 'payload_too_large', ...route.errors]);
  if (route.body) codes.add('unsupported_media_type');
  for (const code of IMPLIED_CODES[route.access.kind]) codes.add(code);
  // The product's configuration may close any billing class.
  if (belongsToOrganization(route)) codes.add('billing_inactive');
  if (route.idempotent) codes.add('idempotency_key_reused').add('request_in_progress');
  return codes;
}
