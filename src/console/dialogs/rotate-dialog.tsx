import { useEffect, useState } from 'preact/hooks';
import type { ApiKey, CreatedApiKey } from '../../client/client.ts';
import { useConsole } from '../data/console.ts';
import { Button } from '../parts/controls/button.tsx';
import { Dialog, DialogForm } from '../parts/controls/dialog.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { SelectField } from '../parts/controls/field.tsx';
import { Time, useNow } from '../parts/shown/time.tsx';
import { useSessionControl } from '../session/session-control.ts';
import { useText } from '../words/text.ts';
import { SecretPanel } from '../secret/secret-panel.tsx';
import css from '../secret/secret-panel.module.css';
import { useSecrets } from '../secret/secrets.tsx';
import { useAttempt } from './use-attempt.ts';
import { WithKey } from './with-key.tsx';

const HOUR = 3_600;
const DAY = 24 * HOUR;
const GRACES = [0, HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY];

type Props = { id: string; onClose: () => void };

/** Replaces a key: the old secret goes on for a while, and the new one is shown. */
export function RotateDialog({ id, onClose }: Props) {
  const { w } = useText();
  const { remember } = useSecrets();
  const [made, setMade] = useState<{ key: CreatedApiKey; endsAt: number } | undefined>(undefined);
  const done = () => {
    remember(made!.key.id, made!.key.value);
    onClose();
  };
  return (
    <Dialog title={made ? w.rotated : w.rotateKey} isGuarded={made !== undefined} onClose={onClose}>
      {made ? (
        <SecretPanel secret={made.key.value} isOnce onDone={done}>
          <OldKeyEnd at={made.endsAt} />
        </SecretPanel>
      ) : (
        <WithKey id={id}>
          {(apiKey) => (
            <RotateForm apiKey={apiKey} onClose={onClose} onMade={(key, endsAt) => setMade({ key, endsAt })} />
          )}
        </WithKey>
      )}
    </Dialog>
  );
}

type FormProps = { apiKey: ApiKey; onClose: () => void; onMade: (key: CreatedApiKey, oldEndsAt: number) => void };

function RotateForm({ apiKey, onClose, onMade }: FormProps) {
  const { w, f } = useText();
  const { client } = useSessionControl();
  const most = useConsole().product.rotation.max_grace_seconds;
  const graces = GRACES.filter((seconds) => seconds <= most);
  const [grace, setGrace] = useState(Math.min(DAY, most));
  const attempt = useAttempt((sent: { grace_seconds: number }, idempotencyKey) =>
    client.keys.rotate(apiKey.id, sent, { idempotencyKey }),
  );
  const { data } = attempt;
  useEffect(() => {
    if (data) onMade(data, Date.now() + grace * 1_000);
  }, [data]);
  const rotate = () => {
    if (!attempt.isPending) attempt.mutate({ grace_seconds: grace });
  };
  return (
    <DialogForm
      onSubmit={rotate}
      foot={
        <>
          <Button onClick={onClose}>{w.cancel}</Button>
          <Button type="submit" kind="primary" isBusy={attempt.isPending}>
            {w.rotate}
          </Button>
        </>
      }
    >
      <p>{w.rotateHelp(apiKey.label)}</p>
      {apiKey.last_used_at !== null && (
        <p>
          {w.lastUsed}: <Time at={apiKey.last_used_at} />
        </p>
      )}
      <SelectField
        label={w.oldKeyWorksFor}
        hint={grace === 0 ? w.noGraceHelp : w.graceHelp}
        value={String(grace)}
        onValue={(value) => setGrace(Number(value))}
        options={graces.map((seconds) => ({
          value: String(seconds),
          text: seconds === 0 ? w.notAtAll : f.duration(seconds),
        }))}
      />
      {attempt.error && <ErrorBox error={attempt.error} />}
    </DialogForm>
  );
}

function OldKeyEnd({ at }: { at: number }) {
  const { w, f } = useText();
  const left = (at - useNow()) / 1_000;
  return <p class={css.count}>{left > 0 ? w.oldKeyEndsIn(f.clock(left), f.dateTime(at)) : w.oldKeyEnded}</p>;
}
