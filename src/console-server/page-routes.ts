import { Router } from 'express';
import type { Request } from 'express';
import type { SessionCookies } from '../auth/session-cookie.ts';
import { AppError } from '../errors.ts';
import { onlyGet } from '../http/documents/only-get.ts';
import { sendPrepared } from '../http/documents/prepared-bytes.ts';
import { readConsoleFiles } from './console-files.ts';
import type { ConsoleFiles } from './console-files.ts';
import { allowOrigin } from '../http/allow-origin.ts';
import { pagePolicy } from './page-policy.ts';
import { HOME } from './return-to.ts';

type Deps = {
  folder: string;
  frameAncestors: readonly string[];
  elementOrigins: readonly string[];
  cookies: Pick<SessionCookies, 'mayCarry'>;
};

const ASSET = /^\/console\/assets\/([\w.-]+)$/;
/** `<latchkey-keys>`, and its languages. */
const ELEMENT = /^\/console\/(latchkey-keys(?:\.[\w-]+)?\.js)$/;
/** Paths of the page; a file that is not there is no page. */
const PAGE = /^\/console(?:\/[^.]*)?$/;
const OUTSIDE_SESSION = /^\/console\/signed-(?:in|out)$/;
const LIST = /^\/console(?:\/keys)?\/?$/;

/** What every screen asks the API first. */
const FACTS = ['/v1/me/session', '/v1/product', '/v1/organization'];
/** What the list of keys asks while its address has no filter; `keysQuery` in `src/console/data` makes the same. */
const FIRST_KEYS = '/v1/api-keys?status=active&sort=-created_at&environment=live&limit=25';

/** Serves the console: one page for all of its paths, assets that are named after their content, and the element. */
export function consolePages({ folder, frameAncestors, elementOrigins, cookies }: Deps): Router {
  const router = Router();
  let reading: Promise<ConsoleFiles | undefined> | undefined;
  // Read again after a miss: the console may have been built since.
  const files = async () => {
    const found = await (reading ??= readConsoleFiles(folder));
    if (!found) reading = undefined;
    return found;
  };
  router.get(ASSET, async (req, res) => {
    res.locals['route'] = '/console/assets';
    const found = (await files())?.assets.get(String(req.params[0]));
    if (!found) throw new AppError('route_not_found', 'There is no such file of the console. Reload the page.');
    await sendPrepared(req, res, found);
  });
  router.get(ELEMENT, async (req, res) => {
    res.locals['route'] = '/console/latchkey-keys.js';
    allowOrigin(elementOrigins, req, res);
    const found = (await files())?.elements.get(String(req.params[0]));
    if (!found) throw new AppError('route_not_found', 'The element is not built. Run: npm run build:console');
    await sendPrepared(req, res, found);
  });
  router.get(PAGE, pagePolicy(frameAncestors), async (req, res) => {
    res.locals['route'] = '/console';
    const found = await files();
    if (!found) throw new AppError('route_not_found', 'The console is not built. Run: npm run build:console');
    if (OUTSIDE_SESSION.test(req.path)) return sendPrepared(req, res, found.page);
    if (!cookies.mayCarry(req.headers.cookie)) return sendPrepared(req, res, found.signedOutPage);
    res.setHeader('link', preloads(req));
    return sendPrepared(req, res, found.page);
  });
  router.get('/', (_req, res) => {
    res.locals['route'] = '/';
    res.redirect(HOME);
  });
  router.all(['/', ASSET, ELEMENT, PAGE], onlyGet);
  return router;
}

/** Lets the browser ask the API while it still reads the scripts that want to know. */
function preloads({ path, originalUrl }: Request): string {
  const isPlainList = LIST.test(path) && !originalUrl.includes('?');
  return [...FACTS, ...(isPlainList ? [FIRST_KEYS] : [])]
    .map((address) => `<${address}>; rel=preload; as=fetch; crossorigin=anonymous`)
    .join(', ');
}
