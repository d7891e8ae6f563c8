import type { CiPolicy } from '../../client/client.ts';
import { useConsole } from '../data/console.ts';
import { useQueryString } from '../data/location.ts';
import { Button } from '../parts/controls/button.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { FlowIcon, PlusIcon } from '../parts/shown/icons.tsx';
import { Loading } from '../parts/shown/loading.tsx';
import { Title } from '../parts/title.tsx';
import records from '../records/records.module.css';
import { obstacleText } from '../words/obstacles.ts';
import { usePageText } from '../words/page-text.ts';
import css from './ci-screen.module.css';
import { DeletePolicyDialog } from './delete-policy-dialog.tsx';
import { PolicyDialog } from './form/policy-dialog.tsx';
import { usePolicies } from './policies-query.ts';
import { PolicyEntry } from './policy-entry.tsx';
import { Snippet } from './snippet.tsx';

/** Whose CI jobs get keys. Which policy and which dialog is open is in the address. */
export function CiScreen() {
  const { w } = usePageText();
  const { product } = useConsole();
  if (!product.ci) return <h1>{w.notFound}</h1>;
  return (
    <>
      <Title text={w.ci} />
      <Policies guide={product.ci.guide_url} />
    </>
  );
}

function Policies({ guide }: { guide: string | null }) {
  const { w } = usePageText();
  const { product, may } = useConsole();
  const { data: policies, error, isPending, refetch } = usePolicies();
  return (
    <>
      <header class={records.head}>
        <div>
          <h1>{w.ci}</h1>
          <p class={css.help}>
            {w.ciHelp(product.name)} {guide !== null && <a href={guide}>{w.ciGuide}</a>}
          </p>
        </div>
        {may.readAll && policies?.length !== 0 && <NewPolicy />}
      </header>
      {error && <ErrorBox error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading rows={4} />}
      {policies?.length === 0 && <NoPolicies />}
      {policies && policies.length > 0 && (
        <div class={records.frame}>
          {policies.map((policy) => (
            <PolicyEntry key={policy.id} policy={policy} />
          ))}
        </div>
      )}
      {policies && <PolicyDialogs policies={policies} />}
    </>
  );
}

function NewPolicy() {
  const { w } = usePageText();
  const facts = useConsole();
  const { set } = useQueryString();
  return (
    <Button
      kind="primary"
      obstacle={obstacleText(facts.may.administer, facts, w)}
      onClick={() => set({ dialog: 'policy', policy: undefined }, { push: true })}
    >
      <PlusIcon />
      {w.newPolicy}
    </Button>
  );
}

function NoPolicies() {
  const { w } = usePageText();
  const { product, organization } = useConsole();
  const { audience, issuers } = product.ci!;
  const first = issuers[0]!;
  return (
    <div class={records.empty}>
      <span class={css.mark}>
        <FlowIcon size={20} />
      </span>
      <h2>{w.noPolicies}</h2>
      <p class={css.help}>{w.noPoliciesHelp}</p>
      <Snippet
        kind={first.kind}
        policy={{
          id: 'cipol_…',
          audience: `${audience}/ci/${organization.id}`,
          issue: 'api_key',
          // With one, the lines have no choice to make.
          permission_sets: ['…'],
          scopes: [],
        }}
      />
      <NewPolicy />
    </div>
  );
}

/** The dialog that the address names, if the caller may have it. */
function PolicyDialogs({ policies }: { policies: readonly CiPolicy[] }) {
  const { query, set } = useQueryString();
  const { may } = useConsole();
  const { dialog, policy: id } = query;
  const policy = policies.find((each) => each.id === id);
  const close = () => set({ dialog: undefined });
  const show = (saved: Pick<CiPolicy, 'id'>) => set({ dialog: undefined, policy: saved.id });
  if (dialog === 'policy' && may.administer === undefined) {
    // An address with a policy that is gone makes no new one.
    if (id !== undefined && policy === undefined) return null;
    return <PolicyDialog key={id} policy={policy} onClose={close} onSaved={show} />;
  }
  if (dialog !== 'policy-delete' || policy === undefined) return null;
  const forget = () => set({ dialog: undefined, policy: undefined });
  return <DeletePolicyDialog key={id} policy={policy} onClose={close} onDeleted={forget} />;
}
