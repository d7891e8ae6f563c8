const MAX_REDIRECTS = 10;
const TIMEOUT_MS = 30_000;

export type Page = { url: string; status: number; text: string };

/** Creates a browser for a sign-in without scripts: cookies, redirects and forms. */
export type Browser = {
  open(url: string): Promise<Page>;
  /** Submits the form of the page that has the first of the fields, with its hidden fields. */
  submit(page: Page, fields: Readonly<Record<string, string>>): Promise<Page>;
  /** Returns the `Cookie` header for the host of the URL; cookies do not depend on the port. */
  cookiesFor(url: string): string;
};

export function openBrowser(): Browser {
  const jar = new Map<string, Map<string, string>>();
  const cookiesFor = (url: string): string =>
    [...(jar.get(new URL(url).hostname) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  const keep = (url: string, headers: Headers): void => {
    const { hostname } = new URL(url);
    const cookies = jar.get(hostname) ?? new Map<string, string>();
    jar.set(hostname, cookies);
    for (const line of headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      const isOver = /;\s*max-age=0\b/i.test(line) || /;\s*expires=Thu, 01 Jan 1970/i.test(line);
      if (isOver || value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
  };
  const load = async (url: string, form?: URLSearchParams): Promise<Page> => {
    let target = url;
    let body = form;
    for (let count = 0; count <= MAX_REDIRECTS; count += 1) {
      const response = await fetch(target, {
        redirect: 'manual',
        headers: { cookie: cookiesFor(target), accept: 'text/html' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body && { method: 'POST', body }),
      });
      keep(target, response.headers);
      const location = response.headers.get('location');
      if (location === null) return { url: target, status: response.status, text: await response.text() };
      await response.body?.cancel();
      target = new URL(location, target).href;
      body = undefined;
    }
    throw new Error(`More than ${MAX_REDIRECTS} redirects from ${url}.`);
  };
  return {
    open: (url) => load(url),
    submit: (page, fields) => {
      const { action, hidden } = readForm(page, Object.keys(fields)[0]!);
      return load(new URL(action, page.url).href, new URLSearchParams({ ...hidden, ...fields }));
    },
    cookiesFor,
  };
}

function readForm({ text, url }: Page, field: string): { action: string; hidden: Record<string, string> } {
  const forms = [...text.matchAll(/<form[^>]*action="(?<action>[^"]*)"[^>]*>(?<content>.*?)<\/form>/gs)];
  const form = forms.find(({ groups }) => groups!['content']!.includes(`name="${field}"`));
  if (!form) throw new Error(`No form with the field ${field} at ${url}: ${text.slice(0, 1_000)}`);
  const inputs = form.groups!['content']!.matchAll(
    /<input type="hidden" name="(?<name>[^"]*)" value="(?<value>[^"]*)"/g,
  );
  const hidden = [...inputs].map(({ groups }) => [unescape(groups!['name']!), unescape(groups!['value']!)]);
  return { action: unescape(form.groups!['action']!), hidden: Object.fromEntries(hidden) as Record<string, string> };
}

const unescape = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
