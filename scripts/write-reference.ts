import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CHART_SCHEMA, chartSchema } from './reference/chart-values.ts';
import { referencePages } from './reference/pages.ts';

// `npm run docs:reference`: writes the pages of docs/reference that are made of the code, and the variables into the schema of the
// chart's values. Tests compare them.
for (const { file, text } of await referencePages()) writeFileSync(new URL(`../${file}`, import.meta.url), text);
writeFileSync(CHART_SCHEMA, chartSchema());
execFileSync('oxfmt', [fileURLToPath(CHART_SCHEMA)], { stdio: 'inherit', shell: process.platform === 'win32' });
