import { z } from 'zod';
import { createDocument } from 'zod-openapi';
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { ERROR_STATUS } from '../../errors.ts';
import { OWN_FORM } from '../envelope.ts';
import { isCsv } from '../server/csv-stream.ts';
import { isEventStream } from '../server/event-stream.ts';
import { belongsToOrganization, errorCodesOf, successOf } from '../route.ts';
import type { Route } from '../route.ts';

type Info = {
  title: string;
  version: string;
  /** The outgoing webhooks, by name. */
  webhooks?: ZodOpenApiPathsObject;
};

const RequestIdHeader = z.string().meta({ description: 'The id of this request, in logs and errors.' });
const RetryAfterHeader = z.string().meta({ description: 'Seconds to wait before trying again.' });
const IdempotencyKeyHeader = z.string().optional().meta({
  minLength: 1,
  maxLength: 255,
  description:
    'A request that is repeated with the same key and body gets the same answer, secret included; for ten minutes by default.',
});
const OrganizationQuery = z
  .string()
  .optional()
  .meta({
    param: { in: 'query', name: 'organization_id' },
    description: "Must be the credential's organization, if given.",
  });

const SECURITY = {
  tenant: [{ bearer: [] }, { apiKey: [] }, { accessToken: [] }, { sessionCookie: [] }],
  service: [{ serviceToken: [] }],
  forwarded: [{ bearer: [] }, { apiKey: [] }],
  public: [],
};

function securityOf({ access }: Route) {
  return access.kind === 'signed' ? access.schemes.map(({ name }) => ({ [name]: [] })) : SECURITY[access.kind];
}

/** The signatures that routes want, by name. */
function signatureSchemes(routes: readonly Route[]) {
  const schemes = routes.flatMap(({ access }) => (access.kind === 'signed' ? access.schemes : []));
  return Object.fromEntries(
    schemes.map(({ name, header, description }) => [
      name,
      { type: 'apiKey' as const, in: 'header' as const, name: header, description },
    ]),
  );
}

/** Derives the OpenAPI 3.1 document from the routes. */
export function openApiDocument(
  routes: readonly Route[],
  { title, version, webhooks = {} }: Info,
): ReturnType<typeof createDocument> {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  return createDocument({
    openapi: '3.1.0',
    info: {
      title,
      version,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'This service' }],
    tags: [...new Set([...routes.map(({ tag }) => tag), ...tagsOf(webhooks)])].map((name) => ({ name })),
    paths,
    webhooks,
    components: { securitySchemes: { ...SECURITY_SCHEMES, ...signatureSchemes(routes) } },
  });
}

function tagsOf(webhooks: ZodOpenApiPathsObject): string[] {
  return Object.values(webhooks).flatMap(({ post }) => post?.tags ?? []);
}

function operation(route: Route): ZodOpenApiOperationObject {
  const { status, schema } = successOf(route);
  const description = describe(route);
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(description && { description }),
    security: securityOf(route),
    requestParams: {
      ...objectIn('path', route.params),
      ...objectIn('query', route.query),
      ...(route.idempotent && { header: z.object({ 'idempotency-key': IdempotencyKeyHeader }) }),
    },
    ...(belongsToOrganization(route) && { parameters: [OrganizationQuery] }),
    ...(route.body && {
      requestBody: {
        required: !route.body.safeParse(undefined).success,
        content: { 'application/json': { schema: route.body } },
      },
    }),
    responses: {
      [status]: {
        description: 'Done.',
        headers: z.object({ 'x-request-id': RequestIdHeader }),
        content: { [contentTypeOf(schema)]: { schema } },
      },
      ...(route.mayBeEmpty && { 204: { description: 'Done; there is nothing to say.' } }),
      ...errorResponses(route),
    },
  };
}

/** The parameters of a schema: of an object, or of one that is renamed after it was checked. */
function objectIn(place: 'path' | 'query', schema: z.ZodType | undefined) {
  const object = schema instanceof z.ZodPipe ? schema.in : schema;
  return object instanceof z.ZodObject ? { [place]: object } : {};
}

function contentTypeOf(schema: z.ZodType): string {
  if (isEventStream(schema)) return 'text/event-stream';
  return isCsv(schema) ? 'text/csv' : 'application/json';
}

function describe(route: Route): string | undefined {
  const { access } = route;
  const scopes = 'scope' in access ? access.scope : [];
  const needs = scopes.length > 0 ? `Needs the scope \`${scopes.join('` or `')}\`.` : undefined;
  return [route.description, needs].filter((part) => part !== undefined).join('\n\n') || undefined;
}

function errorResponses(route: Route): ZodOpenApiResponsesObject {
  const form = route.errorForm ?? OWN_FORM;
  const answers = [...errorCodesOf(route)].flatMap((own) => form.answersOf(own).map((answer) => ({ ...answer, own })));
  const byStatus = Map.groupBy(answers, ({ status }) => status);
  return Object.fromEntries(
    [...byStatus].map(([status, answered]) => [
      `${status}`,
      {
        description: [...new Set(answered.map(({ code }) => `\`${code}\``))].join(', '),
        headers: headersOf(answered.map(({ own }) => ERROR_STATUS[own])),
        content: { 'application/json': { schema: form.schema } },
      },
    ]),
  );
}

/** @param statuses of Latchkey's own errors */
function headersOf(statuses: readonly number[]) {
  const waits = statuses.some((status) => status === 503 || status === 429);
  return z.object({ 'x-request-id': RequestIdHeader, ...(waits && { 'retry-after': RetryAfterHeader }) });
}

const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A session JWT, a machine token or an API key.',
  },
  apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'An API key.' },
  accessToken: { type: 'apiKey', in: 'header', name: 'x-access-token', description: 'A session JWT.' },
  sessionCookie: {
    type: 'apiKey',
    in: 'cookie',
    name: 'wos_session',
    description:
      'A sealed AuthKit session. The cookie may also be `wos-session`, have a configured name, or come in parts (`wos_session.0`, …). Unsafe methods must come from the same origin.',
  },
  serviceToken: { type: 'http', scheme: 'bearer', description: "A service token of the product's own services." },
} as const;

const DESCRIPTION = `API keys for the customers of a product on WorkOS.

Every error has one shape, \`{"error":{"code","message","request_id","details"}}\`; switch on \`code\`.
Checks run in this order: credential, address, rate, scope and organization, billing, input, then the resource.
Lists are newest first; page with \`after\` and \`before\`, which are ids of items.`;
