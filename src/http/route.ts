import type { z } from 'zod';
import type { AppError, ErrorCode } from '../errors.ts';
import type { MachineCaller, ServiceCaller, TenantCaller } from './caller.ts';
import type { ImpersonatedAct } from './impersonation.ts';

/** What a request does to a tenant, as billing sees it: `create` needs an active posture, the others never do. */
export type BillingClass = 'create' | 'wind_down' | 'read';

export type RequestContext = {
  requestId: string;
  /** Of the request, in capitals. */
  method: string;
  ip: string | undefined;
  userAgent: string | undefined;
  /** The client's `Idempotency-Key`, on routes that take one. */
  idempotencyKey: string | undefined;
  /** The last event that the client of a stream has seen before. */
  lastEventId: string | undefined;
  /** The sender's own id of a message, where it is in a header. */
  messageId: string | undefined;
  setHeader(name: string, value: string): void;
  /** Calls `then` once where the answer does not leave, because its client has gone. */
  ifUnsent(then: () => void): void;
  /** Adds to the request's line in the access log. */
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
  /** How long the body may be; 64 KiB unless said. */
  maxBodyBytes?: number;
  /** The one successful answer: its status and its schema. */
  responses: Readonly<Record<number, R>>;
  /** Whether the route takes an `Idempotency-Key`. */
  idempotent?: boolean;
  /** A fast path answers the usual requests; the others are answered with the same bytes. */
  fastPath?: true;
  /** Codes beyond those that the route's own access, body and billing class imply. */
  errors: readonly ErrorCode[];
  handle(input: Input<C, P, Q, B>): Promise<z.input<R>>;
};

type TenantAccess = {
  /** One of these scopes is needed; empty: any caller of the organization. */
  scope: readonly string[];
  /** `itself`: the route judges it, by what is done with the key that it is asked about. */
  billing: BillingClass | 'itself';
  /** Which callers may use the route at all; all three unless said. */
  callers?: readonly TenantCaller['kind'][];
  /** With `?map=403` refusals other than 401 get status 403, for proxies that pass on no other; their code stays. */
  mapsRefusals?: boolean;
  /** An API key may be in the query string of the request that a proxy asks about, if that is for events. */
  keyInForwarded?: boolean;
  /** Any method is as good as the one named: some proxies ask with that of the request they ask about. */
  anyMethod?: boolean;
  /** A test key may ask, and the route judges for itself; elsewhere one acts on nothing. */
  testKeys?: boolean;
  /** What it is to somebody who acts as another; by its billing class unless said, and one that creates must say. */
  impersonated?: ImpersonatedAct | 'always';
};

export type Access =
  | ({ kind: 'tenant' } & Required<TenantAccess>)
  /** With `machines`, a machine token of an organization may use the route too, for its own organization. */
  | { kind: 'service'; scope: readonly string[]; machines: boolean }
  | ({ kind: 'signed' } & SignedAccess)
  | { kind: 'public' };

/** How a request proves itself that carries no credential but a signature over its body. */
export type SignedAccess = {
  /** The name of the scheme in the OpenAPI document. */
  scheme: 'workosSignature' | 'stripeSignature' | 'standardWebhook';
  header: string;
  /** Judges the body as it was sent, byte by byte; a signature may cover other headers, too. */
  verify: (body: Buffer, signature: string, header: (name: string) => string | undefined) => Promise<boolean>;
  /** Told of every request that is answered 4xx, whatever is wrong with it. */
  refused?: (error: AppError, context: Pick<RequestContext, 'requestId'>) => void;
};

/** A route with its generic types erased, as the mount and the OpenAPI document see it. */
export type Route = Omit<Definition<never, z.ZodType, z.ZodType, z.ZodType, z.ZodType>, 'handle'> & {
  access: Access;
  handle(input: Input<unknown, z.ZodType, z.ZodType, z.ZodType>): Promise<unknown>;
};

const TENANT_CALLERS = ['user', 'machine', 'api_key'] as const;

/** A route for callers that belong to an organization; the organization always comes from the credential. */
export function tenantRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
  definition: Definition<TenantCaller, P, Q, B, R> & TenantAccess,
): Route {
  const { scope, billing, callers = TENANT_CALLERS, mapsRefusals = false, anyMethod = false, ...others } = definition;
  const { testKeys = false, keyInForwarded = false, impersonated = actOf(billing), ...rest } = others;
  const flags = { mapsRefusals, anyMethod, testKeys, keyInForwarded, impersonated };
  return erase({ ...rest, access: { kind: 'tenant', scope, billing, callers, ...flags } });
}

// Whatever adds or amends and does not say what it is counts as the most that anybody may do.
function actOf(billing: TenantAccess['billing']): ImpersonatedAct {
  if (billing === 'read') return 'read';
  return billing === 'wind_down' ? 'revoke' : 'create';
}

/** A route for the product's own services, which hold service tokens. */
export function serviceRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
  definition: Definition<ServiceCaller, P, Q, B, R> & { scope: readonly string[] },
): Route {
  const { scope, ...rest } = definition;
  return erase({ ...rest, access: { kind: 'service', scope, machines: false } });
}

/** The same for those that hold a machine token, too. */
export function serviceOrMachineRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
>(definition: Definition<ServiceCaller | MachineCaller, P, Q, B, R> & { scope: readonly string[] }): Route {
  const { scope, ...rest } = definition;
  return erase({ ...rest, access: { kind: 'service', scope, machines: true } });
}

/** A route for whoever can sign its body: another system that tells of something. */
export function signedRoute<B extends z.ZodType, R extends z.ZodType>(
  definition: Definition<undefined, z.ZodType, z.ZodType, B, R> & { signature: SignedAccess },
): Route {
  const { signature, ...rest } = definition;
  return erase({ ...rest, access: { kind: 'signed', ...signature } });
}

/** A route that anyone may call. */
export function publicRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
  definition: Definition<undefined, P, Q, B, R>,
): Route {
  return erase({ ...definition, access: { kind: 'public' } });
}

// The mount hands each handler exactly the caller kind and parsed input that its definition declares.
function erase<C, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
  definition: Definition<C, P, Q, B, R> & { access: Access },
): Route {
  return definition;
}

const SIGNED_CODES = ['credential_missing', 'credential_invalid', 'database_unavailable'] as const;
const CALLER_CODES = [
  ...SIGNED_CODES,
  'credential_expired',
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
};

/** The status and schema of a route's successful answer. */
export function successOf(route: Route): { status: number; schema: z.ZodType } {
  const [entry] = Object.entries(route.responses);
  if (!entry) throw new Error(`${route.operationId} declares no answer`);
  return { status: Number(entry[0]), schema: entry[1] };
}

/** Every error code a route may answer: its own, and those its access, input and billing class imply. */
export function errorCodesOf(route: Route): ReadonlySet<ErrorCode> {
  const codes = new Set<ErrorCode>(['validation_error', 'internal_error', 'payload_too_large', ...route.errors]);
  if (route.body) codes.add('unsupported_media_type');
  for (const code of IMPLIED_CODES[route.access.kind]) codes.add(code);
  // Which classes a posture lets pass is the product's to configure.
  if (route.access.kind === 'tenant') codes.add('billing_inactive');
  if (route.idempotent) codes.add('idempotency_key_reused').add('request_in_progress');
  return codes;
}
