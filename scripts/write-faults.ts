import { writeFileSync } from 'node:fs';
import { faultsPage } from '../test/faults/document.ts';

/** `npm run docs:faults`: writes docs/reference/faults.md from what its tests expect. */
writeFileSync(new URL('../docs/reference/faults.md', import.meta.url), faultsPage());
