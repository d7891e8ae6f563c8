import type { Reply } from '../http/route.ts';
import { PAGE_STYLE } from './page-style.ts';

/** `body` is HTML, whose foreign parts the caller has escaped with `escapeHtml`. */
export function page(status: number, { title, body }: { title: string; body: string }): Reply {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} · Local WorkOS</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<p class="brand"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M14 3a7 7 0 1 0 4.9 12L22 18v3h-4v-2h-2l-2.2-2.2A7 7 0 0 0 14 3Z"/></svg>Local WorkOS</p>
<h1>${escapeHtml(title)}</h1>
${body}
</main>
<footer>Development only. Nothing on this page leaves this machine.</footer>
</body>
</html>`;
  return { status, body: html, headers: PAGE_HEADERS };
}

/**
 * Allows no script. Allows forms to any loopback port, because `form-action` also applies to the redirect after a form.
 * The referrer policy is not `no-referrer`, with which browsers send `Origin: null`, which the check of origins refuses.
 */
const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'content-security-policy': [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    "form-action 'self' http://127.0.0.1:* http://localhost:* https://127.0.0.1:* https://localhost:*",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
};

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);

export const hiddenInputs = (fields: Readonly<Record<string, string | undefined>>): string =>
  Object.entries(fields)
    .flatMap(([name, value]) =>
      value === undefined ? [] : [`<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`],
    )
    .join('\n');
