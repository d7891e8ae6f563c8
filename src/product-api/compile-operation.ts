import type { z } from 'zod';
import type { ApiKeyCaller, Caller, OrganizationCaller } from '../http/caller.ts';
import type { ErrorForm } from '../http/envelope.ts';
import { isCsv } from '../http/server/csv-stream.ts';
import { isEventStream } from '../http/server/event-stream.ts';
import { successOf } from '../http/route.ts';
import type { Access, Route } from '../http/route.ts';
import type { ApiOperation } from '../product/api/api-rules.ts';
import type { Report } from './report.ts';
import { requestForm } from './request-form.ts';
import { responseForm } from './response-form.ts';
import { objectsOf } from './schema-paths.ts';

type Compiling = {
  basePath: string;
  own: Route;
  operation: ApiOperation;
  errorForm: ErrorForm;
};

const OF_PATH = /\{(\w+)\}/g;

/** Makes the route that presents one of Latchkey's own under the product's path and names. */
export function compileOperation(compiling: Compiling, report: Report): Route {
  const { basePath, own, operation, errorForm } = compiling;
  const method = methodOf(compiling, report);
  const access = accessOf(own, operation, report);
  const body = bodyOf(compiling, report);
  const answer = answerOf(own, access, operation, report);
  const query = own.query && operation.query ? renamedInput(own.query, operation.query, 'query', report) : own.query;
  if (operation.query && !own.query) report(['query'], 'Latchkey takes no query here');
  if (operation.query && own.access.kind === 'forwarded')
    report(['query'], "cannot be renamed: proxies send Latchkey's");
  return {
    ...own,
    operationId: `product${own.operationId[0]!.toUpperCase()}${own.operationId.slice(1)}`,
    method,
    path: `${basePath}${operation.path}` as Route['path'],
    description: [`\`${own.method.toUpperCase()} ${own.path}\` in the product's own form.`, own.description]
      .filter((part) => part !== undefined)
      .join(' '),
    ...definedOf({ params: paramsOf(own, operation, report), query, body }),
    responses: { [answer.status]: answer.schema },
    access,
    errorForm,
    handle: async (input) => answer.present(await own.handle(input), input.caller as Caller | undefined),
    ...(own.fromMemory && {
      fromMemory: (caller: ApiKeyCaller, ip: string | undefined) => answer.present(own.fromMemory!(caller, ip), caller),
    }),
  };
}

function definedOf(inputs: {
  params: z.ZodType | undefined;
  query: z.ZodType | undefined;
  body: z.ZodType | undefined;
}) {
  const { params, query, body } = inputs;
  return { ...(params && { params }), ...(query && { query }), ...(body && { body }) };
}

function methodOf({ own, operation }: Compiling, report: Report): Route['method'] {
  const { method = own.method } = operation;
  if (method === 'get' && own.method !== 'get')
    report(['method'], `cannot be get, which changes nothing; Latchkey's is ${own.method}`);
  return method;
}

function accessOf({ access }: Route, { callers }: ApiOperation, report: Report): Access {
  if (!callers) return access;
  if (access.kind !== 'tenant') {
    report(['callers'], 'are for operations of organizations alone');
    return access;
  }
  const left = access.callers.filter((kind: OrganizationCaller['kind']) => callers.includes(kind));
  if (left.length < callers.length) report(['callers'], `may be ${access.callers.join(', ')} alone`);
  return { ...access, callers: left };
}

function bodyOf({ own, operation }: Compiling, report: Report): z.ZodType | undefined {
  const { request, request_values: values } = operation;
  const isMapped = request !== undefined || Object.keys(values).length > 0;
  if (!isMapped) return own.body;
  if (!own.body || own.access.kind === 'signed') {
    report([request === undefined ? 'request_values' : 'request'], 'cannot be given: Latchkey takes no such body here');
    return own.body;
  }
  const at = { names: 'request', values: 'request_values' };
  return requestForm(own.body, { names: request ?? {}, values, at }, report);
}

function paramsOf(own: Route, { path, params: given }: ApiOperation, report: Report): z.ZodType | undefined {
  const inPath = [...path.matchAll(OF_PATH)].map(([, name]) => name!);
  const fields = own.params ? objectsOf(own.params, 'in').flatMap(({ shape }) => Object.keys(shape)) : [];
  const names = given ?? Object.fromEntries(fields.map((name) => [name, name]));
  for (const name of inPath)
    if (!Object.hasOwn(names, name)) report(['path'], `'{${name}}' is no parameter of Latchkey's`);
  for (const name of Object.keys(names))
    if (!inPath.includes(name)) report(['path'], `lacks the parameter '{${name}}'`);
  if (new Set(inPath).size < inPath.length) report(['path'], 'has a parameter twice');
  return own.params && given ? renamedInput(own.params, given, 'params', report) : own.params;
}

function renamedInput(own: z.ZodType, names: Readonly<Record<string, string>>, at: string, report: Report): z.ZodType {
  return requestForm(own, { names, values: {}, at: { names: at, values: at } }, report);
}

type Answer = { status: number; schema: z.ZodType; present: (answer: unknown, caller: Caller | undefined) => unknown };

function answerOf(own: Route, access: Access, operation: ApiOperation, report: Report): Answer {
  const { status: ownStatus, schema } = successOf(own);
  const { status = ownStatus, response: names, defaults } = operation;
  if (!names) {
    if (Object.keys(defaults).length > 0) report(['defaults'], 'need a response whose members they are of');
    return { status, schema, present: (answer) => answer };
  }
  if (isCsv(schema) || isEventStream(schema)) {
    report(['response'], 'cannot be given: this operation answers with a file or a stream');
    return { status, schema, present: (answer) => answer };
  }
  const callers = access.kind === 'tenant' ? access.callers : [];
  const form = responseForm(schema, { names, defaults, callers }, report);
  const present: Answer['present'] = (answer, caller) => form.present(schema.parse(answer), caller?.kind);
  return { status, schema: form.schema, present };
}
