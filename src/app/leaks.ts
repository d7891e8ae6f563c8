import { AppError } from '../errors.ts';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { Counter } from 'prom-client';
import { makeSuspendHere } from '../api-keys/suspension/suspend-key.ts';
import { makeKeyRevocation } from '../api-keys/revoke-key.ts';
import type { KeyRepository } from '../api-keys/rows/key-repository.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { makeFetchJson } from '../ci/issuers/fetch-json.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Route } from '../http/route.ts';
import { leakRoute } from '../leaks/leak-routes.ts';
import { makeOriginKeys } from '../leaks/origin-keys.ts';
import type { KeyOfOrigin } from '../leaks/origin-keys.ts';
import type { LeakOrigin } from '../leaks/origins.ts';
import { makeTakeTokens } from '../leaks/take-tokens.ts';
import { makeVerifyReport } from '../leaks/verify-report.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { isUnresolved } from '../verification/resolve-key.ts';
import type { ResolveKey } from '../verification/resolve-key.ts';
import type { Budgets } from './api-keys/budgets.ts';

type Deps = Omit<Parameters<typeof makeKeyRevocation>[0], 'keyChanges' | 'keys'> & {
  config: Pick<Config, 'leakKeyLists'>;
  db: Knex;
  keys: KeyRepository;
  resolveKey: ResolveKey;
  catalogue: Pick<Catalogue, 'leakResponseOf'>;
  budgets: Pick<Budgets, 'keyChanges'>;
  metrics: Pick<Metrics, 'registry'>;
  audit: AuditLog;
  clock: Clock;
  log: Pick<Logger, 'info' | 'warn'>;
};

/** The route for reports of published keys, if any of their senders is on. */
export function makeLeakRoutes(deps: Deps): Route[] {
  const { config, metrics, keys, catalogue, log } = deps;
  const [first, ...others] = config.leakKeyLists.map(({ origin }) => origin);
  if (first === undefined) return [];
  const takeTokens = makeTakeTokens({
    ...deps,
    findKey: makeFindLeaked(deps.resolveKey),
    lockKey: keys.lock,
    markLeaked: keys.markLeaked,
    revocation: makeKeyRevocation({ ...deps, keyChanges: deps.budgets.keyChanges }),
    suspendHere: makeSuspendHere(deps),
    responseOf: catalogue.leakResponseOf,
  });
  return [
    leakRoute({
      origins: [first, ...others],
      verify: makeVerifyReport(keysOfOrigins(deps)),
      takeTokens,
      ...countersIn(metrics.registry),
      log,
    }),
  ];
}

function countersIn(
  registry: Metrics['registry'],
): Pick<Parameters<typeof leakRoute>[0], 'countReport' | 'countToken'> {
  const labels = { labelNames: ['origin', 'outcome'] as const, registers: [registry] };
  const reports = new Counter({
    name: 'latchkey_leak_reports_total',
    help: 'Reports of published keys, by origin and outcome.',
    ...labels,
  });
  const tokens = new Counter({
    name: 'latchkey_leaked_tokens_total',
    help: 'Tokens in reports of published keys, by origin and what became of them.',
    ...labels,
  });
  return {
    countReport: (origin, outcome) => reports.inc({ origin, outcome }),
    countToken: (origin, outcome) => tokens.inc({ origin, outcome }),
  };
}

function keysOfOrigins({ config, clock, log }: Deps): ReadonlyMap<LeakOrigin, KeyOfOrigin> {
  return new Map(
    config.leakKeyLists.map(({ origin, address }): [LeakOrigin, KeyOfOrigin] => {
      const { protocol, origin: own } = new URL(address);
      // The operator may name an address of this machine, and nothing there can redirect elsewhere.
      const fetchJson = makeFetchJson({ localOrigin: protocol === 'http:' ? own : undefined });
      return [origin, makeOriginKeys({ origin, address, fetchJson, clock, log })];
    }),
  );
}

/** Finds keys as verification does. Reports are signed, so an unknown token counts against no address. */
function makeFindLeaked(resolveKey: ResolveKey): Parameters<typeof makeTakeTokens>[0]['findKey'] {
  return async (token, ip) => {
    const found = await resolveKey(token, { guesser: { address: ip }, counted: false });
    if (!found) return undefined;
    // It counts against no address, so that there was only no room to check it: the scanner sends it again.
    if (isUnresolved(found)) throw new AppError('workos_unavailable', 'The token cannot be looked up now.');
    const { organizationId, keyId } = found.record;
    return { organizationId, keyId };
  };
}
