import type { Router } from 'express';
import { fileURLToPath } from 'node:url';
import { packageFile } from '../../config/package-file.ts';
import type { Config } from '../../config/config.ts';
import type { Product } from '../../product/product.ts';
import { makeConsole } from '../../console-server/console.ts';

type Deps = Omit<Parameters<typeof makeConsole>[0], 'folder' | 'frameAncestors' | 'elementOrigins' | 'cookieName'> & {
  config: Pick<Config, 'workos'>;
  product: Pick<Product, 'console'>;
};

/** Where `npm run build:console` writes. */
const FOLDER = 'dist/console';

/** Makes the console, unless the product file switches it off. */
export function makeConsoleParts(deps: Deps): Router | undefined {
  const { enabled, frame_ancestors: frameAncestors, element_origins: elementOrigins } = deps.product.console;
  const { cookieName } = deps.config.workos;
  if (!enabled) return undefined;
  const folder = fileURLToPath(packageFile(FOLDER));
  return makeConsole({ ...deps, folder, frameAncestors, elementOrigins, cookieName });
}
