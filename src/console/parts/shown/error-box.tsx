import { useEffect, useState } from 'preact/hooks';
import { LatchkeyError } from '../../../client/client.ts';
import { useSessionControl } from '../../session/session-control.ts';
import { messageOf } from '../../words/messages.ts';
import { useText } from '../../words/text.ts';
import { CopyText } from '../controls/copy.tsx';
import css from './error-box.module.css';
import { AlertIcon } from './icons.tsx';
import { useNow } from './time.tsx';

type Props = { error: unknown; onRetry?: (() => void) | undefined };

/** What went wrong, what to do, and the id under which the service logged it. */
export function ErrorBox({ error, onRetry }: Props) {
  const text = useText();
  const known = error instanceof LatchkeyError ? error : undefined;
  const { signInUrl } = useSessionControl();
  const wait = useWait(known);
  return (
    <div class={css.box} role="alert">
      <span class={css.icon}>
        <AlertIcon />
      </span>
      <div class={css.body}>
        <p>{messageOf(error, text)}</p>
        <p class={css.more}>
          {signInUrl !== undefined && known?.code.startsWith('credential_') && (
            <a href={signInUrl} target="_blank" rel="opener">
              {text.w.signInInNewTab}
            </a>
          )}
          {onRetry && wait === 0 && (
            <button type="button" class={css.link} onClick={onRetry}>
              {text.w.tryAgain}
            </button>
          )}
          {wait > 0 && <span>{text.w.tryAgainIn(text.f.clock(wait))}</span>}
          {known?.requestId !== undefined && (
            <span>
              {text.w.requestId} <code>{known.requestId}</code>{' '}
              <CopyText value={known.requestId} label={text.w.copyRequestId} />
            </span>
          )}
        </p>
      </div>
    </div>
  );
}

/** Seconds until a retry is welcome. */
function useWait(error: LatchkeyError | undefined): number {
  const seconds = error?.retryAfterSeconds ?? 0;
  const [until, setUntil] = useState(0);
  useEffect(() => setUntil(Date.now() + seconds * 1_000), [error, seconds]);
  const now = useNow(seconds > 0 && Date.now() < until);
  return seconds === 0 ? 0 : Math.max(0, Math.ceil((until - now) / 1_000));
}
