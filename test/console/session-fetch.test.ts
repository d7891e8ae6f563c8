import { describe, expect, it } from 'vitest';
import { makeSessionFetch } from '../../src/console/session/session-fetch.ts';

const answer = (status: number, code?: string) =>
  Response.json(code === undefined ? {} : { error: { code } }, { status });

/** A browser whose service answers as it is asked to, and whose tabs take turns. */
function makeBrowser(answers: Record<string, Response[]>) {
  const asked: string[] = [];
  let ended = 0;
  let renewedAt = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const fetch = (input: string | URL | Request) => {
    const path = input as string;
    asked.push(path);
    return Promise.resolve(answers[path]!.shift()!);
  };
  const alone = <T>(task: () => Promise<T>): Promise<T> => {
    const next = turn.then(task);
    turn = next.catch(() => undefined);
    return next;
  };
  const renewals = { last: () => renewedAt, record: (time: number) => void (renewedAt = time + 1) };
  const sessionFetch = makeSessionFetch({
    fetch,
    alone,
    renewals,
    onEnd: () => (ended += 1),
  });
  return { sessionFetch, asked, ended: () => ended };
}

describe('sessionFetch', () => {
  it('renews an expired session and repeats the request', async () => {
    const { sessionFetch, asked, ended } = makeBrowser({
      '/v1/keys': [answer(401, 'credential_expired'), answer(200)],
      '/console/refresh': [answer(200)],
    });
    expect((await sessionFetch('/v1/keys')).status).toBe(200);
    expect(asked).toEqual(['/v1/keys', '/console/refresh', '/v1/keys']);
    expect(ended()).toBe(0);
  });

  it('renews once for two requests that fail together', async () => {
    const { sessionFetch, asked } = makeBrowser({
      '/v1/keys': [answer(401, 'credential_expired'), answer(200)],
      '/v1/me': [answer(401, 'credential_expired'), answer(200)],
      '/console/refresh': [answer(200)],
    });
    const both = await Promise.all([sessionFetch('/v1/keys'), sessionFetch('/v1/me')]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect(asked.filter((path) => path === '/console/refresh')).toHaveLength(1);
  });

  it('ends the session when it cannot be renewed, and asks no more', async () => {
    const { sessionFetch, asked, ended } = makeBrowser({
      '/v1/keys': [answer(401, 'credential_expired')],
      '/console/refresh': [answer(401, 'credential_expired')],
    });
    expect((await sessionFetch('/v1/keys')).status).toBe(401);
    expect(asked).toEqual(['/v1/keys', '/console/refresh']);
    expect(ended()).toBe(1);
  });

  it('does not renew without a session', async () => {
    const { sessionFetch, asked, ended } = makeBrowser({ '/v1/keys': [answer(401, 'credential_missing')] });
    await sessionFetch('/v1/keys');
    expect(asked).toEqual(['/v1/keys']);
    expect(ended()).toBe(1);
  });

  it('keeps the session while the service cannot renew it now', async () => {
    const { sessionFetch, ended } = makeBrowser({
      '/v1/keys': [answer(401, 'credential_expired')],
      '/console/refresh': [answer(503, 'workos_unavailable')],
    });
    await expect(sessionFetch('/v1/keys')).rejects.toThrow('cannot be renewed now');
    expect(ended()).toBe(0);
  });
});
