import { useQueryClient } from '@tanstack/preact-query';
import { useConsole } from '../data/console.ts';
import { Button } from '../parts/controls/button.tsx';
import { Dialog } from '../parts/controls/dialog.tsx';
import dialog from '../parts/controls/dialog.module.css';
import { useNow } from '../parts/shown/time.tsx';
import { useConsoleSession } from '../session/session.ts';
import { usePageText } from '../words/page-text.ts';

const WARNING_MS = 120_000;

/** Warns before a session ends because it was not used, where the product ends such sessions. */
export function InactivityWarning() {
  const minutes = useConsole().product.inactivity_minutes;
  return minutes === null ? null : <Countdown lifetimeMs={minutes * 60_000} />;
}

function Countdown({ lifetimeMs }: { lifetimeMs: number }) {
  const { w, f } = usePageText();
  const queries = useQueryClient();
  const { lastUse, signInUrl } = useConsoleSession();
  const left = lastUse() + lifetimeMs - useNow();
  if (left > Math.min(WARNING_MS, lifetimeMs / 2)) return null;
  const stay = () => void queries.invalidateQueries({ queryKey: ['me'] });
  return (
    <Dialog title={left > 0 ? w.stillThere : w.signedOut} onClose={stay} isGuarded={left <= 0}>
      <div class={dialog.content}>
        <p role="timer">{left > 0 ? w.sessionEndsIn(f.clock(left / 1_000)) : w.errorSession}</p>
      </div>
      <footer class={dialog.foot}>
        {left > 0 ? (
          <Button kind="primary" onClick={stay}>
            {w.stayHere}
          </Button>
        ) : (
          <a href={signInUrl} target="_blank" rel="opener">
            {w.signInInNewTab}
          </a>
        )}
      </footer>
    </Dialog>
  );
}
