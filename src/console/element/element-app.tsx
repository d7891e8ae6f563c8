import { QueryClientProvider } from '@tanstack/preact-query';
import { useMemo } from 'preact/hooks';
import { LatchkeyError } from '../../client/client.ts';
import { makeQueries } from '../data/query-client.ts';
import { WithConsole } from '../data/with-console.tsx';
import * as allDialogs from '../dialogs/all-dialogs.ts';
import { Dialogs } from '../dialogs/dialogs.tsx';
import { KeysScreen } from '../keys/keys-screen.tsx';
import { BillingBanner, ImpersonationBanner } from '../layout/banners.tsx';
import { Announcer } from '../parts/announce.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { SecretsProvider } from '../secret/secrets.tsx';
import { SessionContext } from '../session/session-control.ts';
import type { SessionControl } from '../session/session-control.ts';
import { TextContext } from '../words/text.ts';
import type { Text } from '../words/words.ts';
import type { Emit } from './element-session.ts';
import { MemoryPlace } from './memory-place.tsx';
import { useGrowingRows } from './use-growing-rows.ts';

type Props = { session: SessionControl; text: Text; isDark: boolean; emit: Emit };

/** The list of keys and its dialogs, as a part of another page. */
export function ElementApp({ session, text, isDark, emit }: Props) {
  const queries = useMemo(() => makeQueries((error) => emitError(error, emit)), [emit]);
  return (
    <div class={`ground ${isDark ? 'dark' : 'light'}`} lang={text.f.language}>
      <TextContext.Provider value={text}>
        <SessionContext.Provider value={session}>
          <QueryClientProvider client={queries}>
            <Announcer>
              <MemoryPlace>
                <Keys />
              </MemoryPlace>
            </Announcer>
          </QueryClientProvider>
        </SessionContext.Provider>
      </TextContext.Provider>
    </div>
  );
}

function Keys() {
  return (
    <WithConsole failed={(error, retry) => <ErrorBox error={error} onRetry={retry} />}>
      <SecretsProvider>
        <div class="stack">
          <ImpersonationBanner />
          <BillingBanner />
          <KeysScreen heading="h2" useRows={useGrowingRows} />
        </div>
        <Dialogs parts={allDialogs} />
      </SecretsProvider>
    </WithConsole>
  );
}

function emitError(error: unknown, emit: Emit): void {
  if (!(error instanceof LatchkeyError)) return;
  const { code, message, requestId } = error;
  emit('latchkey-error', { code, message, requestId });
}
