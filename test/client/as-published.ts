import { registerHooks } from 'node:module';

// Preloaded into a process that imports `latchkey/…`: maps the package's exports to the sources.
const PUBLISHED: Readonly<Record<string, string>> = {
  'latchkey/client': '../../src/client/client.ts',
  'latchkey/express': '../../src/client/express.ts',
};

registerHooks({
  resolve(specifier, context, nextResolve) {
    const path = PUBLISHED[specifier];
    return nextResolve(path === undefined ? specifier : new URL(path, import.meta.url).href, context);
  },
});
