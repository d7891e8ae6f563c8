import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { note, printFigures, residentMib, underAttack } from './measure.ts';
import { startEmbedded, startProduction } from './start.ts';
import type { Target } from './start.ts';

const MAX_GROWTH_MIB = 100;
const MAX_LONGER_MS = 250;
const ROUNDS = 3;

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`;

afterAll(printFigures);

describe.each([
  ['embedded', startEmbedded],
  ['production', startProduction],
] as const)('a stranger before the %s start', (name, start) => {
  let target: Target;
  let script: string;

  beforeAll(async () => {
    target = await start();
    const page = await (await fetch(`${target.url}/docs`)).text();
    script = /src="([^"]+)"/.exec(page)![1]!;
    // What the first request allocates must not count as growth under attack.
    for (const path of [script, '/openapi.json', '/metrics']) await (await fetch(`${target.url}${path}`)).text();
  }, 150_000);

  /** Answers that are never read: three sockets with a thousand requests each, and one with fifteen kilobytes. */
  test.each([
    ['3 sockets with 1,000 requests each', 3, 1_000, 0],
    ['1 socket with 250 requests', 1, 250, 0],
    ['32 sockets with 1,000 requests each, opened again five times a second', 32, 1_000, 200],
    ['32 sockets with 12 requests each, opened again five times a second', 32, 12, 200],
  ])("who reads nothing of the page's script gets no memory: %s", async (what, sockets, pipelined, keptMs) => {
    const before = residentMib(target);
    const seen = await underAttack(target, { request: get(script), sockets, pipelined, reads: false, keptMs });
    note(
      `${name}: ${what}, unread: ${before.toFixed(0)} MiB, +${seen.grownMib.toFixed(0)}; worst ${seen.worstMs.toFixed(0)} ms`,
    );
    expect(seen.grownMib).toBeLessThan(MAX_GROWTH_MIB);
  });

  test.each([
    ['8 sockets with 500 requests each', 8, 500],
    ['16 sockets with 16 requests each', 16, 16],
  ])(
    'a request for a large answer delays other callers no longer than one for a small answer: %s',
    async (what, sockets, pipelined) => {
      const paths = ['/healthz', '/openapi.json', '/metrics', script];
      let mostGrownMib = 0;
      const worst = new Map(paths.map((path) => [path, Infinity]));
      // In turns, and the best of each: other work on the machine only makes times longer.
      for (let round = 0; round < ROUNDS; round++) {
        for (const path of paths) {
          const attack = {
            request: get(path, 'accept-encoding: gzip\r\n'),
            sockets,
            pipelined,
            reads: true,
            keptMs: 0,
          };
          const { worstMs, grownMib } = await underAttack(target, attack);
          worst.set(path, Math.min(worst.get(path)!, worstMs));
          mostGrownMib = Math.max(mostGrownMib, grownMib);
        }
      }
      for (const [path, ms] of worst) note(`${name}: ${what}, ${path.slice(0, 20)}: worst ${ms.toFixed(0)} ms`);
      note(`${name}: ${what}, most grown: ${mostGrownMib.toFixed(0)} MiB`);
      const longer = [...worst].filter(([, ms]) => ms - worst.get('/healthz')! >= MAX_LONGER_MS);
      expect(longer).toEqual([]);
      expect(mostGrownMib).toBeLessThan(MAX_GROWTH_MIB);
    },
  );
});
