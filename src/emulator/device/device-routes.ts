import { z } from 'zod';
import { oauthError } from '../http/http-error.ts';
import type { Reply, Request, Route } from '../http/route.ts';
import { assertOwnForm } from '../sessions/authorize-routes.ts';
import type { HostedForm } from '../sessions/hosted-forms.ts';
import { credentialsPage, donePage } from '../sessions/hosted-forms.ts';
import type { HostedDeps } from '../sessions/hosted-sign-in.ts';
import { advance } from '../sessions/hosted-sign-in.ts';
import { escapeHtml, page } from '../sessions/pages.ts';
import { approveDevice, denyDevice, isWaiting, startDevice } from './device-store.ts';

const PATH = '/device';

type Deps = HostedDeps & { clientId: string };

const Start = z.object({ client_id: z.string().max(256) });
const Form = z.object({
  user_code: z.string().max(64).optional(),
  answer: z.enum(['confirm', 'deny']).optional(),
  screen_hint: z.string().max(64).optional(),
});

/** Routes of device authorization (RFC 8628): a device shows a code, which a person confirms on a page. */
export function deviceRoutes(deps: Deps): Route[] {
  return [
    {
      method: 'post',
      path: '/user_management/authorize/device',
      access: 'public',
      replay: false,
      handle: ({ body }) => start(deps, body),
    },
    { method: 'get', path: PATH, access: 'public', handle: ({ query }) => confirmPage(query.get('user_code') ?? '') },
    { method: 'post', path: PATH, access: 'public', replay: false, handle: (request) => submit(deps, request) },
  ];
}

function start(deps: Deps, body: unknown): Reply {
  const parsed = Start.safeParse(body ?? {});
  if (!parsed.success) throw oauthError(400, 'invalid_request', 'The client_id is missing.');
  if (parsed.data.client_id !== deps.clientId) throw oauthError(400, 'invalid_client', 'Invalid client ID.');
  const { deviceCode, userCode, expiresIn, interval } = startDevice(deps);
  const verificationUri = `${deps.url()}${PATH}`;
  const answer = {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: verificationUri,
    verification_uri_complete: `${verificationUri}?user_code=${userCode}`,
    expires_in: expiresIn,
    interval,
  };
  return { status: 200, body: answer, headers: { 'cache-control': 'no-store' } };
}

/** Shows the code before the sign-in, so that the person can compare it with the device's and keep a stranger's device out. */
function confirmPage(userCode: string, failure?: string): Reply {
  const alert = failure === undefined ? '' : `<p class="alert" role="alert">${escapeHtml(failure)}</p>`;
  const body = `<p class="lead">Is this the code that your device shows?</p>
${alert}
<form method="post" action="${PATH}">
<label>Code<input name="user_code" autocomplete="off" required value="${escapeHtml(userCode)}"></label>
<button name="answer" value="confirm">Confirm</button>
<button class="choice" name="answer" value="deny">Deny</button>
</form>`;
  return page(failure === undefined ? 200 : 404, { title: 'Connect a device', body });
}

async function submit(deps: Deps, { body, headers }: Request): Promise<Reply> {
  assertOwnForm(headers);
  const { user_code: typed = '', answer, screen_hint: hint } = Form.catch({}).parse(body);
  const userCode = typed.trim().toUpperCase();
  if (!isWaiting(deps, userCode)) return confirmPage('', 'No device waits under this code.');
  if (answer === 'deny') {
    denyDevice(deps, userCode);
    return donePage('Denied', 'The device was not connected.');
  }
  const form: HostedForm = {
    action: PATH,
    hidden: { user_code: userCode, screen_hint: hint },
    signsUp: hint === 'sign-up',
    lead: `Signing in connects the device that shows ${userCode}.`,
  };
  if (answer === 'confirm') return credentialsPage(form);
  const outcome = await advance(deps, form, body);
  if ('page' in outcome) return outcome.page;
  approveDevice(deps, userCode, outcome);
  return donePage('Device connected', 'You can go back to your device.');
}
