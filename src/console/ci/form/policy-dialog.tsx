import { useState } from 'preact/hooks';
import type { CiPolicy, UpdateCiPolicy } from '../../../client/client.ts';
import { useConsole } from '../../data/console.ts';
import { useAnnounce } from '../../parts/announce.tsx';
import { Button } from '../../parts/controls/button.tsx';
import { Dialog, DialogForm } from '../../parts/controls/dialog.tsx';
import { ErrorBox } from '../../parts/shown/error-box.tsx';
import { usePageText } from '../../words/page-text.ts';
import { usePolicyForm } from '../policies-query.ts';
import { PolicyFields } from './policy-fields.tsx';
import { draftOf, firstPolicy, readPolicy, repeatedConditions } from './policy-draft.ts';
import type { PolicyDraft } from './policy-draft.ts';
import { policyErrors } from './policy-errors.ts';
import { TryDraft, useTrial } from './try-draft.tsx';

type Props = { policy?: CiPolicy | undefined; onClose: () => void; onSaved: (policy: CiPolicy) => void };

/** Makes a policy, or changes one. */
export function PolicyDialog({ policy, onClose, onSaved }: Props) {
  const { w } = usePageText();
  return (
    <Dialog title={policy ? w.editPolicy : w.newPolicy} isWide onClose={onClose}>
      <PolicyForm policy={policy} onClose={onClose} onSaved={onSaved} />
    </Dialog>
  );
}

function PolicyForm({ policy, onClose, onSaved }: Props) {
  const { w } = usePageText();
  const ci = useConsole().product.ci!;
  const issuerOf = (name: string) => ci.issuers.find((issuer) => issuer.name === name);
  const [draft, setDraft] = useState(() => (policy ? draftOf(policy, issuerOf(policy.issuer)) : firstPolicy(ci)));
  const issuer = issuerOf(draft.issuer);
  const saving = useSaving(policy, onSaved);
  const trial = useTrial(policy?.id);
  const repeated = repeatedConditions(draft, issuer);
  const read = () => (repeated.size > 0 ? undefined : readPolicy(draft, issuer));
  const save = () => {
    const wanted = read();
    trial.reset();
    if (wanted && !saving.isPending) saving.mutate(wanted);
  };
  const error = saving.error ?? trial.error;
  return (
    <DialogForm
      onSubmit={save}
      foot={
        <>
          <Button onClick={onClose}>{w.cancel}</Button>
          <Button type="submit" kind="primary" isBusy={saving.isPending}>
            {policy ? w.save : w.createPolicy}
          </Button>
        </>
      }
    >
      <PolicyFields
        draft={draft}
        issuer={issuer}
        isNew={policy === undefined}
        repeated={repeated}
        errors={policyErrors(error)}
        isOff={saving.isPending}
        onDraft={(change: Partial<PolicyDraft>) => setDraft((now) => ({ ...now, ...change }))}
      />
      <TryDraft
        trial={trial}
        onTry={() => {
          const wanted = read();
          saving.reset();
          if (wanted) trial.mutate({ ...wanted, enabled: true });
        }}
      />
      {error && <ErrorBox error={error} />}
    </DialogForm>
  );
}

function useSaving(policy: CiPolicy | undefined, onSaved: (policy: CiPolicy) => void) {
  const { w } = usePageText();
  const announce = useAnnounce();
  return usePolicyForm(
    ({ ci }, wanted: ReturnType<typeof readPolicy>) =>
      policy ? ci.policies.update(policy.id, changeable(wanted)) : ci.policies.create(wanted),
    (saved) => {
      announce(policy ? w.saved : w.policyCreated(saved.name));
      onSaved(saved);
    },
  );
}

/** The issuer of a policy stays as it is. */
function changeable({ issuer: _issuer, issuer_organization: _of, ...change }: ReturnType<typeof readPolicy>) {
  return change satisfies UpdateCiPolicy;
}
