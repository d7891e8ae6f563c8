import { QueryClientProvider } from '@tanstack/preact-query';
import type { ComponentChildren } from 'preact';
import { LocationProvider, Route, Router, useLocation } from 'preact-iso';
import { useEffect, useMemo } from 'preact/hooks';
import { PagePlace } from './data/page-place.tsx';
import { makeQueries } from './data/query-client.ts';
import { WithConsole } from './data/with-console.tsx';
import { Dialogs } from './dialogs/dialogs.tsx';
import { laterDialogs, preloadDialogs } from './dialogs/later-dialogs.ts';
import { SecretsProvider } from './secret/secrets.tsx';
import { KeysPage } from './keys/keys-page.tsx';
import { useEarlyKeys } from './keys/use-early-keys.ts';
import { Shell } from './layout/shell.tsx';
import { Announcer } from './parts/announce.tsx';
import { ErrorBox } from './parts/shown/error-box.tsx';
import { later } from './parts/later.tsx';
import { SessionContext } from './session/session-control.ts';
import { ConsoleSessionContext } from './session/session.ts';
import type { ConsoleSession } from './session/session.ts';
import { Card, SignedIn, SignedOut } from './signed-out/signed-out.tsx';
import { PageTextContext, usePageText } from './words/page-text.ts';
import { TextContext } from './words/text.ts';
import type { PageText } from './words/words.ts';

const OrganizationScreen = later(
  async () => (await import('./organization/organization-screen.tsx')).OrganizationScreen,
);

const KeyScreen = later(async () => (await import('./key/key-screen.tsx')).KeyScreen);
const UsageScreen = later(async () => (await import('./usage/usage-screen.tsx')).UsageScreen);
const AuditScreen = later(async () => (await import('./audit/audit-screen.tsx')).AuditScreen);
const WebhooksScreen = later(async () => (await import('./webhooks/webhooks-screen.tsx')).WebhooksScreen);
const CiScreen = later(async () => (await import('./ci/ci-screen.tsx')).CiScreen);

/** After so long the first screen is there, and what comes next may be downloaded. */
const QUIET_MS = 2_000;

/** The whole console. */
export function App({ session, text }: { session: ConsoleSession; text: PageText }) {
  const queries = useMemo(() => makeQueries(), []);
  return (
    <Words text={text}>
      <ConsoleSessionContext.Provider value={session}>
        <SessionContext.Provider value={session}>
          <QueryClientProvider client={queries}>
            <Announcer>
              <Site />
            </Announcer>
          </QueryClientProvider>
        </SessionContext.Provider>
      </ConsoleSessionContext.Provider>
    </Words>
  );
}

function Words({ text, children }: { text: PageText; children: ComponentChildren }) {
  return (
    <PageTextContext.Provider value={text}>
      <TextContext.Provider value={text}>{children}</TextContext.Provider>
    </PageTextContext.Provider>
  );
}

function Site() {
  return (
    <LocationProvider scope="/console">
      <Router>
        <Route path="/console/signed-out" component={SignedOut} />
        <Route path="/console/signed-in" component={SignedIn} />
        <Route path="/console/*" component={SignedInPages} />
        <Route path="/console" component={Home} />
      </Router>
    </LocationProvider>
  );
}

function SignedInPages() {
  const { w } = usePageText();
  useEarlyKeys();
  return (
    <WithConsole
      failed={(error, retry) => (
        <Card title={w.cannotShow}>
          <ErrorBox error={error} onRetry={retry} />
        </Card>
      )}
    >
      <PagePlace>
        <SecretsProvider>
          <Shell>
            <Pages />
          </Shell>
          <Dialogs parts={laterDialogs} />
        </SecretsProvider>
      </PagePlace>
    </WithConsole>
  );
}

function Pages() {
  useEffect(() => {
    const timer = setTimeout(preloadDialogs, QUIET_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <Router>
      <Route path="/keys" component={KeysPage} />
      <Route path="/keys/:id" component={KeyScreen} />
      <Route path="/usage" component={UsageScreen} />
      <Route path="/audit" component={AuditScreen} />
      <Route path="/webhooks" component={WebhooksScreen} />
      <Route path="/ci" component={CiScreen} />
      <Route path="/organization" component={OrganizationScreen} />
      <Route default component={NotFound} />
    </Router>
  );
}

function Home() {
  const { route } = useLocation();
  useEffect(() => route('/console/keys', true), [route]);
  return null;
}

function NotFound() {
  const { w } = usePageText();
  return (
    <>
      <h1>{w.notFound}</h1>
      <p>
        <a href="/console/keys">{w.goToKeys}</a>
      </p>
    </>
  );
}
