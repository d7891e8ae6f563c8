import { useLocation } from 'preact-iso';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { ButtonLink } from '../parts/controls/button.tsx';
import { CopyText } from '../parts/controls/copy.tsx';
import { KeyIcon } from '../parts/shown/icons.tsx';
import { announceSignIn, onSignIn } from '../session/renewing-fetch.ts';
import { isFramed, signInUrl } from '../session/session.ts';
import { usePageText } from '../words/page-text.ts';
import type { PageWords } from '../words/words.ts';
import css from './signed-out.module.css';

const REASONS: Readonly<Record<string, keyof PageWords>> = {
  access_denied: 'signedOutDenied',
  credential_invalid: 'signedOutStale',
  credential_expired: 'signedOutStale',
  ip_not_allowed: 'errorIpNotAllowed',
  organization_choice_required: 'signedOutChoice',
  organization_not_found: 'errorOrganizationNotFound',
  permission_denied: 'signedOutDenied',
  rate_limited: 'errorRateLimited',
  workos_unavailable: 'errorWorkosUnavailable',
  workos_rejected: 'errorWorkosRejected',
  not_signed_in: 'signedOutCookie',
};

/** After signing out, and after a sign-in that did not succeed. */
export function SignedOut() {
  const { w } = usePageText();
  const { reason, request_id: requestId } = useLocation().query;
  const word = reason === undefined ? undefined : (REASONS[reason] ?? 'signedOutFailed');
  return (
    <Card title={word === undefined ? w.signedOut : w.signInFailed}>
      {word !== undefined && <p>{w[word] as string}</p>}
      {requestId !== undefined && (
        <p>
          {w.requestId} <code>{requestId}</code> <CopyText value={requestId} label={w.copyRequestId} />
        </p>
      )}
      {isFramed() ? (
        <SignInBesideFrame />
      ) : (
        <ButtonLink kind="primary" href={signInUrl('/console/keys')}>
          {w.signInAgain}
        </ButtonLink>
      )}
    </Card>
  );
}

/** Leads to AuthKit in another tab, and goes on in the frame once the person is back from there. */
function SignInBesideFrame() {
  const { w } = usePageText();
  useEffect(() => onSignIn(() => location.assign('/console/keys')), []);
  return (
    <ButtonLink kind="primary" href={signInUrl('/console/signed-in')} isNewTab>
      {w.signInInNewTab}
    </ButtonLink>
  );
}

/** Where a second tab lands, so that a form in the first one can go on. */
export function SignedIn() {
  const { w } = usePageText();
  useEffect(announceSignIn, []);
  return (
    <Card title={w.signedIn}>
      <p>{w.goBackToTab}</p>
      <ButtonLink href="/console/keys">{w.goToKeys}</ButtonLink>
    </Card>
  );
}

export function Card({ title, children }: { title: string; children: ComponentChildren }) {
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <main class={css.page}>
      <div class={css.card}>
        <span class={css.mark}>
          <KeyIcon size={20} />
        </span>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
