import { describe, expect, test } from 'vitest';

/** A statement of a product's page, how Latchkey fulfils it, and the test. */
export type Behaviour<World> = {
  /** The heading on the page. */
  section: string;
  /** The statement, in our words; the title of the test. */
  page: string;
  /** What Latchkey does. */
  latchkey: string;
  /** Set where Latchkey answers with its own names, statuses or envelope instead of the page's. */
  own?: true;
  check(world: World): Promise<void>;
};

/** A product that a configuration file makes of Latchkey. */
export type System<World> = {
  name: string;
  /** The file name of its configuration in examples/systems and of its test. */
  slug: string;
  about: string;
  start(): Promise<World>;
  /** In the page's order. */
  behaviours: readonly Behaviour<World>[];
};

/** Returns the behaviours with their numbers, which begin the titles of their tests. */
export function numbered<World>({ behaviours }: Pick<System<World>, 'behaviours'>): [string, Behaviour<World>][] {
  return behaviours.map((behaviour, i) => [String(i + 1), behaviour]);
}

/** Tests every behaviour of a product, in the page's order. */
export async function walk<World>(system: System<World>): Promise<void> {
  const world = await system.start();
  const sections = [...Map.groupBy(numbered(system), ([, { section }]) => section)];
  describe.each(sections.map(([section, behaviours]) => ({ section, behaviours })))('$section', ({ behaviours }) => {
    for (const [number, { page, check }] of behaviours) {
      test(`${number}. ${page}`, async () => {
        expect.hasAssertions();
        await check(world);
      });
    }
  });
}
