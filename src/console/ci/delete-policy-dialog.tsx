import { useState } from 'preact/hooks';
import type { CiPolicy } from '../../client/client.ts';
import { useAnnounce } from '../parts/announce.tsx';
import { Button } from '../parts/controls/button.tsx';
import { Radios } from '../parts/controls/choices.tsx';
import choices from '../parts/controls/choices.module.css';
import { Dialog, DialogForm } from '../parts/controls/dialog.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { usePageText } from '../words/page-text.ts';
import { usePolicyForm } from './policies-query.ts';

type Props = { policy: CiPolicy; onClose: () => void; onDeleted: () => void };

/** Ends a policy, and, if so chosen, the keys that it gave. */
export function DeletePolicyDialog({ policy, onClose, onDeleted }: Props) {
  const { w } = usePageText();
  return (
    <Dialog title={w.deletePolicy} onClose={onClose}>
      <DeleteForm policy={policy} onClose={onClose} onDeleted={onDeleted} />
    </Dialog>
  );
}

function DeleteForm({ policy, onClose, onDeleted }: Props) {
  const { w, f } = usePageText();
  const announce = useAnnounce();
  const [keys, setKeys] = useState<'keep' | 'revoke'>('keep');
  const deletion = usePolicyForm(
    ({ ci }, revokes: boolean) => ci.policies.delete(policy.id, { revoke_keys: revokes }),
    ({ revoked_keys: revoked }) => {
      const { name } = policy;
      announce(revoked === 0 ? w.deletedNamed(name) : w.deletedWithKeys(name, revoked, f.number(revoked)));
      onDeleted();
    },
  );
  return (
    <DialogForm
      onSubmit={() => {
        if (!deletion.isPending) deletion.mutate(keys === 'revoke');
      }}
      foot={
        <>
          <Button onClick={onClose}>{w.cancel}</Button>
          <Button type="submit" kind="danger" isBusy={deletion.isPending}>
            {w.delete}
          </Button>
        </>
      }
    >
      <p>
        <strong>
          <bdi>{policy.name}</bdi>
        </strong>
      </p>
      <p>{w.deleteHelp}</p>
      <div class={choices.fields}>
        <Radios
          legend={w.keysOfPolicy}
          value={keys}
          options={[
            ['keep', w.keepKeys(f.duration(policy.max_lifetime_seconds))],
            ['revoke', w.revokeKeys],
          ]}
          onValue={setKeys}
        />
      </div>
      {deletion.error && <ErrorBox error={deletion.error} />}
    </DialogForm>
  );
}
