import type { ComponentChildren } from 'preact';
import { useText } from '../words/text.ts';
import { ConsoleContext } from './console.ts';
import { makeMay } from './may.ts';
import { useMe, useOrganization, useProduct } from './queries.ts';

type Props = {
  children: ComponentChildren;
  /** What is shown instead, when something cannot be loaded. */
  failed: (error: unknown, retry: () => void) => ComponentChildren;
};

/** Loads the caller, the product and the organization, and shows the children with them. */
export function WithConsole({ children, failed }: Props) {
  const { w } = useText();
  const [me, product, organization] = [useMe(), useProduct(), useOrganization()];
  const error = me.error ?? product.error ?? organization.error;
  if (me.data?.kind === 'user' && product.data && organization.data) {
    const value = {
      me: me.data,
      product: product.data,
      organization: organization.data,
      may: makeMay(me.data, organization.data, product.data),
    };
    return <ConsoleContext.Provider value={value}>{children}</ConsoleContext.Provider>;
  }
  if (!error) return <p class="visually-hidden">{w.loading}</p>;
  return <>{failed(error, () => void Promise.all([me.refetch(), product.refetch(), organization.refetch()]))}</>;
}
