import { createHash } from 'node:crypto';
import type { WorkosGateway } from '../../workos/gateway.ts';

type Deps = { workos: Pick<WorkosGateway, 'findUserEmail'> };
/** What may be looked up. Anything else is no login name, and is no part of a path at WorkOS. */
const LOGIN_NAME = /^\w[\w.+-]{0,127}$/;

export type EmailOf = (login: string) => Promise<string>;

/**
 * Returns the e-mail address that an entered login stands for. An unknown login name gets an address of its own that no
 * person can have: WorkOS refuses it as it refuses a wrong password, and counts it like any other.
 */
export function makeEmailOf({ workos }: Deps): EmailOf {
  return async function emailOf(login) {
    if (login.includes('@')) return login;
    const email = LOGIN_NAME.test(login) ? await workos.findUserEmail(login) : undefined;
    return email ?? noAddress(login);
  };
}

function noAddress(login: string): string {
  return `${createHash('sha256').update(login).digest('hex').slice(0, 32)}@login.invalid`;
}
