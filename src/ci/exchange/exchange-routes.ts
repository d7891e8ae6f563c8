import type { ViewKey } from '../../api-keys/key-schemas.ts';
import type { makeFindKey } from '../../api-keys/find-key.ts';
import type { ProvisionedKey } from '../../api-keys/provision-key.ts';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import { publicRoute } from '../../http/route.ts';
import type { RequestContext, Route } from '../../http/route.ts';
import type { RunOnce } from '../../idempotency/run-once.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import { beyondPolicy } from '../policies/ceiling.ts';
import { ulidOf } from '../revoke/revoke-tokens.ts';
import type { RevokeTokens } from '../revoke/revoke-tokens.ts';
import type { IssuedSession, IssueSession } from '../sessions/issue-session.ts';
import { API_KEY_TYPE, Exchanged, SESSION_TYPE, TOKEN_TYPES } from './exchange-schemas.ts';
import type { ExchangeBody, makeExchangeBody } from './exchange-schemas.ts';
import type { IssueKey } from './issue-key.ts';
import { callerOf } from './prove-job.ts';
import type { ProveJob, ProvenJob } from './prove-job.ts';
import { wantedKey } from './wanted-key.ts';
import { wantedSession } from './wanted-session.ts';

type Deps = {
  body: ReturnType<typeof makeExchangeBody>;
  proveJob: ProveJob;
  issueKey: IssueKey;
  issueSession: IssueSession;
  runOnce: RunOnce;
  findKey: ReturnType<typeof makeFindKey>;
  viewKey: ViewKey;
  revokeTokens: Pick<RevokeTokens, 'make'>;
  catalogue: Pick<Catalogue, 'scopesOf' | 'chosenScopes'>;
  /** Counts an exchange by the name of its issuer. */
  count: (issuer: string, outcome: 'exchanged' | 'refused') => void;
  clock: Clock;
};

/** The route by which a CI job gets a key for its token. */
export function exchangeRoute(deps: Deps): Route {
  return publicRoute({
    operationId: 'exchangeCiToken',
    method: 'post',
    path: '/v1/ci/exchange',
    tag: 'CI',
    summary: 'Exchange the token of a CI job for a key or a CI session',
    description:
      "A token exchange in the words of RFC 8693, without a credential: the job's OIDC token proves it to the named policy. Each token is good for one key or, where the policy says so, for one CI session: 15 minutes in which the job creates keys of the policy. A refusal says nothing until the token is known to be of the repository or project that the policy pins; then `details.mismatch` names the conditions that failed.",
    body: deps.body,
    responses: { 200: Exchanged },
    idempotent: true,
    errors: [
      'credential_invalid',
      'credential_expired',
      'permission_denied',
      'ci_token_used',
      'key_limit_reached',
      'billing_inactive',
      'rate_limited',
      'issuer_unavailable',
      'workos_rejected',
      'workos_unavailable',
      'database_unavailable',
    ],
    handle: ({ body, context }) => exchange(deps, body, context),
  });
}

async function exchange(deps: Deps, body: ExchangeBody, context: RequestContext) {
  const job = await deps.proveJob({ policyId: body.policy, token: body.subject_token }, context);
  const { name } = job.issuer;
  const issued = TOKEN_TYPES[job.policy.issue];
  if (body.requested_token_type !== undefined && body.requested_token_type !== issued)
    throw beyondPolicy({ requested_token_type: issued });
  try {
    const answer = await (issued === API_KEY_TYPE ? forKey : forSession)(deps, job, body, context);
    deps.count(name, 'exchanged');
    return answer;
  } catch (error) {
    if (error instanceof AppError && error.status < 500) deps.count(name, 'refused');
    throw error;
  }
}

function forKey(deps: Deps, job: ProvenJob, body: ExchangeBody, context: RequestContext) {
  const template = wantedKey(job, body, deps.catalogue, deps.clock());
  return deps.runOnce(
    { caller: callerOf(job), context, route: 'exchangeCiToken', sent: body },
    {
      view: (made: ProvisionedKey) => viewKeyExchange(deps, made),
      async renew({ api_key: stored, access_token: value }) {
        return viewKeyExchange(deps, { key: await deps.findKey(job.policy.organizationId, stored.id), value });
      },
      run: (repeatable) => deps.issueKey(job, template, context, repeatable),
    },
  );
}

function forSession(deps: Deps, job: ProvenJob, body: ExchangeBody, context: RequestContext) {
  const seconds = wantedSession(body);
  return deps.runOnce(
    { caller: callerOf(job), context, route: 'exchangeCiTokenForSession', sent: body },
    {
      view: (made: IssuedSession) => viewSessionExchange(deps, made),
      renew: (stored) =>
        Promise.resolve({ ...stored, expires_in: secondsUntil(new Date(stored.session.expires_at), deps.clock()) }),
      run: (repeatable) => deps.issueSession(job, seconds, context, repeatable),
    },
  );
}

function viewKeyExchange({ viewKey, revokeTokens, clock }: Deps, { key, value }: ProvisionedKey) {
  const now = clock();
  return {
    access_token: value,
    issued_token_type: API_KEY_TYPE,
    token_type: 'Bearer' as const,
    expires_in: secondsUntil(key.expiresAt ?? now, now),
    api_key: viewKey(key, { now }),
    revoke_token: revokeTokens.make({ kind: 'key', ...key }),
  };
}

function viewSessionExchange({ revokeTokens, clock }: Deps, { session, token }: IssuedSession) {
  const { organizationId, id, policyId, expiresAt } = session;
  return {
    access_token: token,
    issued_token_type: SESSION_TYPE,
    token_type: 'Bearer' as const,
    expires_in: secondsUntil(expiresAt, clock()),
    session: { id, policy: policyId, expires_at: expiresAt.toISOString() },
    revoke_token: revokeTokens.make({ kind: 'session', organizationId, rowId: ulidOf(id) }),
  };
}

function secondsUntil(at: Date, now: Date): number {
  return Math.max(0, Math.floor((at.getTime() - now.getTime()) / 1_000));
}
