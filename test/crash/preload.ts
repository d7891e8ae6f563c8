import { registerHooks } from 'node:module';

const ORIGINAL = new URL('../../src/process/fault-point.ts', import.meta.url).href;
const DEADLY = new URL('die-at.ts', import.meta.url).href;

// The real entries run as they are; only their fault points are other ones.
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    return resolved.url === ORIGINAL ? { ...resolved, url: DEADLY } : resolved;
  },
});

// Whoever started this process is gone, and so is its reason. Listening keeps nothing alive.
process.on('disconnect', () => process.exit(1));
process.channel?.unref();
