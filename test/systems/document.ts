import { markdownTable } from '../support/markdown-table.ts';
import { EMBERMIND } from './embermind/system.ts';
import { EVERMUSE } from './evermuse/system.ts';
import { EVERSHELL } from './evershell/system.ts';
import { MEMSOLUS } from './memsolus/system.ts';
import { MIXUS } from './mixus/system.ts';
import { numbered } from './system.ts';
import type { Behaviour, System } from './system.ts';

/** A statement without a standing is fulfilled as written. */
const STANDINGS = { own: 'in its own way', console: 'by the console', elsewhere: 'another page' } as const;

/** Each system, as a section of the page and as the behaviours that a test checks for faults. */
const SYSTEMS = [describe(EVERSHELL), describe(EVERMUSE), describe(EMBERMIND), describe(MIXUS), describe(MEMSOLUS)];

/** Every documented behaviour. */
export const DOCUMENTED = SYSTEMS.flatMap(({ behaviours }) => behaviours);

/** Returns docs/reference/systems.md. */
export function systemsPage(): string {
  return `${INTRODUCTION}\n${SYSTEMS.map(({ text }) => text).join('\n')}`;
}

const INTRODUCTION = `# Five systems, one service

With one of the files in [examples/systems](../../examples/systems), Latchkey answers for the API keys of each of five products.
\`LATCHKEY_CONFIG=examples/systems/memsolus.yaml npm start\` runs one of them with demo data. The product's own API asks Latchkey about
each request, by the [middleware](middleware.md) or [behind a proxy](../how-to/guard-with-a-proxy.md); the tests have such an API.

Each line below is a statement of the product's public page, in our words, with the test that plays it over HTTP
(\`npm run test:systems\`). Its standing is one of these:

- _as written_: a request as the page has it gets the answer that the page shows.
- _by the console_: the page's reader clicks. The test sends the requests behind the console's pages, on which a browser makes keys of
  three of the five products in [another test](../../test/console/products.browser.ts).
- _in its own way_: Latchkey answers, with other names or another status than the page's.
- _another page_: a page of the product that is not among the five states it.
- _not ours_: it belongs to another part of the product.

Advice to readers, such as to keep keys in environment variables, is not listed. Each page is also played by a test that was written from it
alone, and by a [customer's client](../../examples/customers) that does not know Latchkey. This page is written by
\`npm run docs:systems\` from the tests.
`;

type Documented = Omit<Behaviour<never>, 'check'> & { system: string };

function describe<World>(system: System<World>): { text: string; behaviours: Documented[] } {
  const { name, slug, about, behaviours, notOurs } = system;
  const rows = numbered(system).map(([number, behaviour]) => {
    const test = `[${number}](../../test/systems/${slug}.test.ts)`;
    return [behaviour.section, behaviour.page, ...standingOf(system, behaviour), test];
  });
  const others = notOurs.map(({ section, page, why }) => [section, page, 'not ours', why, '']);
  const table = markdownTable([['section', 'statement', 'standing', 'Latchkey', 'test'], ...rows, ...others]);
  const file = `[examples/systems/${slug}.yaml](../../examples/systems/${slug}.yaml)`;
  const played = `[The page as a test](../../test/systems/${slug}-page.test.ts).`;
  return {
    text: `## ${name}\n\n${about} ${file}. ${played}\n\n${table}`,
    behaviours: behaviours.map(({ section, page, latchkey, standing }) => ({
      system: slug,
      section,
      page,
      latchkey,
      ...(standing && { standing }),
    })),
  };
}

/** Returns the standing of a statement, and what Latchkey does. */
function standingOf<World>({ keepsItsOwn }: System<World>, { standing, latchkey }: Behaviour<World>): [string, string] {
  if (standing === 'own' && keepsItsOwn)
    return ['as written', `Under the page's own names by \`api:\` in the file. At \`/v1\`: ${latchkey}`];
  return [standing ? STANDINGS[standing] : 'as written', latchkey];
}
