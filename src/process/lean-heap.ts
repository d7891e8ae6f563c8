import { getHeapStatistics, setFlagsFromString } from 'node:v8';

// When much of what one place allocates happens to survive a moment of load, V8 makes all of it old from then on. Of a
// server's requests nothing lives long: they would be tidied up several times a second, at half the throughput.
setFlagsFromString('--no-allocation-site-pretenuring');

// V8 lets a heap grow to several times what is in use before it tidies up: after a minute of keys that are not in memory
// the process had 400 MB, of which 100 were in use. Here it may grow by about so much, however large it is.
const SPARE_BYTES = 12_000_000;
const MIN_PERCENT = 10;
const MAX_PERCENT = 40;
const INTERVAL_MS = 5_000;

function setGrowth(): void {
  const percent = Math.round((100 * SPARE_BYTES) / getHeapStatistics().used_heap_size);
  // Read whenever the collector looks at it, so that it counts from here on.
  setFlagsFromString(`--heap-growing-percent=${Math.min(Math.max(percent, MIN_PERCENT), MAX_PERCENT)}`);
}

setGrowth();
setInterval(setGrowth, INTERVAL_MS).unref();
