import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { HttpError } from '../http/http-error.ts';
import type { Reply, Request, Route } from '../http/route.ts';
import type { SigningKey } from '../tokens/signing-keys.ts';

/** The CIs whose tokens are issued here; `builds` stands for an issuer of the operator's own, and signs with ES256. */
export const CI_NAMES = ['github', 'gitlab', 'buildkite', 'circleci', 'builds'] as const;
export type CiName = (typeof CI_NAMES)[number];

/** CircleCI has an issuer for each organization; this is the one that is here. */
export const CIRCLECI_ORGANIZATION = '4f2e8d10-0000-4000-8000-000000000001';
const PATHS: Readonly<Record<CiName, string>> = {
  github: 'github',
  gitlab: 'gitlab',
  buildkite: 'buildkite',
  circleci: `circleci/org/${CIRCLECI_ORGANIZATION}`,
  builds: 'builds',
};

const TOKEN_SECONDS = 300;
const MAX_CLAIMS = 64;

type Deps = { clock: Clock; keyOfCi: (name: CiName) => Promise<SigningKey>; url: () => string };

/** What a job's token says unless a request says otherwise. */
const CLAIMS: Readonly<Record<CiName, Readonly<Record<string, string>>>> = {
  github: {
    sub: 'repo:acme@12/app@987:environment:production',
    repository: 'acme/app',
    repository_id: '987',
    repository_owner: 'acme',
    repository_owner_id: '12',
    ref: 'refs/heads/main',
    ref_type: 'branch',
    sha: '0123456789abcdef0123456789abcdef01234567',
    event_name: 'push',
    environment: 'production',
    workflow_ref: 'acme/app/.github/workflows/deploy.yml@refs/heads/main',
    job_workflow_ref: 'acme/app/.github/workflows/deploy.yml@refs/heads/main',
    run_id: '4711',
    run_attempt: '1',
    actor: 'octocat',
  },
  gitlab: {
    sub: 'project_path:acme/app:ref_type:branch:ref:main',
    project_path: 'acme/app',
    project_id: '987',
    namespace_id: '12',
    ref: 'main',
    ref_type: 'branch',
    ref_protected: 'true',
    sha: '0123456789abcdef0123456789abcdef01234567',
    environment: 'production',
    pipeline_id: '4711',
    pipeline_source: 'push',
    job_id: '42',
    user_login: 'octocat',
  },
  // As `buildkite-agent oidc request-token --claims organization_id,pipeline_id` gives them; it names no id of the token.
  buildkite: {
    sub: 'organization:acme:pipeline:app:ref:refs/heads/main:commit:0123456789abcdef0123456789abcdef01234567:step:deploy',
    organization_slug: 'acme',
    organization_id: '0184990a-477b-4fa8-9968-496074483cee',
    pipeline_slug: 'app',
    pipeline_id: '0184990a-4782-42b5-afc1-16715b10b8ff',
    build_number: '4711',
    build_branch: 'main',
    build_commit: '0123456789abcdef0123456789abcdef01234567',
    step_key: 'deploy',
    job_id: '0184990a-4786-4f3a-9a4f-000000000042',
  },
  circleci: {
    sub: `org/${CIRCLECI_ORGANIZATION}/project/7e2c1f0a-0000-4000-8000-000000000987/user/1`,
    'oidc.circleci.com/project-id': '7e2c1f0a-0000-4000-8000-000000000987',
    'oidc.circleci.com/ssh-rerun': 'false',
    'oidc.circleci.com/vcs-origin': 'github.com/acme/app',
    'oidc.circleci.com/vcs-ref': 'refs/heads/main',
  },
  builds: { sub: 'project:987', project: '987', job: '42' },
};
/** CIs whose tokens have no id, so that the token itself is what is used up. */
const WITHOUT_ID: readonly CiName[] = ['buildkite', 'circleci'];

/**
 * Stands in for the OIDC issuers of CIs: discovery, JWKS, and `GET …/token`, which issues a token as GitHub's runner asks for
 * it. Each query parameter but `audience` is a claim.
 */
export function ciRoutes(deps: Deps): Route[] {
  const { url, keyOfCi } = deps;
  return CI_NAMES.flatMap((name): Route[] => {
    const issuer = () => issuerOf(name, url());
    const get = (path: string, handle: Route['handle']): Route => {
      return { method: 'get', path: `/_ci/${PATHS[name]}/${path}`, access: 'public', handle };
    };
    return [
      get('.well-known/openid-configuration', () => ({
        status: 200,
        body: {
          issuer: issuer(),
          jwks_uri: `${issuer()}/jwks`,
          id_token_signing_alg_values_supported: [name === 'builds' ? 'ES256' : 'RS256'],
        },
      })),
      get('jwks', async () => ({ status: 200, body: (await keyOfCi(name)).jwks })),
      get('token', (request) => issue(deps, name, request)),
    ];
  });
}

export function issuerOf(name: CiName, url: string): string {
  return `${url}/_ci/${PATHS[name]}`;
}

/** The claims of a job's token, with those that replace them. */
export function claimsOf(name: CiName, { clock, url }: Pick<Deps, 'clock' | 'url'>, own: object): object {
  const issuedAt = Math.floor(clock().getTime() / 1_000);
  return {
    ...CLAIMS[name],
    iss: issuerOf(name, url()),
    ...(!WITHOUT_ID.includes(name) && { jti: randomUUID() }),
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + TOKEN_SECONDS,
    ...own,
  };
}

async function issue(deps: Deps, name: CiName, { query, headers }: Request): Promise<Reply> {
  // GitHub's runner gives each job a token of its own for this request; here any will do.
  if (!/^bearer \S+$/i.test(headers.authorization ?? '')) throw new HttpError(401, { message: 'Send a bearer token.' });
  const { audience, ...claims } = z
    .record(z.string(), z.string())
    .parse(Object.fromEntries([...query].slice(0, MAX_CLAIMS)));
  if (audience === undefined) throw new HttpError(400, { message: 'Give an audience.' });
  const value = await (await deps.keyOfCi(name)).sign(claimsOf(name, deps, { aud: audience, ...claims }));
  return { status: 200, body: { value } };
}
