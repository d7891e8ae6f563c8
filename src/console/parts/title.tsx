import { useEffect } from 'preact/hooks';
import { useConsole } from '../data/console.ts';

/** Names the page in the browser's tab. */
export function Title({ text }: { text: string }) {
  const { product } = useConsole();
  useEffect(() => {
    document.title = `${text} · ${product.name}`;
  }, [text, product.name]);
  return null;
}
