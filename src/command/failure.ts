import { LatchkeyError } from '../client/latchkey-error.ts';

/** Exit codes of commands that act. Commands that check exit with 1 for a finding, and with 2 if they could not look. */
export const EXIT = { done: 0, failed: 1, usage: 2, refused: 3, signIn: 4, notFound: 5, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command that could not do what it was asked for; the message says what to do. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: ExitCode;
  /** Printed instead of the message with `--json`: the envelope of an API's error. */
  readonly envelope: object | undefined;

  constructor(exitCode: ExitCode, message: string, more: { envelope?: object; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.exitCode = exitCode;
    this.envelope = more.envelope;
  }
}

const CODES: Readonly<Record<number, ExitCode>> = {
  400: EXIT.usage,
  401: EXIT.signIn,
  403: EXIT.refused,
  404: EXIT.notFound,
  409: EXIT.refused,
  422: EXIT.usage,
  423: EXIT.refused,
  429: EXIT.refused,
};

/** Returns what a person reads of a failure, and its exit code. */
export function failureOf(error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error;
  if (error instanceof LatchkeyError) return failureOfAnswer(error);
  if ((error as Error).name === 'AbortError') return new CommandFailure(EXIT.interrupted, 'Interrupted.');
  return new CommandFailure(EXIT.failed, (error as Error).message, { cause: error });
}

function failureOfAnswer(error: LatchkeyError): CommandFailure {
  const { code, message, status, requestId, details } = error;
  const lines = [
    message,
    ...fieldsOf(details),
    ...mismatchesOf(details),
    ...waitOf(error),
    ...(status === 401 ? [SIGN_IN] : []),
    ...(code === NO_ROUTE ? [OLD_SERVICE] : []),
  ];
  const origin = [code, ...(requestId === undefined ? [] : [`request_id ${requestId}`])].join(', ');
  // To a script, exit code 5 says that a key is not there.
  const exitCode = code === NO_ROUTE ? EXIT.failed : (CODES[status ?? 0] ?? EXIT.failed);
  return new CommandFailure(exitCode, `${lines.join(' ')} (${origin})`, {
    envelope: { error: { code, message, request_id: requestId ?? null, ...(details && { details }) } },
    cause: error,
  });
}

const NO_ROUTE = 'route_not_found';
const OLD_SERVICE = 'The service is older than this command, or the URL is not that of Latchkey.';
const SIGN_IN = 'Run latchkey login, or set LATCHKEY_TOKEN.';

function fieldsOf(details: Readonly<Record<string, unknown>> | undefined): string[] {
  const fields = details?.['fields'];
  if (typeof fields !== 'object' || fields === null) return [];
  return Object.entries(fields).map(([field, problem]) => `${field}: ${String(problem)}.`);
}

/** Conditions of a CI policy that the token's own values do not fulfil. */
function mismatchesOf(details: Readonly<Record<string, unknown>> | undefined): string[] {
  const mismatch = details?.['mismatch'];
  if (!Array.isArray(mismatch)) return [];
  return (mismatch as { claim: string; value?: unknown }[]).map(
    ({ claim, value }) => `${claim} is ${value === undefined ? 'absent' : JSON.stringify(value)}.`,
  );
}

function waitOf({ retryAfterSeconds }: LatchkeyError): string[] {
  return retryAfterSeconds === undefined ? [] : [`Retry in ${retryAfterSeconds} s.`];
}
