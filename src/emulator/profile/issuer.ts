import type { Switches } from './switches.ts';

type Server = { url: string; clientId: string };

/** Returns the issuer of session tokens. */
export function sessionIssuer(
  { issuer_form: form, issuer_url: own }: Pick<Switches, 'issuer_form' | 'issuer_url'>,
  { url, clientId }: Server,
): string {
  const base = (own ?? url).replace(/\/+$/, '');
  const behind = { user_management: `/user_management/${clientId}`, bare: '', slash: '/', sso: `/sso/${clientId}` };
  return `${base}${behind[form]}`;
}
