/** The first argument with which a shell asks for completions; the rest is the line so far. */
export const ASK = '__complete';
