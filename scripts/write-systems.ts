import { writeFileSync } from 'node:fs';
import { systemsPage } from '../test/systems/document.ts';

/** `npm run docs:systems`: writes docs/reference/systems.md from the tests of the five systems. */
writeFileSync(new URL('../docs/reference/systems.md', import.meta.url), systemsPage());
