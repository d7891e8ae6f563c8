import * as fc from 'fast-check';

// The same cases each time, so that a change is judged by what it changed; PROPERTY_SEED looks for others.
const DEFAULT_SEED = 20_261_120;

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env['PROPERTY_SEED'] ?? DEFAULT_SEED) });
