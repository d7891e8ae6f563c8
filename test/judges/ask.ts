import type { Probe } from './requests.ts';

const TIMEOUT_MS = 10_000;

export type Judged = { url: string; apiKey: string };
export type Answer = { status: number; shape: Record<string, string> };

/** Sends the requests in turn, and fills values of answers into later ones. */
export async function askAll({ url, apiKey }: Judged, probes: readonly Probe[]): Promise<Map<string, Answer>> {
  const known: Record<string, string> = { apiKey };
  const answers = new Map<string, Answer>();
  for (const probe of probes) {
    const response = await fetch(`${url}${fill(probe.path, known)}`, {
      method: probe.method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        ...(probe.isPublic !== true && { authorization: `Bearer ${apiKey}` }),
        ...(probe.body && { 'content-type': 'application/json' }),
      },
      ...(probe.body && { body: fill(JSON.stringify(probe.body), known) }),
    });
    const body = readJson(await response.text());
    for (const [name, path] of Object.entries(probe.keep ?? {})) known[name] = textAt(body, path) ?? `no-${name}`;
    answers.set(probe.name, { status: response.status, shape: shapeOf(body) });
  }
  return answers;
}

const fill = (text: string, known: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => known[name] ?? whole);

function readJson(text: string): unknown {
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return text;
  }
}

function textAt(body: unknown, path: string): string | undefined {
  const found = path
    .split('.')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], body);
  return typeof found === 'string' ? found : undefined;
}

/** Maps every field's path to its type; of a list the first element. Free-form objects count as one field. */
function shapeOf(body: unknown, path = ''): Record<string, string> {
  if (Array.isArray(body))
    return { [path || '(body)']: 'array', ...(body.length > 0 && shapeOf(body[0], `${path}[]`)) };
  if (typeof body !== 'object' || body === null)
    return path === '' && body === undefined ? {} : { [path || '(body)']: body === null ? 'null' : typeof body };
  const own: Record<string, string> = path === '' ? {} : { [path]: 'object' };
  return Object.assign(
    own,
    ...Object.entries(body).map(([name, value]) => shapeOf(value, path === '' ? name : `${path}.${name}`)),
  ) as Record<string, string>;
}
