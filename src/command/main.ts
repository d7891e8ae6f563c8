#!/usr/bin/env node
import module from 'node:module';
import { VERSION } from '../config/version.ts';

// Node 20 has none.
module.enableCompileCache?.();
const { runLatchkey } = await import('./latchkey.ts');
const { processContext } = await import('./process-context.ts');

await runLatchkey(processContext(process.env), process.argv.slice(2), VERSION);
