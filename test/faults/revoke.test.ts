import { checkCells } from './check-cells.ts';

await checkCells('revoke');
