import { audit } from './steps/events/audit.ts';
import { burst } from './steps/keys/burst.ts';
import { cookie } from './steps/people/cookie.ts';
import { discovery } from './steps/people/discovery.ts';
import { events } from './steps/events/events.ts';
import { expiry } from './steps/keys/expiry.ts';
import { idempotency } from './steps/keys/idempotency.ts';
import { keyValue } from './steps/keys/key-value.ts';
import { lateEvents } from './steps/events/late-events.ts';
import { machine } from './steps/machine.ts';
import { organization } from './steps/organization.ts';
import { pages } from './steps/people/pages.ts';
import { refresh } from './steps/people/refresh.ts';
import { revokeSession } from './steps/people/revoke-session.ts';
import { scopes } from './steps/keys/scopes.ts';
import { signIn } from './steps/people/sign-in.ts';
import { tokens } from './steps/people/tokens.ts';
import { undefinedPermission } from './steps/keys/undefined-permission.ts';
import { userKey } from './steps/people/user-key.ts';
import { webhook } from './steps/events/webhook.ts';
import type { Step } from './world.ts';

/** Runs in this order: later steps use what earlier ones created. */
export const STEPS: readonly Step[] = [
  { number: 1, title: 'JWKS and AuthKit', run: discovery },
  { number: 2, title: 'organization', run: organization },
  { number: 3, title: 'a key per scope', run: scopes },
  { number: 4, title: 'an undefined permission', run: undefinedPermission },
  { number: 5, title: 'the value of a key', run: keyValue },
  { number: 6, title: 'the same create twice', run: idempotency },
  { number: 7, title: 'expiry and deletion', run: expiry },
  { number: 8, title: 'lists in pages', run: pages },
  { number: 9, title: 'events', run: events },
  { number: 10, title: 'events while polling', run: lateEvents },
  { number: 11, title: 'webhook', run: webhook },
  { number: 12, title: 'sign-in', run: signIn },
  { number: 13, title: 'tokens', run: tokens },
  { number: 14, title: 'sealed cookie', run: cookie },
  { number: 15, title: 'refresh', run: refresh },
  { number: 16, title: 'session revocation', run: revokeSession },
  { number: 17, title: 'machine token', run: machine },
  { number: 18, title: 'keys of users', run: userKey },
  { number: 19, title: 'audit events', run: audit },
  { number: 20, title: 'rate limit', run: burst },
];
