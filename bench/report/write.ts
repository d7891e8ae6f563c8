import { writeReport } from './report.ts';

// `npm run docs:bench`: writes the report, its charts and pages of the stored results.
await writeReport();
