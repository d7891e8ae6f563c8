import { join } from 'node:path';
import { build } from 'vite';

const ROOT = join(import.meta.dirname, '..', '..');

/** Returns the script of the page in React, as a product's bundler makes it. */
export async function bundleReactPage(latchkeyUrl) {
  const { output } = await build({
    configFile: false,
    root: import.meta.dirname,
    logLevel: 'warn',
    resolve: {
      alias: {
        // A product installs the package `latchkey`. This clone has its sources.
        'latchkey/react': join(ROOT, 'src/element/react.ts'),
        // A product may leave this out: then the element of the package is in its bundle.
        'latchkey/element': `${latchkeyUrl}/console/latchkey-keys.js`,
      },
    },
    build: {
      write: false,
      modulePreload: false,
      rolldownOptions: { input: join(import.meta.dirname, 'react-page.jsx') },
    },
  });
  return output[0].code;
}
