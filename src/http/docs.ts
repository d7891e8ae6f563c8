import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Router } from 'express';
import helmet from 'helmet';
// The package's own entry runs the whole page in this process, 29 MB of it.
import absolutePath from 'swagger-ui-dist/absolute-path.js';
import { onlyGet } from './only-get.ts';

const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, tryItOutEnabled: true })`;

const page = (title: string) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script>${START}</script>
</html>
`;

/** The API's document and its human page. Everything comes from this process: they work without a network. */
export function makeDocs({ document, title }: { document: object; title: string }): Router {
  const router = Router();
  const html = page(escapeHtml(title));
  const scriptHash = createHash('sha256').update(START).digest('base64');
  const policy = helmet({
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
  router.get('/openapi.json', (_req, res) => {
    res.locals['route'] = '/openapi.json';
    res.json(document);
  });
  router.use('/docs', (_req, res, next) => {
    res.locals['route'] = '/docs';
    next();
  });
  router.get('/docs', policy, (_req, res) => {
    res.type('html').send(html);
  });
  for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
    // Not sendFile: it answers ranges and preconditions that it cannot meet with errors of its own. Nor is it kept: of a
    // process that nobody asks for the page it would be 1.6 MB.
    const path = join(absolutePath(), file);
    router.get(`/docs/${file}`, async (_req, res) => res.type(file).send(await readFile(path)));
    router.all(`/docs/${file}`, onlyGet);
  }
  router.all(['/openapi.json', '/docs'], onlyGet);
  return router;
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
