import { Virtualizer, observeWindowOffset, observeWindowRect, windowScroll } from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useLayoutEffect, useReducer, useState } from 'preact/hooks';

const OVERSCAN = 8;

/** Which of many rows are near the window, and how high the others are. Rows are measured as they appear. */
export function useVirtualRows(count: number, list: RefObject<HTMLElement>, rowHeight: number) {
  const [, redraw] = useReducer((drawn: number) => drawn + 1, 0);
  const options = {
    count,
    overscan: OVERSCAN,
    estimateSize: () => rowHeight,
    scrollMargin: list.current === null ? 0 : list.current.getBoundingClientRect().top + scrollY,
    getScrollElement: () => window,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll,
    initialOffset: () => scrollY,
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
