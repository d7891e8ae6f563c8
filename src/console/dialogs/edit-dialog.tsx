import { useQueryClient } from '@tanstack/preact-query';
import { useEffect, useState } from 'preact/hooks';
import type { ApiKey, UpdateApiKey } from '../../client/client.ts';
import { useConsole } from '../data/console.ts';
import { useAnnounce } from '../parts/announce.tsx';
import { Button } from '../parts/controls/button.tsx';
import { Dialog, DialogForm } from '../parts/controls/dialog.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { TextField } from '../parts/controls/field.tsx';
import { useSessionControl } from '../session/session-control.ts';
import { fieldErrors } from '../words/messages.ts';
import { useText } from '../words/text.ts';
import { ExpiryField } from '../settings/expiry-field.tsx';
import { readExpiry } from '../settings/expiry.ts';
import { SettingsFields } from '../settings/settings-fields.tsx';
import { changedSettings, settingsOf } from '../settings/settings.ts';
import { isNameOnly, showEarly } from './show-early.ts';
import { useAttempt } from './use-attempt.ts';
import { WithKey } from './with-key.tsx';

const UNCHANGED = 'unchanged';

/** Changes a key's name, expiry, limits and addresses. */
export function EditDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { w } = useText();
  const [isAway, setAway] = useState(false);
  return (
    <Dialog title={w.editKey} onClose={onClose} isAway={isAway}>
      <WithKey id={id}>{(apiKey) => <EditForm apiKey={apiKey} onClose={onClose} onAway={setAway} />}</WithKey>
    </Dialog>
  );
}

type FormProps = {
  apiKey: ApiKey;
  onClose: () => void;
  /** Takes the form out of sight while it waits for an answer, and back if that is a refusal. */
  onAway: (isAway: boolean) => void;
};

function EditForm({ apiKey: shown, onClose, onAway }: FormProps) {
  const { w } = useText();
  // As it was when the form opened: what is shown meanwhile may be ahead of the service.
  const [apiKey] = useState(shown);
  const [before] = useState(() => settingsOf(apiKey));
  const [label, setLabel] = useState(apiKey.label);
  const [expiry, setExpiry] = useState({ choice: UNCHANGED, date: '' });
  const [settings, setSettings] = useState(before);
  const attempt = useUpdate(apiKey, onClose, onAway);
  const errors = fieldErrors(attempt.error);
  const save = () => {
    const change: UpdateApiKey = {
      ...(label.trim() !== apiKey.label && { label: label.trim() }),
      ...(expiry.choice !== UNCHANGED && readExpiry(expiry)),
      ...changedSettings(before, settings),
    };
    if (Object.keys(change).length === 0) onClose();
    else if (!attempt.isPending) attempt.mutate(change);
  };
  return (
    <DialogForm onSubmit={save} foot={<Foot isBusy={attempt.isPending} onClose={onClose} />}>
      <TextField label={w.name} value={label} onValue={setLabel} error={errors['label']} maxLength={100} isFirst />
      <ExpiryField
        value={expiry}
        onValue={setExpiry}
        error={errors['expires_at'] ?? errors['expires_in']}
        first={useUnchanged(apiKey)}
      />
      <SettingsFields value={settings} onValue={(part) => setSettings({ ...settings, ...part })} errors={errors} />
      {attempt.error && <ErrorBox error={attempt.error} />}
    </DialogForm>
  );
}

function useUpdate(apiKey: ApiKey, onClose: () => void, onAway: FormProps['onAway']) {
  const { w } = useText();
  const announce = useAnnounce();
  const queries = useQueryClient();
  const { client } = useSessionControl();
  const attempt = useAttempt(
    (change: UpdateApiKey) => client.keys.update(apiKey.id, change),
    (change) => (isNameOnly(change) ? showEarly(queries, apiKey, change) : undefined),
  );
  const { isPending, variables } = attempt;
  useEffect(() => onAway(isPending && isNameOnly(variables)), [isPending]);
  useEffect(() => {
    if (!attempt.isSuccess) return;
    announce(w.saved);
    onClose();
  }, [attempt.isSuccess]);
  return attempt;
}

function useUnchanged({ expires_at: at }: ApiKey) {
  const { w, f } = useText();
  const { extendable } = useConsole().product.expiry;
  const now = at === null ? w.never : f.dateTime(at);
  return { value: UNCHANGED, text: extendable || at === null ? w.unchanged(now) : w.unchangedOrEarlier(now) };
}

function Foot({ isBusy, onClose }: { isBusy: boolean; onClose: () => void }) {
  const { w } = useText();
  return (
    <>
      <Button onClick={onClose}>{w.cancel}</Button>
      <Button type="submit" kind="primary" isBusy={isBusy}>
        {w.save}
      </Button>
    </>
  );
}
