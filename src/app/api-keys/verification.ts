import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Policy } from '../../tenants/posture.ts';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import type { FastPath } from '../../http/fast-path/fast-path.ts';
import type { FailedCredentials } from '../../limits/guesses/failed-credentials.ts';
import { makeGiveBack } from '../../limits/leases/give-back.ts';
import type { Limiter } from '../../limits/limiter.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import { addTally } from '../../telemetry/metrics.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { RefreshAtWorkos } from '../../usage/refresh-workos-last-use.ts';
import type { NoteUse } from '../../usage/use.ts';
import type { KeyFormat } from '../../api-keys/format/key-format.ts';
import { traceFastPath } from '../../telemetry/trace-requests.ts';
import { traced } from '../../telemetry/tracing.ts';
import type { Tracing } from '../../telemetry/tracing.ts';
import { makeDecide, spanOfDecision } from '../../verification/decide.ts';
import type { Decide } from '../../verification/decide.ts';
import { OWN_FORWARD_FORM, makeForwardFastPath } from '../../verification/fast-path/forward-fast-path.ts';
import type { ForwardForm } from '../../verification/fast-path/forward-fast-path.ts';
import { makeKeyReadFastPath } from '../../verification/fast-path/key-read-fast-path.ts';
import type { KeyReadForm } from '../../verification/fast-path/key-read-fast-path.ts';
import { VERDICTS, makeJudge } from '../../verification/judge.ts';
import type { VerdictCode } from '../../verification/judge.ts';
import { makeKeyCallers } from '../../verification/key-callers.ts';
import { makeFindPresentedKey, makePeekPresentedKey } from '../../verification/presented-key.ts';
import { makeLookUpKey } from '../../verification/fast-path/look-up-key.ts';
import { makeFastPathLog } from '../../verification/fast-path/fast-path-log.ts';
import type { FastPathLog } from '../../verification/fast-path/fast-path-log.ts';
import type { KeyResolver, Source } from '../../verification/resolve-key.ts';
import { makeVerifyFastPath } from '../../verification/fast-path/verify-fast-path.ts';
import { OWN_VERIFY_FORM } from '../../verification/fast-path/verify-form.ts';
import type { VerifyForm } from '../../verification/fast-path/verify-form.ts';
import type { makeServiceTokens } from '../../auth/service-tokens.ts';
import type { SessionCookies } from '../../auth/session-cookie.ts';

type Deps = {
  config: Config;
  format: KeyFormat;
  cookies: SessionCookies;
  db: Knex;
  resolver: KeyResolver;
  failures: FailedCredentials;
  catalogue: Catalogue;
  policy: Policy;
  limiter: Limiter;
  noteUse: NoteUse;
  refreshAtWorkos: RefreshAtWorkos;
  findServiceToken: ReturnType<typeof makeServiceTokens>;
  metrics: Metrics;
  tracing: Tracing | undefined;
  log: Logger;
  clock: Clock;
};

/** Makes what decides on keys: for services, for proxies, and for callers of Latchkey's own routes. */
export function makeVerificationParts(deps: Deps) {
  const { config, format, cookies, resolver, findServiceToken, clock, metrics, tracing } = deps;
  const countVerdict = makeCountVerdict(metrics);
  const judge = makeJudge(deps.policy);
  const decide = makeDecide({ ...deps, judge, countVerdict });
  const giveBack = makeGiveBack(deps.limiter);
  const lookUpKey = makeLookUpKey(resolver, { isTracing: tracing !== undefined });
  const verifyAt = (form: VerifyForm): FastPath =>
    makeVerifyFastPath({
      findServiceToken,
      lookUpKey,
      decide,
      giveBack,
      log: fastPathLog(deps, form.path),
      form,
    });
  const forwardAt = (form: ForwardForm): FastPath =>
    makeForwardFastPath({
      isKey: format.recognizes,
      mayCarrySession: cookies.mayCarry,
      lookUpKey,
      judge,
      decide,
      log: fastPathLog(deps, form.path),
      trustProxyHops: config.trustProxyHops,
      now: clock,
      form,
    });
  const keyCallers = makeKeyCallers({ ...deps, countVerdict });
  const peekPresentedKey = makePeekPresentedKey({ peekKey: resolver.peekKey, clock });
  const readAt = (form: KeyReadForm): FastPath =>
    makeKeyReadFastPath({
      ...deps,
      isKey: format.recognizes,
      mayCarrySession: cookies.mayCarry,
      peekPresentedKey,
      keyCallers,
      log: fastPathLog(deps, form.path),
      trustProxyHops: config.trustProxyHops,
      form,
    });
  const fastPaths = [verifyAt(OWN_VERIFY_FORM), forwardAt(OWN_FORWARD_FORM)];
  // Fast paths make their spans afterwards.
  const decideApart = tracing
    ? traced(tracing, 'verify key', async (...asked: Parameters<Decide>) => decide(...asked), spanOfDecision)
    : decide;
  const findPresentedKey = makeFindPresentedKey({ ...deps, resolveKey: resolver.resolveKey, decide: decideApart });
  return { decide: decideApart, giveBack, fastPaths, verifyAt, forwardAt, readAt, findPresentedKey, keyCallers };
}

function makeCountVerdict(metrics: Metrics) {
  const verdicts = {
    name: 'latchkey_verifications_total',
    help: 'Verifications of keys, by verdict.',
    label: 'code',
  };
  const reads = {
    name: 'latchkey_key_reads_total',
    help: 'Verifications of keys, by where the key was found: in memory (cache), in the database (mirror), at WorkOS, or nowhere (none).',
    label: 'source',
  };
  const countCode = addTally(metrics, verdicts, VERDICTS);
  const countRead = addTally(metrics, reads, ['cache', 'mirror', 'workos', 'none']);
  return (code: VerdictCode, source: Source | undefined): void => {
    countCode(code);
    countRead(source ?? 'none');
  };
}

function fastPathLog({ log, metrics, tracing, config }: Deps, route: string): FastPathLog {
  const timers = new Map<string, { observe: (seconds: number) => void }>();
  const timerOf = (method: string, status: number) => {
    const name = `${method} ${status}`;
    const timer = timers.get(name) ?? metrics.requests.labels({ route, method, status: `${status}` });
    timers.set(name, timer);
    return timer;
  };
  return makeFastPathLog({
    log,
    route,
    traceAnswer: tracing && traceFastPath(tracing),
    acceptedShare: config.logAcceptedShare,
    observe: (method, status, seconds) => timerOf(method, status).observe(seconds),
  });
}
