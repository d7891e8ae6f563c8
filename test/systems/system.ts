import { describe, expect, test } from 'vitest';

/** One thing that a product's page states, how Latchkey does it, and the test of that. */
export type Behaviour<World> = {
  /** The part of the page that it stands in. */
  section: string;
  /** What the page states, in our words; it is the name of the test. */
  page: string;
  /** What Latchkey does. */
  latchkey: string;
  /** Whether it answers in its own way: by its own names, statuses or envelope. */
  own?: true;
  check(world: World): Promise<void>;
};

/** A product that Latchkey can be by its configuration alone. */
export type System<World> = {
  name: string;
  /** The name of its configuration in examples/systems, and of its test here. */
  slug: string;
  about: string;
  start(): Promise<World>;
  /** In the order of the page. */
  behaviours: readonly Behaviour<World>[];
};

/** The number of a behaviour, which begins the name of its test. */
export function numbered<World>({ behaviours }: Pick<System<World>, 'behaviours'>): [string, Behaviour<World>][] {
  return behaviours.map((behaviour, i) => [String(i + 1), behaviour]);
}

/** Walks a product's page from top to bottom. */
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
