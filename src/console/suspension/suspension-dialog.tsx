import { useEffect, useState } from 'preact/hooks';
import type { ApiKey } from '../../client/client.ts';
import { KeySummary } from '../dialogs/key-summary.tsx';
import { useAttempt } from '../dialogs/use-attempt.ts';
import { WithKey } from '../dialogs/with-key.tsx';
import { useAnnounce } from '../parts/announce.tsx';
import { Button } from '../parts/controls/button.tsx';
import { Dialog, DialogForm } from '../parts/controls/dialog.tsx';
import { TextField } from '../parts/controls/field.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { useSessionControl } from '../session/session-control.ts';
import { fieldErrors } from '../words/messages.ts';
import { usePageText } from '../words/page-text.ts';
import css from './suspension.module.css';

const MAX_REASON = 200;

type Props = { id: string; onClose: () => void };
type FormProps = { apiKey: ApiKey; onClose: () => void };

/** Stops a key for a while. */
export function SuspendDialog({ id, onClose }: Props) {
  const { w } = usePageText();
  return (
    <Dialog title={w.suspendKey} onClose={onClose}>
      <WithKey id={id}>{(apiKey) => <SuspendForm apiKey={apiKey} onClose={onClose} />}</WithKey>
    </Dialog>
  );
}

/** Lets a suspended key work again. */
export function ResumeDialog({ id, onClose }: Props) {
  const { w } = usePageText();
  return (
    <Dialog title={w.resumeKey} onClose={onClose}>
      <WithKey id={id}>{(apiKey) => <ResumeForm apiKey={apiKey} onClose={onClose} />}</WithKey>
    </Dialog>
  );
}

function SuspendForm({ apiKey, onClose }: FormProps) {
  const { w } = usePageText();
  const { client } = useSessionControl();
  const announce = useAnnounce();
  const [reason, setReason] = useState('');
  const attempt = useAttempt((sent: { reason?: string }) => client.keys.suspend(apiKey.id, sent));
  useEffect(() => {
    if (attempt.isSuccess) announce(w.suspendedNamed(apiKey.label));
  }, [attempt.isSuccess]);
  if (attempt.isSuccess) return <Suspended apiKey={apiKey} onClose={onClose} />;
  const suspend = () => {
    const given = reason.trim();
    if (!attempt.isPending) attempt.mutate(given === '' ? {} : { reason: given });
  };
  const isOneOfTwo = apiKey.rotated_from !== null || apiKey.rotated_to !== null;
  return (
    <DialogForm
      onSubmit={suspend}
      foot={
        <>
          <Button onClick={onClose}>{w.cancel}</Button>
          <Button type="submit" kind="danger" isBusy={attempt.isPending}>
            {w.suspend}
          </Button>
        </>
      }
    >
      <KeySummary apiKey={apiKey} />
      <p>{w.suspendHelp}</p>
      {isOneOfTwo && <p>{w.suspendOneOfTwo}</p>}
      <TextField
        label={w.suspensionReason}
        hint={w.suspensionReasonHelp}
        error={fieldErrors(attempt.error)['reason']}
        value={reason}
        onValue={setReason}
        maxLength={MAX_REASON}
        isOptional
        isFirst
      />
      {attempt.error && <ErrorBox error={attempt.error} />}
    </DialogForm>
  );
}

/** Says where the key is now: the list shows active keys unless it is asked for others. */
function Suspended({ apiKey, onClose }: FormProps) {
  const { w } = usePageText();
  return (
    <DialogForm onSubmit={onClose} foot={<Button type="submit">{w.close}</Button>}>
      <p>{w.suspendedNamed(apiKey.label)}</p>
      <p>
        <a href="/console/keys?status=suspended">{w.showSuspended}</a>
      </p>
    </DialogForm>
  );
}

function ResumeForm({ apiKey, onClose }: FormProps) {
  const { w } = usePageText();
  const { client } = useSessionControl();
  const announce = useAnnounce();
  const attempt = useAttempt((id: string) => client.keys.resume(id));
  useEffect(() => {
    if (!attempt.isSuccess) return;
    announce(w.resumedNamed(apiKey.label));
    onClose();
  }, [attempt.isSuccess]);
  const resume = () => {
    if (!attempt.isPending) attempt.mutate(apiKey.id);
  };
  return (
    <DialogForm
      onSubmit={resume}
      foot={
        <>
          <Button onClick={onClose}>{w.cancel}</Button>
          <Button type="submit" kind="primary" isBusy={attempt.isPending}>
            {w.resume}
          </Button>
        </>
      }
    >
      <KeySummary apiKey={apiKey} />
      {apiKey.suspension_reason !== null && (
        <p class={css.reason}>
          {w.suspensionReason}: <bdi>{apiKey.suspension_reason}</bdi>
        </p>
      )}
      <p>{w.resumeHelp}</p>
      {attempt.error && <ErrorBox error={attempt.error} />}
    </DialogForm>
  );
}
