import { describe, expect, test } from 'vitest';
import { DatabaseUrl, serverUrlsOf } from '../../src/config/database-url.ts';

// Plays the commands of docs/how-to/connect-several-database-servers.md.
describe('an address of a database names', () => {
  test.each([
    ['postgres://db/latchkey', ['postgres://db/latchkey']],
    ['postgresql://u:p@db:5433/latchkey?sslmode=require', ['postgresql://u:p@db:5433/latchkey?sslmode=require']],
    [
      'postgres://u:a,b%40c@one:5432,two,[::1]:5433/latchkey?target_session_attrs=read-write&application_name=x',
      ['one:5432', 'two', '[::1]:5433'].map((host) => `postgres://u:a,b%40c@${host}/latchkey?application_name=x`),
    ],
    [
      'postgres://one,two/latchkey?target_session_attrs=primary',
      ['postgres://one/latchkey', 'postgres://two/latchkey'],
    ],
  ])('%s', (url, servers) => {
    expect(serverUrlsOf(url)).toEqual(servers);
    expect(DatabaseUrl.safeParse(url).success).toBe(true);
  });
});

describe('serverUrlsOf: refuses', () => {
  test.each([
    'mysql://db/latchkey',
    'postgres://one,two:x/latchkey',
    'postgres://one,,two/latchkey',
    'postgres://one,/latchkey',
    'postgres://one,two/latchkey?target_session_attrs=prefer-standby',
    'postgres://one/latchkey?target_session_attrs=read-only',
    `postgres://${Array.from({ length: 11 }, (_, i) => `h${i}`).join(',')}/latchkey`,
    'postgres://db/latchkey#fragment',
  ])('%s', (url) => {
    expect(serverUrlsOf(url)).toBeUndefined();
    expect(DatabaseUrl.safeParse(url).error?.issues[0]?.message).toMatch(/postgres:\/\/ address/);
  });
});
