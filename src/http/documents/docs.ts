import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Router } from 'express';
import type { RequestHandler } from 'express';
import helmet from 'helmet';
// The package's main entry would load the whole page into this process, 29 MB.
import absolutePath from 'swagger-ui-dist/absolute-path.js';
import { onlyGet } from './only-get.ts';
import { prepareBytes, sendPrepared } from './prepared-bytes.ts';
import type { Prepared } from './prepared-bytes.ts';

const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, tryItOutEnabled: true })`;

const page = (title: string, { style, script }: { style: string; script: string }) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${style}">
<div id="api"></div>
<script src="${script}"></script>
<script>${START}</script>
</html>
`;

const ASSET = /^\/docs\/([\w.-]+)$/;

/** Cached for ever: changed content has another name. */
const FOR_EVER = 'public, max-age=31536000, immutable';
/** Cached, and revalidated each time. */
const REVALIDATE = 'no-cache';

/**
 * Serves the OpenAPI document and its page. All files come from this process, so the page works without a network.
 * Calls `describe` at the first request for the document: describing every route takes 0.1 s, which a start saves.
 */
export function makeDocs({ describe, title }: { describe: () => object; title: string }): Router {
  const router = Router();
  const json = once(async () => prepareDocument(describe()));
  const assets = once(() => prepareAssets(escapeHtml(title)));
  router.get('/openapi.json', named('/openapi.json'), async (req, res) => sendPrepared(req, res, await json()));
  router.use('/docs', named('/docs'));
  router.get('/docs', pagePolicy(), async (req, res) => sendPrepared(req, res, (await assets()).html));
  router.all(ASSET, async (req, res, next) => {
    const found = (await assets()).files.get(String(req.params[0]));
    if (!found) return next('route');
    if (req.method !== 'GET' && req.method !== 'HEAD') return onlyGet(req, res, next);
    return sendPrepared(req, res, found);
  });
  router.get('/', named('/'), (_req, res) => res.redirect('/docs'));
  router.all(['/', '/openapi.json', '/docs'], onlyGet);
  return router;
}

type Assets = { html: Prepared; files: ReadonlyMap<string, Prepared> };

async function prepareDocument(document: object): Promise<Prepared> {
  const bytes = Buffer.from(JSON.stringify(document));
  return prepareBytes(bytes, { type: 'application/json; charset=utf-8', cacheControl: REVALIDATE });
}

/** Prepared at the first request for the page: 0.5 MB that a process without such a request saves. */
async function prepareAssets(title: string): Promise<Assets> {
  const [style, script] = await Promise.all([
    prepareAsset('swagger-ui.css', 'text/css; charset=utf-8'),
    prepareAsset('swagger-ui-bundle.js', 'text/javascript; charset=utf-8'),
  ]);
  const html = page(title, { style: `/docs/${style.name}`, script: `/docs/${script.name}` });
  return {
    html: await prepareBytes(Buffer.from(html), { type: 'text/html; charset=utf-8', cacheControl: REVALIDATE }),
    files: new Map([style, script].map(({ name, prepared }) => [name, prepared])),
  };
}

/** Names an asset after a hash of its content. */
async function prepareAsset(file: string, type: string): Promise<{ name: string; prepared: Prepared }> {
  const bytes = await readFile(join(absolutePath(), file));
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  const name = file.replace(/\.(\w+)$/, `-${hash}.$1`);
  return { name, prepared: await prepareBytes(bytes, { type, cacheControl: FOR_EVER }) };
}

/** Concurrent callers share the work; after a failure the next caller tries again. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= work().catch((error: unknown) => {
      running = undefined;
      throw error;
    });
    return running;
  };
}

function named(route: string): RequestHandler {
  return (_req, res, next) => {
    res.locals['route'] = route;
    next();
  };
}

function pagePolicy(): RequestHandler {
  const scriptHash = createHash('sha256').update(START).digest('base64');
  return helmet({
    contentSecurityPolicy: {
      directives: {
        'default-src': ["'self'"],
        'script-src': ["'self'", `'sha256-${scriptHash}'`],
        'style-src': ["'self'", "'unsafe-inline'"],
        'img-src': ["'self'", 'data:'],
        'font-src': ["'self'", 'data:'],
        'upgrade-insecure-requests': null,
      },
    },
  });
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
