import { useEffect, useState } from 'preact/hooks';
import type { CreateApiKey, CreatedApiKey } from '../../client/client.ts';
import { useConsole } from '../data/console.ts';
import { SecretPanel } from '../secret/secret-panel.tsx';
import { useSecrets } from '../secret/secrets.tsx';
import { useAttempt } from '../dialogs/use-attempt.ts';
import { useQueryString } from '../data/location.ts';
import { Button } from '../parts/controls/button.tsx';
import { Dialog, DialogForm } from '../parts/controls/dialog.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { useSessionControl } from '../session/session-control.ts';
import { fieldErrors } from '../words/messages.ts';
import { useText } from '../words/text.ts';
import { CreateFields } from './create-fields.tsx';
import { firstDraft, readDraft } from './draft.ts';

/** Makes a key in one step, and shows its secret. */
export function CreateDialog({ onClose }: { onClose: () => void }) {
  const { w } = useText();
  const { create } = useConsole().product.console;
  const { remember } = useSecrets();
  const [made, setMade] = useState<CreatedApiKey | undefined>(undefined);
  const done = () => {
    remember(made!.id, made!.value);
    onClose();
  };
  return (
    <Dialog title={made ? w.keyMade(made.label) : create} isWide isGuarded={made !== undefined} onClose={onClose}>
      {made ? (
        <SecretPanel secret={made.value} isOnce onDone={done} />
      ) : (
        <CreateForm onClose={onClose} onMade={setMade} />
      )}
    </Dialog>
  );
}

function CreateForm({ onClose, onMade }: { onClose: () => void; onMade: (key: CreatedApiKey) => void }) {
  const { w } = useText();
  const facts = useConsole();
  const { query } = useQueryString();
  const [draft, setDraft] = useState(() => firstDraft(facts, query));
  const attempt = useCreation(onMade);
  const [isTried, setTried] = useState(false);
  const missing = isTried && draft.label.trim() === '' ? { label: w.nameMissing } : {};
  const create = () => {
    setTried(true);
    if (draft.label.trim() !== '' && !attempt.isPending) attempt.mutate(readDraft(draft));
  };
  return (
    <DialogForm
      onSubmit={create}
      foot={
        <>
          <Button onClick={onClose}>{w.cancel}</Button>
          <Button type="submit" kind="primary" isBusy={attempt.isPending}>
            {attempt.isUncertain ? w.tryAgain : facts.product.console.create}
          </Button>
        </>
      }
    >
      <CreateFields
        draft={draft}
        // What arrives late changes the draft as it is by then, not as it was drawn.
        onDraft={(change) => setDraft((now) => ({ ...now, ...change }))}
        errors={{ ...fieldErrors(attempt.error), ...missing }}
        isOff={attempt.isUncertain || attempt.isPending}
      />
      {attempt.error && <ErrorBox error={attempt.error} />}
      {attempt.isUncertain && <p>{w.uncertainCreation}</p>}
    </DialogForm>
  );
}

function useCreation(onMade: (key: CreatedApiKey) => void) {
  const { client } = useSessionControl();
  const attempt = useAttempt((key: CreateApiKey, idempotencyKey) => client.keys.create(key, { idempotencyKey }));
  useEffect(() => {
    if (attempt.data) onMade(attempt.data);
  }, [attempt.data]);
  return attempt;
}
