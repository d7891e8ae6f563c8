import { useEffect, useState } from 'preact/hooks';
import type { ApiKey } from '../../client/client.ts';
import { useAnnounce } from '../parts/announce.tsx';
import { Button } from '../parts/controls/button.tsx';
import { Dialog, DialogForm } from '../parts/controls/dialog.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { TextField } from '../parts/controls/field.tsx';
import { Time } from '../parts/shown/time.tsx';
import { useSecrets } from '../secret/secrets.tsx';
import { useSessionControl } from '../session/session-control.ts';
import { useText } from '../words/text.ts';
import { KeySummary } from './key-summary.tsx';
import { useAttempt } from './use-attempt.ts';
import { WithKey } from './with-key.tsx';

const UNUSED_MS = 7 * 86_400_000;
const LAST = 4;

type Props = { id: string; onClose: () => void };

/** Ends a key: in one step if it was unused for a week, else its last four characters are typed. */
export function RevokeDialog({ id, onClose }: Props) {
  const { w } = useText();
  return (
    <Dialog title={w.revokeKey} onClose={onClose}>
      <WithKey id={id}>{(apiKey) => <RevokeForm apiKey={apiKey} onClose={onClose} />}</WithKey>
    </Dialog>
  );
}

/** Returns the attempt to revoke keys, which announces its success. */
export function useRevocation(apiKey: ApiKey, onDone: () => void) {
  const { w } = useText();
  const announce = useAnnounce();
  const { client } = useSessionControl();
  const { forget } = useSecrets();
  const attempt = useAttempt((id: string) => client.keys.revoke(id));
  useEffect(() => {
    if (!attempt.isSuccess) return;
    announce(w.revokedNamed(apiKey.label));
    forget(apiKey.id);
    onDone();
  }, [attempt.isSuccess]);
  return attempt;
}

function RevokeForm({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const { w } = useText();
  const attempt = useRevocation(apiKey, onClose);
  const [typed, setTyped] = useState('');
  const [isWrong, setWrong] = useState(false);
  const lastFour = apiKey.prefix.slice(-LAST);
  const isUsed = apiKey.last_used_at !== null && Date.now() - Date.parse(apiKey.last_used_at) < UNUSED_MS;
  if (apiKey.status === 'revoked' && !attempt.isSuccess) return <AlreadyRevoked onClose={onClose} />;
  const revoke = () => {
    const isConfirmed = !isUsed || typed.trim() === lastFour;
    setWrong(!isConfirmed);
    if (isConfirmed && !attempt.isPending) attempt.mutate(apiKey.id);
  };
  return (
    <DialogForm
      onSubmit={revoke}
      foot={
        <>
          <Button onClick={onClose}>{w.cancel}</Button>
          <Button type="submit" kind="danger" isBusy={attempt.isPending}>
            {w.revoke}
          </Button>
        </>
      }
    >
      <KeySummary apiKey={apiKey} />
      <p>{w.revokeHelp}</p>
      {isUsed && (
        <>
          <p>
            <strong>
              {w.stillUsed} <Time at={apiKey.last_used_at!} />
            </strong>
          </p>
          <TextField
            label={w.typeLastFour(lastFour)}
            error={isWrong ? w.lastFourWrong(lastFour) : undefined}
            value={typed}
            onValue={setTyped}
            maxLength={LAST}
            isFirst
            isMono
          />
        </>
      )}
      {attempt.error && <ErrorBox error={attempt.error} />}
    </DialogForm>
  );
}

function AlreadyRevoked({ onClose }: { onClose: () => void }) {
  const { w } = useText();
  return (
    <DialogForm onSubmit={onClose} foot={<Button type="submit">{w.close}</Button>}>
      <p>{w.alreadyRevoked}</p>
    </DialogForm>
  );
}
