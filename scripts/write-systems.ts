import { writeFileSync } from 'node:fs';
import { systemsPage } from '../test/systems/document.ts';

/** `npm run docs:systems`: writes what Latchkey does as each of the five systems, from the tests of it. */
writeFileSync(new URL('../docs/reference/systems.md', import.meta.url), systemsPage());
