import type { Difference } from './compare.ts';
import { describe } from './compare.ts';
import type { Specification } from './specification.ts';

/** Differences that the specification decides only on a close reading: the requests, the difference, the reason. */
type Explanation = { of: RegExp; says: RegExp; because: string };

const NO_CREATION = 'Theirs has no route that creates keys, so there is none to try this on.';

export const EXPLANATIONS: readonly Explanation[] = [
  { of: /API key|key of a user/, says: /404 there/, because: NO_CREATION },
  {
    of: /an organization/,
    says: /^`stripe_customer_id` only there$/,
    because: 'A string in the specification (line LINE), never null: it is left out where there is none.',
  },
  {
    of: /^create an organization, name missing$/,
    says: /^`errors\[\]\.message` only here$/,
    because: 'Where the specification describes errors of fields, some have a message, and none forbids it.',
  },
  {
    of: /^create a permission again$/,
    says: /^409 here, 422 there$/,
    because: 'The specification has `permission_slug_conflict` for it (line LINE).',
  },
  {
    of: /^set the permissions of a role$/,
    says: /^200 here, 404 there$/,
    because: 'Theirs has no such route; the specification has (line LINE).',
  },
  {
    of: /^list memberships of nobody$/,
    says: /^400 here, 200 there$/,
    because: 'The specification has `missing_user_id_or_organization_id` for it (line LINE).',
  },
  {
    of: /^create a machine application$/,
    says: /^`redirect_uris` only there$/,
    because: 'Of applications for people alone (line LINE), not of `m2m`.',
  },
  {
    of: /^validate an API key by key$/,
    says: /^422 here, 200 there$/,
    because: 'Theirs reads `key`; the request body of the specification requires `value`.',
  },
  {
    of: /^list events$/,
    says: /`data\[\]\.data\./,
    because: 'Theirs does not filter by `events=organization.created`, and shows another kind of event first.',
  },
  {
    of: /^refresh with a used token$/,
    says: /`(?:error|error_description|code|message)`/,
    because: '`invalid_grant` is one of those with `error` and `error_description`.',
  },
  {
    of: /^change a webhook endpoint$/,
    says: /^200 here, 404 there$/,
    because: 'Theirs has PUT; the specification has PATCH.',
  },
  {
    of: /^send an audit event$/,
    says: /^200 here, 422 there$/,
    because: 'Theirs wants an object as the action; in the specification it is a string.',
  },
];

type Of = { name: string; method: string; path: string; difference: Difference };

/** Returns why a difference is right; undefined when nothing explains it. `onUsed` receives the explanation. */
export function explain(
  specification: Specification,
  { name, method, path, difference }: Of,
  onUsed: (index: number) => void,
): string | undefined {
  const decided = decide(specification, { method, path, difference });
  if (decided !== undefined) return decided;
  const index = EXPLANATIONS.findIndex(({ of, says }) => of.test(name) && says.test(describe(difference)));
  if (index < 0) return undefined;
  onUsed(index);
  const line =
    difference.kind === 'status'
      ? specification.lineOfStatus(method, path, difference.here)
      : specification.lineOfField(method, path, { status: statusOf(difference), field: difference.field });
  return EXPLANATIONS[index]!.because.replace('LINE', String(line));
}

const statusOf = (difference: Difference): number => ('status' in difference ? difference.status : 0);

function decide(
  { lineOfStatus, lineOfField }: Specification,
  { method, path, difference }: Omit<Of, 'name'>,
): string | undefined {
  if (difference.kind === 'status') {
    const here = lineOfStatus(method, path, difference.here);
    const there = lineOfStatus(method, path, difference.there);
    if (here === undefined || there !== undefined) return undefined;
    return `The specification lists ${difference.here} (line ${here}), not ${difference.there}.`;
  }
  if (difference.kind === 'type') return undefined;
  const line = lineOfField(method, path, difference);
  if (difference.kind === 'only here') return line === undefined ? undefined : `In the specification (line ${line}).`;
  const answer = lineOfStatus(method, path, difference.status);
  if (answer === undefined) return 'Of an answer that the specification does not list.';
  if (line !== undefined) return undefined;
  return `Not in the specification (line ${answer}).`;
}
