import { isDatabaseUnavailable } from '../db/pg-errors.ts';
import { WorkosFailure } from '../workos/failure.ts';

const MAX_TEXT = 200;
const SECRETS = /\b\w{2,}_\w{20,}\b/g;

/** Statements that took too long, or had to give way again and again: the database is there. */
const STATEMENT_FAILURE = /^(57014|25P03|40001|40P01)/;

/** Whether a failure says something of the item: an outage of WorkOS or of the database does not. */
export function isOwnFailure(error: unknown): boolean {
  if (error instanceof WorkosFailure) return error.code === 'workos_rejected' && !isOurCredential(error);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return (typeof code === 'string' && STATEMENT_FAILURE.test(code)) || !isDatabaseUnavailable(error);
}

/** Whether the database refuses values (data exceptions, constraints, errors of triggers): another time it would, too. */
export function isRefusedData(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^(22|23|P0)\w{3}$/.test(code);
}

/** WorkOS refuses our own key, whatever it is asked. */
function isOurCredential({ workosStatus }: WorkosFailure): boolean {
  return workosStatus === 401;
}

/** A failure in a few words that may be kept: no statement, no value, no secret. */
export function describeFailure(error: unknown): string {
  if (error instanceof WorkosFailure) return words('WorkOS answered', error.workosStatus, said(error));
  if (!(error instanceof Error)) return 'unknown failure';
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  if (typeof code === 'string') return words(error.name, code, typeof constraint === 'string' ? constraint : undefined);
  return words(`${error.name}:`, error.message.replaceAll(SECRETS, '…'));
}

function said({ details }: WorkosFailure): string | undefined {
  const workos = details?.['workos'];
  const message = typeof workos === 'object' && workos !== null ? (workos as { message?: unknown }).message : undefined;
  return typeof message === 'string' ? message : undefined;
}

function words(...parts: (string | number | undefined)[]): string {
  return parts
    .filter((part) => part !== undefined)
    .join(' ')
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .slice(0, MAX_TEXT);
}
