import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Organization, Product } from '../../client/client.ts';
import type { May, Me } from './may.ts';

export type Console = { me: Me; product: Product; organization: Organization; may: May };

export const ConsoleContext = createContext<Console | undefined>(undefined);

/** The caller, the product and the organization that the page shows. Nothing that asks for them is drawn before they are there. */
export const useConsole = (): Console => useContext(ConsoleContext)!;

/** The name of the organization; WorkOS may have sent it with the session alone. */
export function useOrganizationName(): string {
  const { me, organization } = useConsole();
  const membership = me.memberships.find(({ organization_id: id }) => id === organization.id);
  return organization.name ?? membership?.organization_name ?? organization.id;
}
