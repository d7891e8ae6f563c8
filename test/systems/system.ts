import { describe, expect, test } from 'vitest';

/** A statement of a product's page, how Latchkey fulfils it, and the test. */
export type Behaviour<World> = {
  /** The heading on the page. */
  section: string;
  /** The statement, in our words; the title of the test. */
  page: string;
  /** What Latchkey does. */
  latchkey: string;
  /**
   * Set where the test does not play the statement as the page has it: Latchkey's `/v1` has its own names, statuses or
   * envelope; the page's reader clicks where the test sends requests; or another page of the product states it.
   */
  standing?: 'own' | 'console' | 'elsewhere';
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
  /** What the page states of other parts of the product, and why Latchkey has no part in it. */
  notOurs: readonly { section: string; page: string; why: string }[];
  /** Whether the product's file has the page's own names, which the test of the page plays where `/v1` has its own. */
  keepsItsOwn?: true;
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
