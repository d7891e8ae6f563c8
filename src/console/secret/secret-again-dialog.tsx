import { Dialog } from '../parts/controls/dialog.tsx';
import { useNow } from '../parts/shown/time.tsx';
import { useText } from '../words/text.ts';
import { SecretPanel } from './secret-panel.tsx';
import css from './secret-panel.module.css';
import { useSecrets } from './secrets.tsx';

/** The secret of a key that this tab made a moment ago. */
export function SecretAgainDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { w, f } = useText();
  const kept = useSecrets().secretOf(id);
  const now = useNow(kept !== undefined);
  return (
    <Dialog title={w.secret} onClose={onClose}>
      {kept ? (
        <SecretPanel secret={kept.secret} isOnce={false} onDone={onClose}>
          <p class={css.count}>{w.shownUntil(f.clock((kept.until - now) / 1_000))}</p>
        </SecretPanel>
      ) : (
        <SecretGone />
      )}
    </Dialog>
  );
}

function SecretGone() {
  const { w } = useText();
  return <p class={css.gone}>{w.secretGone}</p>;
}
