import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import type { Answer } from './harness.ts';
import { call, createKey, sdk, startDemo } from './harness.ts';

let emulator: Emulator;
const oldestFirst: string[] = [];

beforeAll(async () => {
  emulator = await startDemo();
  for (let index = 0; index < 12; index += 1) oldestFirst.push((await createKey(emulator)).id);
});
afterAll(() => emulator.close());

const list = (query: string): Promise<Answer> => call(emulator, 'GET', `/organizations/org_acme/api_keys?${query}`);
const ids = ({ body }: Answer): string[] => body.data.map(({ id }: { id: string }) => id);

async function walk(query: string, direction: 'after' | 'before'): Promise<string[][]> {
  const pages: string[][] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const answer: Answer = await list(`${query}${cursor && `&${direction}=${cursor}`}`);
    pages.push(ids(answer));
    cursor = answer.body.list_metadata[direction];
  }
  return pages;
}

describe('pages', () => {
  it('hold ten items, newest first, by default', async () => {
    const answer = await list('');
    expect(ids(answer)).toEqual(oldestFirst.toReversed().slice(0, 10));
    expect(answer.body.list_metadata).toEqual({ before: null, after: oldestFirst[2] });
  });

  it.each([
    ['desc', (all: string[]) => all.toReversed()],
    ['asc', (all: string[]) => all],
  ])('meet every key once with order %s', async (order, expected) => {
    const pages = await walk(`limit=5&order=${order}`, 'after');
    expect(pages.map(({ length }) => length)).toEqual([5, 5, 2]);
    expect(pages.flat()).toEqual(expected(oldestFirst));
  });

  it('go back with before', async () => {
    const last = await list(`limit=5&after=${oldestFirst[5]}`);
    const previous = await list(`limit=5&before=${last.body.list_metadata.before}`);
    expect(ids(previous)).toEqual(oldestFirst.toReversed().slice(2, 7));
    expect(previous.body.list_metadata).toEqual({ before: oldestFirst[9], after: oldestFirst[5] });
  });

  it('reverse the cursors with order normal: after is newer', async () => {
    expect((await walk('limit=5&order=normal', 'before')).flat()).toEqual(oldestFirst.toReversed());
    expect(ids(await list(`limit=2&order=normal&after=${oldestFirst[5]}`))).toEqual([oldestFirst[7], oldestFirst[6]]);
    expect((await list('limit=5&order=normal')).body.list_metadata).toEqual({ before: oldestFirst[7], after: null });
  });

  it('continue from a key that was deleted meanwhile', async () => {
    const { id } = await createKey(emulator);
    await call(emulator, 'DELETE', `/api_keys/${id}`);
    expect(ids(await list(`limit=2&after=${id}`))).toEqual(oldestFirst.toReversed().slice(0, 2));
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'order=sideways', 'after=nonsense'])(
    'refuse %s with 422',
    async (query) => {
      expect(await list(query)).toMatchObject({ status: 422 });
    },
  );

  it('are read to the end by the official SDK', async () => {
    const page = await sdk(emulator).apiKeys.listOrganizationApiKeys({ organizationId: 'org_acme' });
    const all = await page.autoPagination();
    expect(all.map(({ id }) => id)).toEqual(oldestFirst.toReversed());
  });
});
