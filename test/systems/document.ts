import { markdownTable } from '../support/markdown-table.ts';
import { EMBERMIND } from './embermind/system.ts';
import { EVERMUSE } from './evermuse/system.ts';
import { EVERSHELL } from './evershell/system.ts';
import { MEMSOLUS } from './memsolus/system.ts';
import { MIXUS } from './mixus/system.ts';
import { numbered } from './system.ts';
import type { Behaviour, System } from './system.ts';

/** Each system, as a section of the page and as the behaviours that a test checks for faults. */
const SYSTEMS = [describe(EVERSHELL), describe(EVERMUSE), describe(EMBERMIND), describe(MIXUS), describe(MEMSOLUS)];

/** Every documented behaviour. */
export const DOCUMENTED = SYSTEMS.flatMap(({ behaviours }) => behaviours);

/** Returns docs/reference/systems.md. */
export function systemsPage(): string {
  return `${INTRODUCTION}\n${SYSTEMS.map(({ text }) => text).join('\n')}`;
}

const INTRODUCTION = `# Five systems, one service

A configuration file alone makes Latchkey behave like each of five products that hand out API keys. The files are in
[examples/systems](../../examples/systems), and \`LATCHKEY_CONFIG=examples/systems/memsolus.yaml npm start\` runs one of them
with demo data. Each line below is a behaviour that the product's public page states, in our words, with the test that plays
it over HTTP (\`npm run test:systems\`). Advice to readers, such as to keep keys in environment variables, is not listed.

At \`/v1\` Latchkey keeps its own error envelope, field names and statuses. Where its answer therefore differs from the page's, the
line says _in its own way_. A product keeps its own beside them with \`api:\` in its file
([how](../how-to/keep-your-own-api.md)): the calls of
[Embermind's page](../../test/systems/embermind-page.test.ts) are played as they are printed, and so is the 429 of
[Evermuse's](../../test/systems/evermuse-page.test.ts). This page is written by \`npm run docs:systems\` from the tests.
`;

type Documented = Omit<Behaviour<never>, 'check'> & { system: string };

function describe<World>(system: System<World>): { text: string; behaviours: Documented[] } {
  const { name, slug, about, behaviours } = system;
  const rows = numbered(system).map(([number, { section, page, latchkey, own }]) => [
    section,
    page,
    own ? `_In its own way:_ ${latchkey}` : latchkey,
    `[${number}](../../test/systems/${slug}.test.ts)`,
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
