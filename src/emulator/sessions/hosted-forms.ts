import type { Reply } from '../http/route.ts';
import { escapeHtml, hiddenInputs, page } from './pages.ts';

/** Target of a form of the hosted pages, and its hidden fields. */
export type HostedForm = {
  action: string;
  hidden: Readonly<Record<string, string | undefined>>;
  /** Requested organization; only its members get further. */
  organizationId?: string | undefined;
  invitationToken?: string | undefined;
  loginHint?: string | undefined;
  /** Shows the sign-up form first. */
  signsUp?: boolean;
  /** Text above the form that says what the person is about to allow. */
  lead?: string;
};

export type Failure = { email: string; reason: string };

const alert = (failure: Failure | undefined): string =>
  failure ? `<p class="alert" role="alert">${escapeHtml(failure.reason)}</p>` : '';

function form({ action, hidden }: HostedForm, more: Record<string, string | undefined>, fields: string): string {
  return `<form method="post" action="${escapeHtml(action)}">
${hiddenInputs({ ...hidden, ...more })}
${fields}
</form>`;
}

const autofocus = (wanted: boolean): string => (wanted ? ' autofocus' : '');

/** Returns the page, with status 401 if there is a failure. */
export function credentialsPage(hosted: HostedForm, failure?: Failure): Reply {
  const email = failure?.email ?? hosted.loginHint ?? '';
  const signsUp = hosted.signsUp ?? false;
  const title = signsUp ? 'Sign up' : 'Sign in';
  const fields = `<label>Email<input name="email" type="email" autocomplete="username" required value="${escapeHtml(email)}"${autofocus(email === '')}></label>
<label>Password<input name="password" type="password" autocomplete="${signsUp ? 'new-password' : 'current-password'}" required${autofocus(email !== '')}></label>
<button>${title}</button>`;
  const other = `<button class="choice" name="screen_hint" value="${signsUp ? 'sign-in' : 'sign-up'}" formnovalidate>${signsUp ? 'Sign in instead' : 'Make an account'}</button>`;
  const body = `${hosted.lead === undefined ? '' : `<p class="lead">${escapeHtml(hosted.lead)}</p>`}${alert(failure)}
${form(hosted, { intent: signsUp ? 'sign-up' : undefined }, fields)}
${form({ ...hosted, hidden: { ...hosted.hidden, screen_hint: undefined } }, {}, other)}`;
  return page(failure ? 401 : 200, { title, body });
}

export function organizationPage(
  hosted: HostedForm,
  token: string,
  organizations: readonly { id: string; name: string }[],
): Reply {
  const choices = organizations.map(
    ({ id, name }) =>
      `<button class="choice" name="chosen_organization_id" value="${escapeHtml(id)}">${escapeHtml(name)}</button>`,
  );
  const body = form(hosted, { pending_authentication_token: token }, choices.join('\n'));
  return page(200, { title: 'Choose an organization', body });
}

/** Fills in the code, which WorkOS would send by e-mail. */
export function verificationPage(
  hosted: HostedForm,
  token: string,
  { code, failure }: { code: string; failure?: Failure | undefined },
): Reply {
  const fields = `<label>Code<input name="verification_code" inputmode="numeric" required value="${escapeHtml(code)}"></label>
<button>Verify this email address</button>`;
  const body = `<p class="lead">WorkOS sends a code to a new email address. The local WorkOS sends nothing; the code is filled in.</p>
${alert(failure)}
${form(hosted, { pending_authentication_token: token }, fields)}`;
  return page(failure ? 401 : 200, { title: 'Verify your email', body });
}

export const donePage = (title: string, lead: string): Reply =>
  page(200, { title, body: `<p class="lead">${escapeHtml(lead)}</p>` });
