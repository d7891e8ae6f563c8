import type { CiPreset } from '../../product/ci-rules.ts';

/** What the tokens of one kind of CI say, and which of it can be trusted. */
export type TokenRules = {
  /** Sets of claims with immutable ids. A policy pins all claims of one of them, by exact values. */
  pins: readonly Pins[];
  /** Values that match only a condition that lists them. */
  refused: Readonly<Record<string, readonly string[]>>;
  /** A condition on the first claim needs one on the second. */
  companions: Readonly<Record<string, string>>;
  /** Claims that the audit log has; none with a person's address. */
  recorded: readonly string[];
  /** Claims that a key has as metadata. */
  metadata: Readonly<Record<string, string>>;
};

/** `withMore`: a policy needs a further condition beside these. */
export type Pins = { claims: readonly string[]; withMore: boolean };

export type Issuer = {
  name: string;
  /** The preset whose rules hold. */
  kind: CiPreset | 'own';
  /** Its address; with `{organization}` where each organization of that CI has an issuer of its own. */
  url: string;
  algorithm: 'RS256' | 'ES256';
  rules: TokenRules;
};

const exactly = (...claims: string[]): Pins => ({ claims, withMore: false });

const GITHUB: TokenRules = {
  pins: [exactly('repository_id'), { claims: ['repository_owner_id'], withMore: true }],
  // They run with the rights of the base repository on what strangers send.
  refused: { event_name: ['pull_request_target', 'workflow_run'] },
  companions: {},
  recorded: [
    'repository',
    'repository_id',
    'repository_owner_id',
    'ref',
    'sha',
    'event_name',
    'environment',
    'workflow_ref',
    'job_workflow_ref',
    'run_id',
    'run_attempt',
    'actor',
  ],
  metadata: { run_id: 'ci_run', sha: 'ci_commit', actor: 'ci_actor' },
};

const GITLAB: TokenRules = {
  pins: [exactly('project_id')],
  refused: {},
  // A branch and a tag may have the same name.
  companions: { ref: 'ref_type' },
  recorded: [
    'project_path',
    'project_id',
    'namespace_id',
    'ref',
    'ref_type',
    'ref_protected',
    'sha',
    'environment',
    'pipeline_id',
    'pipeline_source',
    'job_id',
    'ci_config_ref_uri',
    'user_login',
  ],
  metadata: { pipeline_id: 'ci_run', sha: 'ci_commit', user_login: 'ci_actor' },
};

const BUILDKITE: TokenRules = {
  pins: [exactly('organization_id', 'pipeline_id')],
  refused: {},
  companions: {},
  recorded: [
    'organization_slug',
    'organization_id',
    'pipeline_slug',
    'pipeline_id',
    'build_number',
    'build_branch',
    'build_commit',
    'step_key',
    'job_id',
  ],
  metadata: { build_number: 'ci_run', build_commit: 'ci_commit' },
};

const PROJECT = 'oidc.circleci.com/project-id';
const SSH_RERUN = 'oidc.circleci.com/ssh-rerun';

const CIRCLECI: TokenRules = {
  pins: [exactly(PROJECT)],
  // A person with a shell in the job has its token.
  refused: { [SSH_RERUN]: ['true'] },
  companions: {},
  recorded: [PROJECT, SSH_RERUN, 'oidc.circleci.com/vcs-origin', 'oidc.circleci.com/vcs-ref'],
  metadata: {},
};

export const PRESETS: Readonly<Record<CiPreset, Pick<Issuer, 'url' | 'rules'>>> = {
  github: { url: 'https://token.actions.githubusercontent.com', rules: GITHUB },
  gitlab: { url: 'https://gitlab.com', rules: GITLAB },
  buildkite: { url: 'https://agent.buildkite.com', rules: BUILDKITE },
  circleci: { url: 'https://oidc.circleci.com/org/{organization}', rules: CIRCLECI },
};

/** The rules of an issuer of the operator's own. */
export function rulesWithPins(pins: readonly string[]): TokenRules {
  return { pins: [exactly(...pins)], refused: {}, companions: {}, recorded: [...pins, 'sub'], metadata: {} };
}
