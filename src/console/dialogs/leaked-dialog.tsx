import { useQuery } from '@tanstack/preact-query';
import { useState } from 'preact/hooks';
import type { ApiKey } from '../../client/client.ts';
import { useConsole } from '../data/console.ts';
import { Button } from '../parts/controls/button.tsx';
import { Dialog } from '../parts/controls/dialog.tsx';
import dialog from '../parts/controls/dialog.module.css';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { TextField } from '../parts/controls/field.tsx';
import { useHeldPage, useSessionControl } from '../session/session-control.ts';
import { obstacleText } from '../words/obstacles.ts';
import { useText } from '../words/text.ts';
import { KeySummary } from './key-summary.tsx';
import css from './leaked-dialog.module.css';
import { findPresented, lastFourOf } from './find-presented.ts';
import { isLiving } from './key-actions.ts';
import { useRevocation } from './revoke-dialog.tsx';

/** Finds the key of a secret that was published, and revokes it. Only the last four characters leave the page. */
export function LeakedDialog({ onClose }: { onClose: () => void }) {
  const { w } = useText();
  useHeldPage();
  const [pasted, setPasted] = useState('');
  const lastFour = lastFourOf(pasted);
  return (
    <Dialog title={w.leakedKey} onClose={onClose}>
      <div class={dialog.content}>
        <p>{w.leakedHelp}</p>
        <TextField label={w.pasteLeaked} hint={w.leakedPrivacy} value={pasted} onValue={setPasted} isFirst isMono />
        <div class={css.found} aria-live="polite">
          {lastFour !== undefined && <Found pasted={pasted} lastFour={lastFour} onClose={onClose} />}
        </div>
      </div>
      <footer class={dialog.foot}>
        <Button onClick={onClose}>{w.close}</Button>
      </footer>
    </Dialog>
  );
}

function Found({ pasted, lastFour, onClose }: { pasted: string; lastFour: string; onClose: () => void }) {
  const { w, f } = useText();
  const { client } = useSessionControl();
  const { may, product } = useConsole();
  const { data, error } = useQuery({
    queryKey: ['keys', 'leaked', lastFour],
    queryFn: async ({ signal }) => {
      const query = { q: lastFour, limit: 100, owner: may.readAll ? undefined : ('me' as const) };
      // Lists hide the keys of CI jobs unless they are asked for.
      const origins = product.ci ? [undefined, 'ci' as const] : [undefined];
      const lists = await Promise.all(origins.map((origin) => client.keys.list({ ...query, origin }, { signal })));
      return lists.flatMap(({ data: keys }) => keys);
    },
  });
  if (error) return <ErrorBox error={error} />;
  if (!data) return <p>{w.loading}</p>;
  const found = findPresented(data, pasted);
  if (found.length === 0) return <p>{w.leakedUnknown(lastFour)}</p>;
  return (
    <>
      <p>{w.leakedFound(found.length, f.number(found.length))}</p>
      {found.map((apiKey) => (
        <FoundKey key={apiKey.id} apiKey={apiKey} onDone={onClose} />
      ))}
    </>
  );
}

function FoundKey({ apiKey, onDone }: { apiKey: ApiKey; onDone: () => void }) {
  const { w } = useText();
  const facts = useConsole();
  const attempt = useRevocation(apiKey, onDone);
  // A suspended key may be resumed: one that has leaked is ended.
  const isActive = isLiving(apiKey);
  return (
    <>
      <KeySummary apiKey={apiKey} />
      {isActive && (
        <Button
          kind="danger"
          isBusy={attempt.isPending}
          obstacle={obstacleText(facts.may.revoke(apiKey), facts, w)}
          onClick={() => attempt.mutate(apiKey.id)}
        >
          {w.revokeNow}
        </Button>
      )}
      {!isActive && <p>{apiKey.status === 'revoked' ? w.alreadyRevoked : w.alreadyExpired}</p>}
      {attempt.error && <ErrorBox error={attempt.error} />}
    </>
  );
}
