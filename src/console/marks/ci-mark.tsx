import { Badge } from '../parts/shown/badge.tsx';
import { usePageText } from '../words/page-text.ts';
import { usePolicies } from '../ci/policies-query.ts';
import css from './ci-mark.module.css';

/** Says that a CI job made a key, and under which policy. */
export function CiMark({ policyId }: { policyId: string }) {
  return (
    <>
      <Badge tone="info">CI</Badge>
      <span class={css.policy}>
        <PolicyName id={policyId} />
      </span>
    </>
  );
}

/** The name of a policy, as a link to it; of one that was deleted, that it was. */
export function PolicyName({ id }: { id: string }) {
  const { w } = usePageText();
  const { data } = usePolicies();
  if (!data) return null;
  const policy = data.find((each) => each.id === id);
  if (!policy) return <span title={id}>{w.ciPolicyGone}</span>;
  return (
    <a dir="auto" title={policy.name} href={`/console/ci?policy=${encodeURIComponent(id)}`}>
      {policy.name}
    </a>
  );
}
