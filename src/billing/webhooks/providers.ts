import type { Provider } from './provider.ts';
import { standard } from './standard/provider.ts';
import { stripe } from './stripe/provider.ts';

/** Every provider of billing webhooks; see docs/how-to/contribute/add-a-billing-provider.md. */
export const PROVIDERS: readonly Provider[] = [stripe, standard];

export const SOURCES: readonly string[] = PROVIDERS.map(({ source }) => source);
