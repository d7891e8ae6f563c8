import type { Service } from './service.ts';

const HIDDEN = /<input type="hidden" name="(?<name>[^"]*)" value="(?<value>[^"]*)">/g;
const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&amp;': '&',
};

export type Browser = ReturnType<typeof makeBrowser>;

/** A client with the cookies of one browser, at one service. It follows no redirect by itself. */
export function makeBrowser({ url, workos }: Pick<Service, 'url' | 'workos'>) {
  const cookies = new Map<string, string>();

  function keep(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split('; ');
      const at = pair.indexOf('=');
      const isGone = attributes.some((each) => each.startsWith('Expires=Thu, 01 Jan 1970'));
      if (isGone) cookies.delete(pair.slice(0, at));
      else cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
  }

  async function send(method: string, path: string, headers: Record<string, string> = {}, body?: object) {
    const response = await fetch(new URL(path, url), {
      method,
      redirect: 'manual',
      headers: {
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        'sec-fetch-site': 'same-origin',
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    keep(response);
    return response;
  }

  /** Fills in AuthKit's form, and returns the address that it sends the person back to. */
  async function authorize(address: string, credentials: { email: string; password: string }): Promise<string> {
    const page = await fetch(address);
    const fields = [...(await page.text()).matchAll(HIDDEN)].map(({ groups }): [string, string] => [
      groups!['name']!,
      groups!['value']!.replaceAll(/&(?:lt|gt|quot|#39|amp);/g, (entity) => ENTITIES[entity]!),
    ]);
    const answer = await fetch(new URL('/user_management/authorize', workos.url), {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: workos.url },
      body: new URLSearchParams({ ...Object.fromEntries(fields), ...credentials }),
    });
    const target = answer.headers.get('location');
    if (target === null) throw new Error(`AuthKit did not sign in: ${answer.status}`);
    return target;
  }

  return {
    cookies,
    send,
    authorize,
    /** Signs in, and returns the answer to the callback. */
    async signIn(credentials: { email: string; password: string }, query: Record<string, string> = {}) {
      const begun = await send('GET', `/console/sign-in?${new URLSearchParams(query).toString()}`);
      const back = await authorize(begun.headers.get('location')!, credentials);
      return send('GET', back);
    },
  };
}
