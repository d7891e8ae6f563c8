import type { IncomingMessage, ServerResponse } from 'node:http';
import { keepFailure } from '../../http/fast-path/kept-failure.ts';
import { readTraceparent } from '../../http/server/traceparent.ts';
import type { Guesser } from '../../limits/guesses/guesser.ts';
import type { FastPathLog } from './fast-path-log.ts';
import type { KeyResolver, Resolved } from '../resolve-key.ts';

/** Finds a key in memory, or soon in the mirror. Undefined, now or then, for a key that the route has to resolve. */
export type LookUpKey = (
  presented: string,
  guesser: Guesser | undefined,
  req: Pick<IncomingMessage, 'headers'>,
) => Resolved | Promise<Resolved | undefined> | undefined;

/** Leaves the look-ups of sampled requests to the route, which makes a span of each step. */
export function makeLookUpKey({ peekKey, lookUpKey }: KeyResolver, { isTracing }: { isTracing: boolean }): LookUpKey {
  if (!isTracing) return lookUpKey;
  return (presented, guesser, { headers }) =>
    readTraceparent(headers)?.sampled === true ? peekKey(presented) : lookUpKey(presented, guesser);
}

type Passing = {
  req: IncomingMessage;
  res: ServerResponse;
  passOn: () => void;
  failed: FastPathLog['failed'];
};

/** Goes on once a key is looked up. What fails before is the route's to answer; what fails after ends this request alone. */
export function whenLookedUp(
  found: Promise<Resolved | undefined>,
  goOn: (resolved: Resolved | undefined) => void,
  { req, res, passOn, failed }: Passing,
): void {
  const fail = (error: unknown) => {
    keepFailure(req, error);
    passOn();
  };
  found.then(goOn, fail).catch((error: unknown) => {
    res.destroy();
    failed(error);
  });
}
