import type { Section } from './section.ts';
import { betterAuth } from './sections/better-auth.ts';
import { cache } from './sections/cache.ts';
import { changes } from './sections/changes.ts';
import { cold } from './sections/cold.ts';
import { command } from './sections/command.ts';
import { creates } from './sections/creates.ts';
import { many } from './sections/many.ts';
import { halfRate } from './sections/half-rate.ts';
import { keyReads } from './sections/key-reads.ts';
import { memory } from './sections/memory.ts';
import { middleware } from './sections/middleware.ts';
import { notifications } from './sections/notifications.ts';
import { processes } from './sections/processes.ts';
import { productApi } from './sections/product-api.ts';
import { streams } from './sections/streams.ts';
import { usage } from './sections/usage.ts';
import { verification } from './sections/verification.ts';
import { workosSdk } from './sections/workos-sdk.ts';
import { writes } from './sections/writes.ts';

/** In the order in which they run and are reported. */
export const SECTIONS: readonly Section[] = [
  verification,
  halfRate,
  keyReads,
  productApi,
  middleware,
  betterAuth,
  workosSdk,
  cold,
  many,
  changes,
  notifications,
  streams,
  writes,
  usage,
  creates,
  command,
  memory,
  cache,
  processes,
];
