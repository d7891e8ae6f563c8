import { getHeapStatistics, setFlagsFromString } from 'node:v8';

// Set while the process runs, of which Node warns: docs/decisions/0014-v8-flags-while-running.md says why.

// Otherwise a moment of load makes V8 allocate short-lived objects of requests as old ones, at half the throughput.
setFlagsFromString('--no-allocation-site-pretenuring');

/** By how much the heap may grow over what is in use before V8 collects it, whatever its size. */
const SPARE_BYTES = 22_000_000;
const MIN_PERCENT = 10;
const MAX_PERCENT = 60;
const INTERVAL_MS = 5_000;

function setGrowth(): void {
  const percent = Math.round((100 * SPARE_BYTES) / getHeapStatistics().used_heap_size);
  setFlagsFromString(`--heap-growing-percent=${Math.min(Math.max(percent, MIN_PERCENT), MAX_PERCENT)}`);
}

setGrowth();
setInterval(setGrowth, INTERVAL_MS).unref();
