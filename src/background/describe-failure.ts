import { isDatabaseUnavailable } from '../db/pg-errors.ts';
import { WorkosFailure } from '../workos/failure.ts';

const MAX_TEXT = 200;
const SECRETS = /\b\w{2,}_\w{20,}\b/g;

/** Statements that timed out or lost every retry; the database itself is reachable. */
const STATEMENT_FAILURE = /^(57014|25P03|40001|40P01)/;

/** Whether a failure is the item's own, and not an outage of WorkOS or the database. */
export function isOwnFailure(error: unknown): boolean {
  if (error instanceof WorkosFailure) return error.code === 'workos_rejected' && !isOurCredential(error);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return (typeof code === 'string' && STATEMENT_FAILURE.test(code)) || !isDatabaseUnavailable(error);
}

/** Whether the database refuses the values (data exceptions, constraints, triggers), as it would again. */
export function isRefusedData(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^(22|23|P0)\w{3}$/.test(code);
}

/** Whether WorkOS refuses our API key, so that every call fails. */
function isOurCredential({ workosStatus }: WorkosFailure): boolean {
  return workosStatus === 401;
}

/** Describes a failure for storage: without statements, values and secrets. */
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
