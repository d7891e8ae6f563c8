import { z } from 'zod';
import { ERROR_CODES } from '../../errors.ts';

/** Kinds of credentials that an error may be answered by. */
export const CREDENTIAL_KINDS = ['api_key', 'token', 'password'] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];
/** Kinds of callers that an operation may be for, and defaults of its answer. */
const CALLERS = ['user', 'machine', 'api_key', 'ci'] as const;
const MAX_OPERATIONS = 100;

const SEGMENT = String.raw`(?:[A-Za-z0-9._~-]+)`;
const BASE_PATH = new RegExp(String.raw`^(?:/${SEGMENT}){1,8}$`);
const PATH = new RegExp(String.raw`^(?:/(?:${SEGMENT}|\{\w{1,32}\})){1,8}$`);
const ORIGIN = /^https?:\/\/(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/;
const HOST = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;
const HOST_PATTERN = /^\{organization\}(?:\.[a-z0-9-]+){2,}$/;
const UNSAFE = ['__proto__', 'constructor', 'prototype'];

const isSafe = (name: string) => !name.split('.').some((part) => UNSAFE.includes(part));
const member = z
  .string()
  .regex(/^[A-Za-z_][\w-]{0,63}$/, 'must be a name of letters, digits, _ or -, and begin with a letter')
  .refine(isSafe, 'cannot be the name of a member');
const fieldPath = z
  .string()
  .max(256)
  .regex(/^[A-Za-z_][\w-]{0,63}(?:\.[A-Za-z_][\w-]{0,63}){0,3}$/, 'must be a name, or names with dots between them')
  .refine(isSafe, 'cannot be the name of a member');
const constant = z.union([z.string().max(500), z.number(), z.boolean(), z.null()]);

/** A member of an error's body: a constant, a variable such as `$code`, or an object of those. */
const inner = z.record(member, constant);
const errorMember = z.union([constant, z.record(member, z.union([constant, inner]))]);

const status = z.int().min(400, 'must be from 400 to 599').max(599, 'must be from 400 to 599');
const Answer = z.strictObject({
  status: status.describe('HTTP status.'),
  code: z
    .string()
    .regex(/^[\w.:-]{1,100}$/, 'must have letters, digits, and . : _ - alone')
    .describe("The product's own code."),
  message: z.string().min(1).max(300).optional().describe("Message for people; Latchkey's, if not given."),
});
const ByCredential = z.strictObject({
  ...Object.fromEntries(
    CREDENTIAL_KINDS.map((kind) => [
      kind,
      Answer.optional().describe('For a credential of this kind; `other`, if not given.'),
    ]),
  ),
  other: Answer.describe('For all other credentials, and for none.'),
}) as z.ZodObject<Record<CredentialKind, z.ZodOptional<typeof Answer>> & { other: typeof Answer }>;

const Listed = z.strictObject({
  each: fieldPath.describe("Latchkey's list."),
  as: z
    .record(fieldPath, fieldPath)
    .describe("Members of each item, by the product's names, and the fields of Latchkey's that they come from."),
});
const defaults = z.record(fieldPath, constant);

const Operation = z
  .strictObject({
    path: z
      .string()
      .max(200)
      .regex(PATH, 'must be a path such as /api-keys/{id}')
      .describe('Path below `base_path`, with parameters in braces.'),
    method: z
      .enum(['get', 'post', 'put', 'patch', 'delete'])
      .optional()
      .describe("HTTP method; Latchkey's, if not given."),
    status: z
      .int()
      .min(200)
      .max(299)
      .refine((code) => code !== 204 && code !== 205, 'must be of an answer that has a body')
      .optional()
      .describe("Status of a successful answer; Latchkey's, if not given."),
    callers: z
      .array(z.enum(CALLERS))
      .min(1)
      .max(CALLERS.length)
      .optional()
      .describe("Kinds of callers that may use it, fewer than Latchkey's; all of Latchkey's, if not given."),
    params: z
      .record(member, member)
      .optional()
      .describe("Parameters of the path by the product's names; Latchkey's own names, if not given."),
    query: z
      .record(member, member)
      .optional()
      .describe("Parameters of the query by the product's names; Latchkey's own, if not given."),
    request: z
      .record(fieldPath, fieldPath)
      .optional()
      .describe(
        "Members of the request by the product's names, and the fields of Latchkey's that they are; Latchkey's own body, if not given.",
      ),
    request_values: z
      .record(fieldPath, z.union([constant, z.array(z.string().max(200)).max(200)]))
      .default({})
      .describe("Values of Latchkey's fields that the request does not carry."),
    response: z
      .record(fieldPath, z.union([fieldPath, Listed]))
      .optional()
      .describe(
        "Members of the answer by the product's names, and the fields of Latchkey's that they come from; Latchkey's own answer, if not given.",
      ),
    defaults: z
      .strictObject({
        user: defaults.optional().describe('For people.'),
        machine: defaults.optional().describe('For machine tokens.'),
        api_key: defaults.optional().describe('For API keys.'),
        ci: defaults.optional().describe('For CI sessions.'),
        any: defaults.optional().describe('For callers of all kinds.'),
      })
      .default({})
      .describe("Values of members for which Latchkey has none, by the caller's kind, or for `any`."),
  })
  .describe("One of Latchkey's operations under the product's own names.");

/** The `organization_hosts` section of the product's file. */
export const HostRules = z
  .strictObject({
    pattern: z
      .string()
      .max(200)
      .regex(HOST_PATTERN, "must be '{organization}' and a domain, such as '{organization}.example.com'")
      .describe("Host with the organization's label, such as `{organization}.example.com`."),
    others: z
      .array(z.string().max(200).regex(HOST, 'must be a host name in lower case'))
      .max(50)
      .default([])
      .describe('Hosts that fit the pattern and name no organization, such as `api.example.com`.'),
    label: z
      .enum(['name', 'id'])
      .default('name')
      .describe(
        "What the label is: the organization's name in lower case with `-` for all but letters and digits, or its id.",
      ),
  })
  .describe(
    'Organization by host name; a credential of another organization is refused there with `permission_denied`. Any host, if not given.',
  );

export type HostRules = z.output<typeof HostRules>;

/** The `api` section of the product's file. */
export const ApiRules = z
  .strictObject({
    base_path: z
      .string()
      .max(200)
      .regex(BASE_PATH, 'must be a path such as /api/v1, without a slash at its end')
      .describe('Path below which all answers have the form of the product, errors of unknown routes included.'),
    keep_v1: z
      .union([z.boolean(), z.literal('console')])
      .default(true)
      .describe(
        "Whether Latchkey's own routes for customers stay beside the product's; `console`: for the console's pages alone, which send the session's cookie. Those for your services, webhooks and health always stay.",
      ),
    error: z
      .strictObject({
        body: z
          .record(member, errorMember)
          .describe(
            'Members of an error. A value is a constant or one of `$code`, `$message`, `$status`, `$request_id`, `$retry_after` and `$fields`; with `?` after it, the member is left out where there is no value.',
          ),
      })
      .describe('Form of every error.'),
    errors: z
      .partialRecord(z.enum(ERROR_CODES), z.union([Answer, ByCredential]))
      .default({})
      .describe(
        "Status, code and message of errors by Latchkey's code, for all or by the kind of the credential; Latchkey's own, if not given.",
      ),
    operations: z
      .record(z.string().regex(/^[A-Za-z]\w{0,63}$/, 'must be an operation'), Operation)
      .refine((operations) => Object.keys(operations).length <= MAX_OPERATIONS, `at most ${MAX_OPERATIONS}`)
      .describe("Operations by Latchkey's operationId, with the product's paths and names."),
    cors: z
      .strictObject({
        origins: z
          .array(z.string().max(200).regex(ORIGIN, 'must be an origin in lower case, such as https://app.example.com'))
          .min(1)
          .max(50)
          .describe('Origins whose pages may call the operations.'),
        credentials: z
          .boolean()
          .default(false)
          .describe('Whether a browser may send the session cookie, which opens only what changes nothing.'),
      })
      .optional()
      .describe('Pages of other origins that may call the operations in a browser; none, if not given.'),
  })
  .describe("The product's own API beside Latchkey's (docs/how-to/keep-your-own-api.md); none, if not given.");

export type ApiRules = z.output<typeof ApiRules>;
export type ApiOperation = ApiRules['operations'][string];
export type ErrorAnswer = z.output<typeof Answer>;
export type ErrorMember = z.output<typeof errorMember>;
export type ListedField = z.output<typeof Listed>;

/** An answer for each kind of credential that has one of its own, and for all others. */
export function answersOf(
  entry: NonNullable<ApiRules['errors'][keyof ApiRules['errors']]>,
): [CredentialKind | 'other', ErrorAnswer][] {
  if ('status' in entry) return [['other', entry]];
  return ([...CREDENTIAL_KINDS, 'other'] as const).flatMap((kind) => {
    const answer = entry[kind];
    return answer ? [[kind, answer] as [CredentialKind | 'other', ErrorAnswer]] : [];
  });
}
