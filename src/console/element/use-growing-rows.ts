import { useLayoutEffect, useState } from 'preact/hooks';
import type { UseRows } from '../keys/key-table.tsx';

const STEP = 50;
/** How far below the visible part the next rows are drawn. */
const MARGIN = '600px';

const nothing = () => undefined;

/** Draws more rows as the last one comes into view, whatever the page around the element scrolls. */
export const useGrowingRows: UseRows = (count, list, rowHeight) => {
  const [most, setMost] = useState(STEP);
  const drawn = Math.min(most, count);
  useLayoutEffect(() => {
    const last = list.current?.querySelector(`[data-index='${drawn - 1}']`);
    if (!last || drawn === count) return undefined;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) setMost(drawn + STEP);
      },
      { rootMargin: MARGIN },
    );
    observer.observe(last);
    return () => observer.disconnect();
  }, [drawn, count]);
  return {
    items: Array.from({ length: drawn }, (_, index) => ({ index })),
    before: 0,
    after: (count - drawn) * rowHeight,
    measure: nothing,
  };
};
