import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { expect } from 'vitest';
import { parse } from 'yaml';

type Response = { content?: Record<string, unknown> };
type Operation = { responses: Record<string, Response> };
type Document = { paths: Record<string, Record<string, Operation>> };

export type Exchange = { method: string; url: string; status: number; headers: Headers; text: string };

/** Where the emulator answers more than the contract lists. A status or path that is neither there nor here is a failure. */
const ADDED_STATUSES: readonly { status: number; method?: string; path?: string; reason: string }[] = [
  { status: 401, reason: 'a wrong secret meets every operation; the document lists it for one' },
  { status: 400, reason: 'a body that is not JSON' },
  { status: 413, reason: 'a body past the bound' },
  { status: 422, method: 'get', reason: 'a page size or cursor that cannot be; only some lists mention it' },
  { status: 404, method: 'put', path: '/user_management/users/{id}', reason: 'a person who is not there' },
  { status: 404, method: 'post', path: '/user_management/invitations/{id}/revoke', reason: 'no such invitation' },
  { status: 404, method: 'delete', path: '/organizations/{id}', reason: 'an organization that is not there' },
];
// Exports are documented at WorkOS, and in none of the documents that this contract is made of.
const ADDED_PATHS: readonly RegExp[] = [
  /^\/oauth2\//,
  /^\/\.well-known\//,
  /^\/_emulator\//,
  /^\/_ci\//,
  /^\/audit_logs\/exports/,
];
/** Pages for a person; their own tests read them. */
const PAGES = /^\/(?:user_management\/authorize|device|invite)$/;

const document = parse(readFileSync(new URL('workos-openapi.yaml', import.meta.url), 'utf8')) as Document;
const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false });
formats.default(ajv);
ajv.addSchema(document, 'workos');

const PLAIN_TIME = /"(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}\.\d{3})"/g;
const OF_TOMORROW = /,"_of_tomorrow":\{"version":2\}/g;

/** An answer as a lenient client reads it: both forms of times are one, and what nobody knows is left out. */
export const readLeniently = (text: string): string =>
  text.replaceAll(PLAIN_TIME, '"$1T$2Z"').replaceAll(OF_TOMORROW, '');

/** Fails unless the answer is one that the contract allows for its operation. */
export function expectContract({ method, url, status, headers, text: sent }: Exchange): void {
  const text = readLeniently(sent);
  const path = new URL(url).pathname;
  expect(headers.get('x-request-id'), `${method} ${path} has a request id`).toBeTruthy();
  if (PAGES.test(path)) return;
  if (text !== '')
    expect(headers.get('content-type')).toMatch(text.startsWith('<') ? /^text\/html/ : /^application\/json/);
  if (status >= 400) expect(JSON.parse(text), `${method} ${path} explains itself`).toBeTypeOf('object');
  if (ADDED_PATHS.some((pattern) => pattern.test(path))) return;
  const template = findTemplate(path, method);
  if (template === undefined) {
    expect(status, `${method} ${path} is not in the contract`).toBe(404);
    return;
  }
  const listed = document.paths[template]![method.toLowerCase()]!.responses[String(status)];
  if (listed) expectSchema(template, method.toLowerCase(), status, listed, text);
  else expectAddition(template, method.toLowerCase(), status, text);
}

function findTemplate(path: string, method: string): string | undefined {
  const candidates = Object.keys(document.paths).filter((template) => {
    const pattern = new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    return pattern.test(path) && document.paths[template]![method.toLowerCase()] !== undefined;
  });
  // A literal path wins over one with parameters.
  return candidates.toSorted((left, right) => left.split('{').length - right.split('{').length)[0];
}

function expectSchema(template: string, method: string, status: number, listed: Response, text: string): void {
  if (!listed.content?.['application/json']) return;
  const pointer = ['paths', template, method, 'responses', String(status), 'content', 'application/json', 'schema'];
  const reference = `workos#/${pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;
  const validate = ajv.getSchema(reference) ?? ajv.compile({ $ref: reference });
  const body: unknown = JSON.parse(text);
  expect(
    validate(body),
    `${method} ${template} ${status}: ${ajv.errorsText(validate.errors)}\n${text.slice(0, 2_000)}`,
  ).toBe(true);
}

function expectAddition(template: string, method: string, status: number, text: string): void {
  const known = ADDED_STATUSES.some(
    (added) => added.status === status && (added.method ?? method) === method && (added.path ?? template) === template,
  );
  expect(known, `${method} ${template} answered ${status}, which nothing allows: ${text.slice(0, 500)}`).toBe(true);
  expect(JSON.parse(text)).toMatchObject({ message: expect.any(String) as unknown });
}
