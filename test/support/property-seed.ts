import * as fc from 'fast-check';

// Each run tries the same cases, so that a failure comes from the change; PROPERTY_SEED selects others.
const DEFAULT_SEED = 20_261_120;

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env['PROPERTY_SEED'] ?? DEFAULT_SEED) });
