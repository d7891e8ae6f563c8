import { markdownTable } from '../support/markdown-table.ts';
import { EMBERMIND } from './embermind/system.ts';
import { EVERMUSE } from './evermuse/system.ts';
import { EVERSHELL } from './evershell/system.ts';
import { MEMSOLUS } from './memsolus/system.ts';
import { MIXUS } from './mixus/system.ts';
import { numbered } from './system.ts';
import type { Behaviour, System } from './system.ts';

/** Each system as a section of the page, and what is looked at to find faults in it. */
const SYSTEMS = [describe(EVERSHELL), describe(EVERMUSE), describe(EMBERMIND), describe(MIXUS), describe(MEMSOLUS)];

/** Every behaviour as it is documented. */
export const DOCUMENTED = SYSTEMS.flatMap(({ behaviours }) => behaviours);

/** What Latchkey does as each of the five, as a page. */
export function systemsPage(): string {
  return `${INTRODUCTION}\n${SYSTEMS.map(({ text }) => text).join('\n')}`;
}

const INTRODUCTION = `# Five systems, one service

Latchkey can be each of five products that give out API keys, by a configuration file and nothing else. The files are in
[examples/systems](../../examples/systems), and \`LATCHKEY_CONFIG=examples/systems/memsolus.yaml npm start\` runs one of them
with demo data. Each line below is a behaviour that the product's public page states, in our words, and a test of the same
number and name, which plays it over HTTP: \`npm run test:systems\`. What a page advises its readers, such as to keep keys
in environment variables, is no behaviour and is not listed.

Latchkey keeps its own envelope of errors, its own names of fields and its own statuses; where that makes an answer other
than the page's, the line says _in its own way_. This page is written by \`npm run docs:systems\` from the tests.
`;

type Documented = Omit<Behaviour<never>, 'check'> & { system: string };

function describe<World>(system: System<World>): { text: string; behaviours: Documented[] } {
  const { name, slug, about, behaviours } = system;
  const rows = numbered(system).map(([number, { section, page, latchkey, own }]) => [
    section,
    page,
    own ? `_In its own way:_ ${latchkey}` : latchkey,
    `[${slug} ${number}](../../test/systems/${slug}.test.ts)`,
  ]);
  const table = markdownTable([['section', 'behaviour', 'Latchkey', 'test'], ...rows]);
  const file = `[examples/systems/${slug}.yaml](../../examples/systems/${slug}.yaml)`;
  return {
    text: `## ${name}\n\n${about} ${file}\n\n${table}`,
    behaviours: behaviours.map(({ section, page, latchkey, own }) => ({
      system: slug,
      section,
      page,
      latchkey,
      ...(own && { own }),
    })),
  };
}
