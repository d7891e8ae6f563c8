import {
  Virtualizer,
  measureElement,
  observeWindowOffset,
  observeWindowRect,
  windowScroll,
} from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useReducer, useState } from 'preact/hooks';

const OVERSCAN = 8;
const PAINTED_MS = 200;
/** Before the list is laid out: it never begins higher, and rows below the window need not be drawn. */
const LEAST_TOP = 180;

/**
 * Which of many rows are near the window, and how high the others are. The rows in the window are drawn first, those around
 * it once these are painted. Rows are measured as they appear.
 */
export function useVirtualRows(count: number, list: RefObject<HTMLElement>, rowHeight: number) {
  const [, redraw] = useReducer((drawn: number) => drawn + 1, 0);
  const overscan = useAfterPaint() ? OVERSCAN : 0;
  const options = {
    count,
    overscan,
    estimateSize: () => rowHeight,
    scrollMargin: list.current === null ? LEAST_TOP : list.current.getBoundingClientRect().top + scrollY,
    getScrollElement: () => window,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: scrollElsewhere,
    initialOffset: () => scrollY,
    initialRect: { width: innerWidth, height: innerHeight },
    measureElement: measureLater(rowHeight),
    onChange: () => redraw(undefined),
  };
  const [rows] = useState(() => new Virtualizer<Window, HTMLElement>(options));
  rows.setOptions(options);
  // The names that its adapters for frameworks call.
  // oxlint-disable no-underscore-dangle
  useLayoutEffect(() => rows._didMount(), [rows]);
  useLayoutEffect(() => rows._willUpdate());
  // oxlint-enable no-underscore-dangle
  const items = rows.getVirtualItems();
  const [first, last] = [items[0], items.at(-1)];
  const margin = rows.options.scrollMargin;
  return {
    items,
    before: first ? first.start - margin : 0,
    after: last ? rows.getTotalSize() - (last.end - margin) : 0,
    measure: rows.measureElement,
  };
}

/** To scroll to where the window is anyway would lay out the page once more. */
const scrollElsewhere: typeof windowScroll<Window> = (offset, how, rows) => {
  if (how.adjustments !== undefined || offset !== rows.scrollOffset) windowScroll(offset, how, rows);
};

/** Takes the size of a row from the layout that is painted anyway: to ask for it would lay out the page once more. */
function measureLater(rowHeight: number): typeof measureElement<HTMLElement> {
  return (row, entry, rows) => {
    if (entry) return measureElement(row, entry, rows);
    return rows.itemSizeCache.get(rows.indexFromElement(row)) ?? rowHeight;
  };
}

/** Whether what was drawn first has been painted. */
function useAfterPaint(): boolean {
  const [isPainted, setPainted] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setPainted(true), PAINTED_MS);
    return () => clearTimeout(timer);
  }, []);
  return isPainted;
}
