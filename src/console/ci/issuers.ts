import type { CiPolicy, ProductCi } from '../../client/client.ts';
import type { PageWords } from '../words/words.ts';

export type Issuer = ProductCi['issuers'][number];

const KINDS: Readonly<Record<Issuer['kind'], string | undefined>> = {
  github: 'GitHub',
  gitlab: 'GitLab',
  buildkite: 'Buildkite',
  circleci: 'CircleCI',
  own: undefined,
};

/** A preset by the name of its CI, an issuer of the operator's own by the name that it has. */
export function issuerName(name: string): string {
  return KINDS[name as Issuer['kind']] ?? name;
}

/** The claims that a policy pins: the first set of its issuer of which all have exact values. */
export function pinnedClaims(issuer: Issuer | undefined, when: CiPolicy['when']): string[] {
  return issuer?.pins.find(({ claims }) => claims.every((claim) => isExact(when[claim])))?.claims ?? [];
}

/** Whether a condition is a value or a list of values. */
function isExact(condition: unknown): boolean {
  return condition !== undefined && (typeof condition !== 'object' || Array.isArray(condition));
}

/** A condition as a text. */
export function conditionText(condition: unknown): string {
  if (Array.isArray(condition)) return condition.map(String).join(', ');
  return typeof condition === 'object' && condition !== null ? (condition as { glob: string }).glob : String(condition);
}

/** Where the id is found that a claim has, and the command that prints it. */
export function pinHint(claim: string, { kind }: Issuer, w: PageWords): { text: string; command?: string | undefined } {
  if (kind === 'github' && claim === 'repository_id')
    return { text: w.hintRepository, command: 'gh api repos/OWNER/REPOSITORY --jq .id' };
  if (kind === 'github') return { text: w.hintOwner, command: 'gh api users/OWNER --jq .id' };
  if (kind === 'gitlab') return { text: w.hintProject };
  if (kind === 'buildkite') return { text: w.hintBuildkite };
  return { text: kind === 'circleci' ? w.hintCircleProject : w.hintPin };
}
