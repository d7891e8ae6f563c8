import type { NextFunction, Request, Response } from 'express';
import type { LatchkeyClient } from '../client.ts';
import { LatchkeyError } from '../latchkey-error.ts';
import type { Operation } from '../shapes.ts';
import { sendRefusal, unavailable } from './refusal.ts';
import type { Refusal } from './refusal.ts';

export type Passing = { req: Request; res: Response; next: NextFunction; does: Operation };
export type SessionDeps = { checkSession: LatchkeyClient['auth']['checkSession'] };

type Use = { token: string; scopes: readonly string[]; sessions: boolean | { organizationId: string } };

/** The refusals of a session; any other status means that Latchkey did not decide. */
const DECIDED: readonly (number | undefined)[] = [401, 403, 423, 429];

/** Has Latchkey decide on a request by a person's session, and passes it on with `req.person`, or answers it. */
export async function admitPerson(
  { checkSession }: SessionDeps,
  { req, res, next, does: operation }: Passing,
  { token, scopes, sessions }: Use,
): Promise<void> {
  const wanted = typeof sessions === 'object' ? sessions.organizationId : undefined;
  try {
    const person = await checkSession({ token, scopes, operation, organization_id: wanted, ip: req.ip });
    const { organization_id: organizationId, user_id: userId } = person;
    req.person = Object.freeze({ organizationId, userId, scopes: Object.freeze(person.scopes) });
  } catch (error) {
    return sendRefusal(res, refusalOf(error));
  }
  next();
}

function refusalOf(error: unknown): Refusal {
  if (!(error instanceof LatchkeyError) || !DECIDED.includes(error.status))
    return { ...unavailable(error), message: 'The session cannot be checked now. Try again shortly.' };
  const { status, code, message, details } = error;
  return { status: status!, code, message, ...(details && { details }) };
}
