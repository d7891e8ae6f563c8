import { hash } from 'node:crypto';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import { signedRoute } from '../http/route.ts';
import type { RequestContext, Route, SignedAccess } from '../http/route.ts';
import { ORIGIN_FACTS, originOfReport } from './origins.ts';
import type { LeakOrigin } from './origins.ts';
import { LeakLabels, LeakReport, readToken } from './report-schemas.ts';
import type { ReportedToken } from './report-schemas.ts';
import type { TakeTokens, TokenOutcome } from './take-tokens.ts';

/** `none`: its signature is missing, or names no origin that is on. */
export type CountedOrigin = LeakOrigin | 'none';
type Deps = {
  /** Those that are on. */
  origins: readonly [LeakOrigin, ...LeakOrigin[]];
  verify: SignedAccess['verify'];
  takeTokens: TakeTokens;
  /** Counts reports: `taken`, `refused`, or `unavailable` if the report must be sent again. */
  countReport: (origin: CountedOrigin, outcome: 'taken' | 'refused' | 'unavailable') => void;
  countToken: (origin: LeakOrigin, outcome: TokenOutcome | 'unreadable') => void;
  log: Pick<Logger, 'info' | 'warn'>;
};

/** Tokens that are looked up at a time; their look-ups are one query. */
const AT_ONCE = 20;
const RETRY_SECONDS = 30;

/** The route that scanners report published keys to. */
export function leakRoute(deps: Deps): Route {
  const { origins, countReport, log } = deps;
  const [first, ...others] = origins.map((origin) => ORIGIN_FACTS[origin].scheme) as [SignedAccess['schemes'][number]];
  return signedRoute({
    operationId: 'receiveLeakReport',
    method: 'post',
    path: '/v1/hooks/leaks',
    tag: 'Incoming webhooks',
    summary: 'Receive a report of published keys',
    description:
      'Each token that is a key is recorded as `api_key.leaked` and answered as `leak_response` of its permission set says, revoked by default. Reports may be repeated: one that was taken changes nothing. GitHub is answered which tokens were keys; others get 204.',
    signature: {
      schemes: [first, ...others],
      verify: (body, signature, header) =>
        counted(deps, originOfReport(origins, header), deps.verify(body, signature, header)),
      refused({ code }, { requestId, header }) {
        const origin = originOfReport(origins, header) ?? 'none';
        countReport(origin, 'refused');
        log.warn({ request_id: requestId, origin, code }, 'leak report refused');
      },
    },
    body: LeakReport,
    responses: { 200: LeakLabels.optional() },
    mayBeEmpty: true,
    errors: ['issuer_unavailable', 'workos_unavailable'],
    async handle({ body, context }) {
      // The signature was verified, so there is one.
      const origin = originOfReport(origins, (name) => context.header(name))!;
      const taken = await counted(deps, origin, takeAll(deps, body, { ...context, origin }));
      const isWhole = taken.every(({ outcome }) => outcome !== 'unavailable');
      countReport(origin, isWhole ? 'taken' : 'unavailable');
      logTaken(log, { ...context, origin, unreadable: body.length - taken.length }, taken);
      if (!isWhole) throw unavailable();
      return ORIGIN_FACTS[origin].takesLabels ? labelsOf(taken) : undefined;
    },
  });
}

/** Counts a report that failed, and that its sender may send again. */
async function counted<T>(
  { countReport }: Pick<Deps, 'countReport'>,
  origin: LeakOrigin | undefined,
  work: Promise<T>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    countReport(origin ?? 'none', 'unavailable');
    throw error;
  }
}

type Taken = { reported: ReportedToken; outcome: TokenOutcome };
type Sent = Parameters<TakeTokens>[1];

async function takeAll({ takeTokens, countToken }: Deps, body: readonly unknown[], sent: Sent): Promise<Taken[]> {
  const taken: Taken[] = [];
  const read = body.flatMap((entry) => readToken(entry) ?? []);
  for (let from = 0; from < read.length; from += AT_ONCE) {
    const some = read.slice(from, from + AT_ONCE);
    const outcomes = await takeTokens(some, sent);
    taken.push(...some.map((reported, i) => ({ reported, outcome: outcomes[i]! })));
  }
  for (const { outcome } of taken) countToken(sent.origin, outcome);
  for (let i = read.length; i < body.length; i++) countToken(sent.origin, 'unreadable');
  return taken;
}

function labelsOf(taken: readonly Taken[]) {
  return taken.map(({ reported, outcome }) => ({
    token_hash: hash('sha256', reported.token),
    token_type: reported.type,
    label: outcome === 'unknown' ? ('false_positive' as const) : ('true_positive' as const),
  }));
}

type Logged = Pick<RequestContext, 'requestId'> & { origin: LeakOrigin; unreadable: number };

function logTaken(log: Deps['log'], { requestId, origin, unreadable }: Logged, taken: readonly Taken[]): void {
  const tokens = Object.fromEntries([...Map.groupBy(taken, ({ outcome }) => outcome)].map(([k, v]) => [k, v.length]));
  log.info({ request_id: requestId, origin, tokens, unreadable }, 'leak report taken');
}

function unavailable(): AppError {
  const message = 'Some of these tokens cannot be looked up now. Send the report again.';
  return new AppError('workos_unavailable', message, { details: { retry_after: RETRY_SECONDS } });
}
