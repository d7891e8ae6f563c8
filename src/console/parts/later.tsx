import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ErrorBox } from './shown/error-box.tsx';

const RELOADED = 'latchkey.reloaded';
/** A page that misses a file again so soon says so, instead of reloading for ever. */
const AGAIN_MS = 60_000;

/** A part that is downloaded when it is first shown. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>) {
  let loading: Promise<ComponentType<P>> | undefined;
  const begin = () => (loading ??= load().catch(reloadOnce));
  function Later(props: P) {
    const [state, setState] = useState<{ of?: ComponentType<P>; error?: unknown }>({});
    useEffect(() => {
      begin().then(
        (of) => setState({ of }),
        (error: unknown) => setState({ error }),
      );
    }, []);
    if (state.of) return <state.of {...props} />;
    return state.error === undefined ? null : <ErrorBox error={state.error} onRetry={() => location.reload()} />;
  }
  // What cannot be downloaded in advance is asked for again when it is needed.
  return Object.assign(Later, { preload: () => void load().catch(() => undefined) });
}

/** A file that is gone belongs to an older release: the page of the new one knows its own. */
async function reloadOnce(error: unknown): Promise<never> {
  const isRecent = Date.now() - Number(sessionStorage.getItem(RELOADED) ?? 0) < AGAIN_MS;
  if (!isRecent && (await isServed())) {
    sessionStorage.setItem(RELOADED, String(Date.now()));
    location.reload();
  }
  throw error;
}

/** Without a network, a reload would lose the page that is still here. */
function isServed(): Promise<boolean> {
  return fetch(location.href, { method: 'HEAD' }).then(
    ({ ok }) => ok,
    () => false,
  );
}
