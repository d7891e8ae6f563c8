import { writeFileSync } from 'node:fs';
import { referencePages } from './reference/pages.ts';

// `npm run docs:reference`: writes the pages of docs/reference that are made of the code. A test compares them.
for (const { file, text } of await referencePages()) writeFileSync(new URL(`../${file}`, import.meta.url), text);
