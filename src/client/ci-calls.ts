import type {
  CiPolicy,
  CreateCiPolicy,
  DeleteCiPolicy,
  ExchangeCiToken,
  ExchangedCiToken,
  ExplainedCiToken,
  JudgedCiPolicy,
  UpdateCiPolicy,
} from './ci-shapes.ts';
import type { PageQuery } from './key-shapes.ts';
import type { CallOptions, CreateOptions, Send } from './send.ts';
import type { Page } from './shapes.ts';

const TOKEN_EXCHANGE = {
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
};

/** Keys for CI jobs, where the product allows issuers. */
export function ciOf(send: Send) {
  const path = '/v1/ci/policies';
  const one = (id: string) => `${path}/${encodeURIComponent(id)}`;
  const open = <T>(to: string, body: object, call?: CreateOptions) =>
    send<T>('POST', to, { ...call, body, withoutToken: true });
  return {
    policies: {
      /** Lets jobs have keys. Needs `apikeys:write`, and every scope of `scopes`. */
      create: (policy: CreateCiPolicy, call?: CallOptions) => send<CiPolicy>('POST', path, { ...call, body: policy }),
      /** Lists the organization's policies, newest first. */
      list: (query?: PageQuery, call?: CallOptions) => send<Page<CiPolicy>>('GET', path, { ...call, query }),
      get: (id: string, call?: CallOptions) => send<CiPolicy>('GET', one(id), call),
      update: (id: string, change: UpdateCiPolicy, call?: CallOptions) =>
        send<CiPolicy>('PATCH', one(id), { ...call, body: change }),
      /** Judges a draft by the exchanges of the last 30 days, of one policy or of all of its issuer. Needs `audit:read`, too. */
      dryRun: (judged: { draft: CreateCiPolicy; policy?: string | undefined }, call?: CallOptions) =>
        send<JudgedCiPolicy>('POST', `${path}/dry-run`, { ...call, body: judged }),
      /** Ends all exchanges under a policy. Its keys live until their expiry, unless they are revoked, too. */
      delete: (id: string, query?: DeleteCiPolicy, call?: CallOptions) =>
        send<{ status: 'deleted'; revoked_keys: number }>('DELETE', one(id), { ...call, query }),
    },
    /** Exchanges the OIDC token of a CI job for a key or a CI session. Needs no credential; each token is good for one. */
    exchange: ({ token, ...wanted }: ExchangeCiToken, call?: CreateOptions) =>
      open<ExchangedCiToken>('/v1/ci/exchange', { ...TOKEN_EXCHANGE, subject_token: token, ...wanted }, call),
    /** Says which conditions of a policy a token fulfils, to a job of what the policy pins. The token stays unused. */
    explain: ({ policy, token }: Pick<ExchangeCiToken, 'policy' | 'token'>, call?: CallOptions) =>
      open<ExplainedCiToken>('/v1/ci/explain', { subject_token: token, policy }, call),
    /** Ends an exchanged key or CI session early. Resolves for every token. */
    revoke: (revokeToken: string, call?: CallOptions) =>
      open<Record<string, never>>('/v1/ci/revoke', { revoke_token: revokeToken }, call),
  };
}
