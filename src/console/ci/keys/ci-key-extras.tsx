import type { ApiKey } from '../../../client/client.ts';
import { useConsole } from '../../data/console.ts';
import { Choice } from '../../keys/filters.tsx';
import type { KeyExtras } from '../../keys/key-extras.ts';
import { Badge } from '../../parts/shown/badge.tsx';
import { usePageText } from '../../words/page-text.ts';
import { usePolicies } from '../policies-query.ts';
import css from './ci-key-extras.module.css';

/** Switches the list to the keys of CI jobs, which it hides otherwise. */
function Filter() {
  const { w } = usePageText();
  const { product, may } = useConsole();
  if (!product.ci || !may.readAll) return null;
  return (
    <Choice
      name="origin"
      label={w.madeBy}
      options={[
        ['', w.notOfCi],
        ['ci', w.ciKeys],
      ]}
    />
  );
}

/** Says that a CI job made a key, and under which policy. */
function Origin({ apiKey }: { apiKey: ApiKey }) {
  return apiKey.origin === 'ci' ? <OfCi policyId={apiKey.created_by.id} /> : null;
}

function OfCi({ policyId }: { policyId: string }) {
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

export const CI_KEYS: KeyExtras = { Filter, Origin };
