import { z } from 'zod';
import { ERROR_CODES, ERROR_STATUS } from '../errors.ts';
import type { AppError, ErrorCode } from '../errors.ts';
import type { ErrorFacts, ErrorForm } from '../http/envelope.ts';
import { answersOf } from '../product/api/api-rules.ts';
import type { ApiRules, CredentialKind, ErrorAnswer, ErrorMember } from '../product/api/api-rules.ts';

type Kind = CredentialKind | 'other';
type Values = Readonly<Record<string, unknown>>;

const KINDS: Readonly<Record<string, Kind>> = {
  api_key: 'api_key',
  access_token: 'token',
  session_cookie: 'token',
  refresh_token: 'token',
  user: 'token',
  machine: 'token',
  password: 'password',
};

/** Makes the form of a product's errors: its envelope, and a status, code and message for each of Latchkey's codes. */
export function makeErrorForm({ error: { body }, errors }: Pick<ApiRules, 'error' | 'errors'>): ErrorForm {
  const answers = new Map<ErrorCode, ReadonlyMap<Kind, ErrorAnswer>>(
    ERROR_CODES.map((code) => {
      const entry = errors[code];
      const own: [Kind, ErrorAnswer] = ['other', { code, status: ERROR_STATUS[code] }];
      return [code, new Map(entry ? answersOf(entry) : [own])];
    }),
  );
  const answerTo = (error: AppError, facts: ErrorFacts): ErrorAnswer => {
    const byKind = answers.get(error.code)!;
    return byKind.get(kindOf(error, facts)) ?? byKind.get('other')!;
  };

  return {
    present(error, facts) {
      const { status, code, message = error.message } = answerTo(error, facts);
      const values = {
        $code: code,
        $message: message,
        $status: status,
        $request_id: facts.requestId,
        $retry_after: error.retryAfterSeconds === undefined ? undefined : Math.ceil(error.retryAfterSeconds),
        $fields: error.details?.['fields'],
      };
      return { status, body: fill(body, values) };
    },
    answersOf: (code) => [...answers.get(code)!.values()].map(({ status, code }) => ({ status, code })),
    schema: schemaOf(body).meta({ id: 'ProductError' }),
  };
}

/** The kind of credential that an error is about: the one that was refused, or the caller's. */
function kindOf({ details }: AppError, { caller }: ErrorFacts): Kind {
  const named = details?.['credential'];
  return KINDS[typeof named === 'string' ? named : (caller ?? '')] ?? 'other';
}

function fill(members: Readonly<Record<string, ErrorMember>>, values: Values): object {
  const filled: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(members)) {
    if (typeof member === 'object' && member !== null) filled[name] = fill(member, values);
    else if (!isVariable(member)) filled[name] = member;
    else {
      const value = values[nameOf(member)];
      if (value !== undefined || !member.endsWith('?')) filled[name] = value ?? null;
    }
  }
  return filled;
}

const isVariable = (member: unknown): member is string => typeof member === 'string' && member.startsWith('$');
const nameOf = (member: string) => member.replace(/\?$/, '');

const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  $code: z.string().describe('Stable; switch on this.'),
  $message: z.string().describe('For people; may change.'),
  $status: z.int().min(400).max(599).describe('The HTTP status.'),
  $request_id: z.string().describe('The same id as in the `x-request-id` header.'),
  $retry_after: z.int().min(0).describe('Seconds to wait before trying again.'),
  $fields: z.record(z.string(), z.string()).describe('Each wrong field, and what is wrong with it.'),
};

/** Variables that not every error has a value for. */
const SOMETIMES: readonly string[] = ['$retry_after', '$fields'];

function schemaOf(members: Readonly<Record<string, ErrorMember>>): z.ZodObject {
  return z.object(Object.fromEntries(Object.entries(members).map(([name, member]) => [name, memberSchema(member)])));
}

function memberSchema(member: ErrorMember): z.ZodType {
  if (typeof member === 'object' && member !== null) return schemaOf(member);
  if (!isVariable(member)) return member === null ? z.null() : z.literal(member);
  const schema = SCHEMAS[nameOf(member)] ?? z.unknown();
  if (member.endsWith('?')) return schema.optional();
  return SOMETIMES.includes(member) ? schema.nullable() : schema;
}
