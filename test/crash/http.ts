export type Answer = { status: number; body: Readonly<Record<string, unknown>> };
export type Sent = { token?: string; body?: object; headers?: Readonly<Record<string, string>> };

const GIVE_UP_MS = 10_000;

/** One request. @returns undefined when there was no answer: whether it was carried out is not known. */
export async function send(
  url: string,
  method: string,
  path: string,
  { token, body, headers = {} }: Sent = {},
): Promise<Answer | undefined> {
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(GIVE_UP_MS),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Answer['body'] };
  } catch {
    return undefined;
  }
}

export function codeOf({ body }: Answer): string | undefined {
  const error = body['error'] as { code?: string } | undefined;
  return error?.code;
}
