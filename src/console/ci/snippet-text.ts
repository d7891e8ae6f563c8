import type { CiPolicy } from '../../client/client.ts';
import type { Issuer } from './issuers.ts';

export type SnippetPolicy = Pick<CiPolicy, 'id' | 'audience' | 'issue' | 'permission_sets' | 'scopes'>;
type Place = { url: string; variable: string };

/** Lines for a job of an issuer's CI, which runs a program with a key of the policy. */
export function snippetOf(kind: Issuer['kind'], policy: SnippetPolicy, { url, variable }: Place): string {
  const isSession = policy.issue === 'session';
  const flags = [
    `--url ${url}`,
    `--policy ${policy.id}`,
    // GitLab puts the token into the job by itself, for the audience that its file names.
    ...(kind === 'gitlab' ? [] : [`--audience ${policy.audience}`]),
    ...(isSession ? [] : chosenOf(policy)),
    `--env ${isSession ? 'LATCHKEY_TOKEN' : variable}`,
  ];
  const command = ['npx --yes latchkey ci exec', ...flags, `-- ${isSession ? './provision-runners' : './deploy'}`];
  if (kind === 'gitlab') return lines(gitlabHead(policy.audience), command);
  return kind === 'github' ? lines(GITHUB_HEAD, command) : command.join(' \\\n  ');
}

const GITHUB_HEAD = ['permissions:', '  id-token: write', '  contents: read', 'steps:', '  - run: >-'];

const gitlabHead = (audience: string) => [
  'deploy:',
  '  id_tokens:',
  `    LATCHKEY_ID_TOKEN: { aud: '${audience}' }`,
  '  script:',
  '    - >-',
];

/** What the job must say where the policy leaves a choice. */
function chosenOf({ permission_sets: sets, scopes }: SnippetPolicy): string[] {
  const [first, ...others] = [...sets, ...scopes];
  return sets.length > 0 && others.length > 0 ? [`--permission-set ${first}`] : [];
}

/** YAML whose folded text becomes one line again. */
function lines(head: readonly string[], command: readonly string[]): string {
  return [...head, ...command.map((line) => `      ${line}`)].join('\n');
}
