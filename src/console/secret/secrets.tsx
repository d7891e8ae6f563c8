import { createContext } from 'preact';
import type { ComponentChildren } from 'preact';
import { useContext, useMemo, useRef, useState } from 'preact/hooks';
import { useConsole } from '../data/console.ts';

const SHOWN_AGAIN_MS = 600_000;

type Secrets = {
  /** Keeps a secret for ten minutes, in this tab's memory alone, where the product allows it. */
  remember: (id: string, secret: string) => void;
  forget: (id: string) => void;
  secretOf: (id: string) => { secret: string; until: number } | undefined;
};

const SecretsContext = createContext<Secrets | undefined>(undefined);

/** Inside the provider alone. */
export const useSecrets = (): Secrets => useContext(SecretsContext)!;

export function SecretsProvider({ children }: { children: ComponentChildren }) {
  const { product } = useConsole();
  const kept = useRef(new Map<string, { secret: string; until: number }>());
  const [drawn, setDrawn] = useState(0);
  const secrets = useMemo<Secrets>(() => {
    const forget = (id: string) => {
      if (kept.current.delete(id)) setDrawn((count) => count + 1);
    };
    return {
      remember(id, secret) {
        if (!product.show_again) return;
        kept.current.set(id, { secret, until: Date.now() + SHOWN_AGAIN_MS });
        setTimeout(() => forget(id), SHOWN_AGAIN_MS);
        setDrawn((count) => count + 1);
      },
      forget,
      secretOf: (id) => kept.current.get(id),
    };
    // A new object each time something changes, so that its readers are drawn again.
  }, [product.show_again, drawn]);
  return <SecretsContext.Provider value={secrets}>{children}</SecretsContext.Provider>;
}
