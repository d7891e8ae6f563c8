import type { Stage } from './stage.ts';

export type IssuedSecret = { id: string; value: string; task: string | undefined };

type Deps = { stage: Stage; workosUrl: string; passFetch: typeof fetch; onIssued: (issued: IssuedSecret) => void };

/**
 * A `fetch` in which every call to WorkOS is two boundaries, before it is sent and before its answer is read, and fails
 * as the operation's trouble has it.
 */
export function hookFetch({ stage, workosUrl, passFetch, onIssued }: Deps): typeof fetch {
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const task = stage.task();
    if (!task || !url.startsWith(workosUrl)) return passFetch(input, init);
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
    const what = `${method} ${shorten(new URL(url).pathname)}`;
    await stage.boundary(`WorkOS: ${what}`);
    if (task.trouble === 'down') throw unreachable();
    if (task.trouble === 'refused') return refusal();
    const { status, headers, body } = await stage.call(async () => {
      const answer = await passFetch(input, init);
      return { status: answer.status, headers: answer.headers, body: await answer.text() };
    });
    if (method === 'POST' && status === 201 && what.endsWith('/api_keys')) {
      const { id, value } = JSON.parse(body) as { id: string; value: string };
      onIssued({ id, value, task: task.name });
    }
    await stage.boundary(`WorkOS answered ${status}`);
    if (task.trouble === 'lost') throw unreachable();
    return new Response([204, 304].includes(status) ? null : body, { status, headers });
  };
}

function unreachable(): TypeError {
  return new TypeError('fetch failed', {
    cause: Object.assign(new Error('the connection was cut'), { code: 'ECONNRESET' }),
  });
}

function refusal(): Response {
  const body = JSON.stringify({ message: 'This is not possible.', code: 'unprocessable' });
  return new Response(body, { status: 422, headers: { 'content-type': 'application/json' } });
}

/** Without ids, which are others each time. */
function shorten(path: string): string {
  return path.replaceAll(/\/(?:org|user|api_key|om|r)_[\w]+/g, '/:id');
}
