import { ERROR_CODES, ERROR_STATUS } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import { answersOf } from './api-rules.ts';
import type { ApiRules } from './api-rules.ts';
import { REMEDIES } from './remedies.ts';

type Path = (string | number)[];
type Report = (path: Path, message: string) => void;
type Context = { prefixes: readonly string[]; console: boolean };

export const VARIABLES = ['$code', '$message', '$status', '$request_id', '$retry_after', '$fields'] as const;
/** Fields of Latchkey's that hold a secret. */
const SECRETS = ['password', 'key', 'access_token', 'refresh_token', 'pending_authentication_token', 'revoke_token'];
const LONG_ENOUGH = 16;

/** Checks what follows from the file alone; `product-api` checks it against the routes. */
export function checkApiRules(api: ApiRules, { prefixes, console }: Context, report: Report): void {
  checkEnvelope(api, report);
  checkErrors(api, report);
  if (!api.keep_v1 && console)
    report(['keep_v1'], "removes the routes that the console calls; set it to console, or console's enabled to false");
  for (const [id, { request_values: values }] of Object.entries(api.operations)) {
    for (const name of Object.keys(values).filter((one) => SECRETS.includes(one)))
      report(['operations', id, 'request_values', name], 'is a secret, which belongs into the request');
  }
  for (const [path, text] of textsOf(api, [])) {
    if (isSecret(text, prefixes)) report(path, 'has the form of a credential; an answer may not carry one');
  }
}

function checkEnvelope({ error: { body } }: ApiRules, report: Report): void {
  const named = textsOf(body, ['error', 'body']).filter(([, text]) => text.startsWith('$'));
  for (const [path, text] of named) {
    const name = text.replace(/\?$/, '');
    if (name === '$details')
      report(path, `'${text}' would carry tokens that some details have; use $fields or $retry_after`);
    else if (!VARIABLES.some((one) => one === name)) report(path, `'${text}' is none of ${VARIABLES.join(', ')}`);
  }
  if (!named.some(([, text]) => text === '$code'))
    report(['error', 'body'], 'has no member with $code, so that clients cannot distinguish errors');
}

type Taken = { own: ErrorCode; path: Path };
type Named = Taken & { status: number; code: string };

/** Two codes may become one only where a client does the same about both. */
function checkErrors({ errors }: ApiRules, report: Report): void {
  const taken = new Map<string, Taken>();
  const answers = ERROR_CODES.flatMap((own): Named[] => {
    const entry = errors[own];
    if (!entry) return [{ own, path: [], status: ERROR_STATUS[own], code: own }];
    return answersOf(entry).map(([kind, { status, code }]) => ({
      own,
      path: ['errors', own, ...('status' in entry ? [] : [kind])],
      status,
      code,
    }));
  });
  // Codes that are not listed come first, so that the fault is at a line of the file.
  for (const { own, path, status, code } of answers.toSorted((a, b) => a.path.length - b.path.length)) {
    const name = `${status} ${code}`;
    const other = taken.get(name);
    if (!other) taken.set(name, { own, path });
    else if (REMEDIES[other.own] !== REMEDIES[own])
      report(
        path,
        `${own} becomes ${name}, as ${other.own} does; a client cannot distinguish to ${REMEDIES[own]} from to ${REMEDIES[other.own]}`,
      );
  }
}

/** Every text of a value, with its path. */
function textsOf(value: unknown, path: Path): [Path, string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    textsOf(inner, [...path, Array.isArray(value) ? Number(name) : name]),
  );
}

function isSecret(text: string, prefixes: readonly string[]): boolean {
  return ['eyJ', 'svc_', ...prefixes].some(
    (prefix) => text.startsWith(prefix) && text.length >= LONG_ENOUGH && !/\s/.test(text),
  );
}
