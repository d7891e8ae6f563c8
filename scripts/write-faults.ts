import { writeFileSync } from 'node:fs';
import { faultsPage } from '../test/faults/document.ts';

/** `npm run docs:faults`: writes the matrix of faults from the expectations of its tests. */
writeFileSync(new URL('../docs/reference/faults.md', import.meta.url), faultsPage());
