/** The request that a page prints as a curl command, sent to another host. */
export type Played = { status: number; body: Record<string, unknown> };

const PART =
  /(?:-X|--request) (?<method>[A-Z]+)|(?:-H|--header) (?<quote>['"])(?<header>.+?)\k<quote>|(?:-d|--data) '(?<data>[^']+)'|'?(?<url>https:\/\/[^\s']+)'?/g;

/**
 * Sends the request of a curl command as a page prints it. Only the host changes, and the texts that the page has in place
 * of what its reader holds.
 */
export async function play(url: string, command: string, held: Readonly<Record<string, string>> = {}): Promise<Played> {
  const filled = Object.entries(held).reduce((text, [placeholder, value]) => {
    if (!text.includes(placeholder)) throw new Error(`The command has no ${placeholder}`);
    return text.replaceAll(placeholder, value);
  }, command);
  const parts = [...filled.matchAll(PART)].map(({ groups = {} }) => groups);
  const { pathname, search } = new URL(parts.find((part) => part['url'])!['url']!);
  const body = parts.find((part) => part['data'])?.['data'];
  const headers = parts.flatMap((part) => (part['header'] ? [part['header'].split(/: (.*)/s).slice(0, 2)] : []));
  const response = await fetch(`${url}${pathname}${search}`, {
    method: parts.find((part) => part['method'])?.['method'] ?? (body === undefined ? 'GET' : 'POST'),
    headers: Object.fromEntries(headers) as Record<string, string>,
    ...(body !== undefined && { body }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
