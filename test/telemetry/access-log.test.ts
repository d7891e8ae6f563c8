import { expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { startService } from '../support/service.ts';

const service = await startService();

type Line = Readonly<Record<string, unknown>>;

/** The access lines of one request; the line is written when the connection has it all, so it may be a moment late. */
async function linesOf(requestId: string | null): Promise<Line[]> {
  const find = () =>
    service.logs.map((line) => JSON.parse(line) as Line).filter((line) => line['request_id'] === requestId);
  await expect.poll(() => find().length).toBeGreaterThan(0);
  return find();
}

test('a request is one line with who, for which organization, which route and what came of it, and nothing else', async () => {
  const { id, session, userId } = await service.organizations.add();
  const { headers } = await call(service, 'GET', '/v1/organization', { token: await session('owner') });
  expect(await linesOf(headers.get('x-request-id'))).toEqual([
    {
      level: 'info',
      time: expect.any(String),
      request_id: headers.get('x-request-id'),
      method: 'GET',
      route: '/v1/organization',
      status: 200,
      duration_ms: expect.any(Number),
      caller: 'user',
      caller_id: userId('owner'),
      organization_id: id,
      msg: 'request',
    },
  ]);
});

test('what a client puts into path, query, headers or cookies is not in the log', async () => {
  const { session } = await service.organizations.add();
  const { value } = await createKey(service, await session('owner'));
  const answer = await call(service, 'GET', `/v1/nothing/${value}?api_key=${value}`, {
    headers: {
      'x-api-key': value,
      cookie: `wos_session=${value}`,
      'x-surprise': value,
      referer: `http://x/?k=${value}`,
    },
  });
  const [line] = await linesOf(answer.headers.get('x-request-id'));
  expect(line).toMatchObject({ route: 'unmatched', status: 404, code: 'route_not_found' });
  expect(service.logs.join('')).not.toContain(value);
});
