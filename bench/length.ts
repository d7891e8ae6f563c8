import type { Length } from './section.ts';

export const FULL: Length = { short: false, rounds: 9, seconds: 3, soakMinutes: 10 };
export const SHORT: Length = { short: true, rounds: 1, seconds: 0.5, soakMinutes: 0.05 };
