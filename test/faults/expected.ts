import type { FaultName } from './faults.ts';
import type { Operation } from './operations.ts';
import type { Outcome, Answered } from './scenario.ts';

const UNAVAILABLE: Answered = { status: 503, code: 'workos_unavailable', retryAfter: '5' };
const SOON: Answered = { ...UNAVAILABLE, retryAfter: '1' };
/** As long as a hold-off is when WorkOS does not say. */
const HELD_OFF: Answered = { ...UNAVAILABLE, retryAfter: '10' };
const REJECTED: Answered = { status: 502, code: 'workos_rejected', retryAfter: null };
const REVOKED: Answered = { status: 200, code: null, retryAfter: null };
const INVALID: Answered = { status: 401, code: 'credential_invalid', retryAfter: null };

type Row = Readonly<Record<FaultName, Outcome>>;

/** Creating a key: the state depends on whether WorkOS refused, did the work, or may still do it. */
function making(and: string): Row {
  const ended = (answered: Answered): Outcome => ({
    answered,
    left: `nothing: the row has ended, nothing at WorkOS${and}`,
    repair: 'nothing to do',
  });
  const undone: Outcome = {
    answered: UNAVAILABLE,
    left: `an unsettled row, nothing at WorkOS${and}`,
    repair: 'the row ends',
  };
  const done: Outcome = {
    answered: UNAVAILABLE,
    left: `an unsettled row, an unknown key at WorkOS${and}`,
    repair: 'the key is deleted at WorkOS',
  };
  return {
    timeout: undone,
    reset_before: undone,
    reset_after: done,
    too_many_with: ended(SOON),
    too_many_without: ended(HELD_OFF),
    status_500: undone,
    html_502: undone,
    status_503: undone,
    malformed_json: done,
    empty_body: done,
    wrong_content_type: done,
    unknown_charset: done,
    status_401: ended(REJECTED),
    status_404: ended(REJECTED),
    status_409: ended(REJECTED),
    status_422: ended(REJECTED),
    slow: { ...undone, repair: 'the late key is deleted at WorkOS' },
  };
}

/** The answer does not depend on WorkOS: the key has stopped here. */
function revoking(): Row {
  const undone = refused('deletion to be confirmed, still at WorkOS', 'the deletion is repeated');
  const noted = refused('deletion noted, deleted at WorkOS', 'nothing to do');
  return {
    ...same(undone),
    reset_after: refused(
      'deletion to be confirmed, deleted at WorkOS',
      'the deletion is asked for again and confirmed',
    ),
    // A success needs no body.
    malformed_json: noted,
    empty_body: noted,
    wrong_content_type: noted,
    unknown_charset: noted,
    status_404: refused('deletion noted, still at WorkOS', 'nothing to do: WorkOS said that it has no such key'),
  };
}

function refused(left: string, repair: string): Outcome {
  return { answered: REVOKED, left: `the key is refused; ${left}`, repair };
}

/** A key that only WorkOS knows, presented for the first time. */
function validating(): Row {
  const unknown: Outcome = { answered: UNAVAILABLE, left: 'nothing', repair: 'the next use asks again' };
  return {
    ...same(unknown),
    too_many_with: { ...unknown, answered: SOON, repair: 'the next use after that asks again' },
    too_many_without: { ...unknown, answered: HELD_OFF, repair: 'the next use after that asks again' },
    // WorkOS says that this is no key, which is an answer.
    status_422: { answered: INVALID, left: 'nothing', repair: 'asked again after 30 s' },
  };
}

function same(outcome: Outcome): Row {
  return {
    timeout: outcome,
    reset_before: outcome,
    reset_after: outcome,
    too_many_with: outcome,
    too_many_without: outcome,
    status_500: outcome,
    html_502: outcome,
    status_503: outcome,
    malformed_json: outcome,
    empty_body: outcome,
    wrong_content_type: outcome,
    unknown_charset: outcome,
    status_401: outcome,
    status_404: outcome,
    status_409: outcome,
    status_422: outcome,
    slow: outcome,
  };
}

/** What Latchkey promises for each fault of WorkOS; the tests hold it, `docs/reference/faults.md` shows it. */
export const EXPECTED: Readonly<Record<Operation, Row>> = {
  create: making(''),
  rotate: making('; the old key works'),
  revoke: revoking(),
  validate: validating(),
  events: same({
    answered: 'the step fails',
    left: 'the event waits at WorkOS, its cursor stays',
    repair: 'the next step reads on from there',
  }),
  list: same({
    answered: 'the step ends',
    left: 'the row counts for no limit; the lost key stays at WorkOS until the next search',
    repair: 'the next search deletes it',
  }),
};
