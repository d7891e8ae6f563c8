import type { Context } from '../context.ts';
import type { Sink } from './sink.ts';

/** A program that reads the secret from its standard input. */
export function programSink({ runProgram }: Context, [program, ...args]: readonly string[]): Sink {
  return {
    name: `the program ${program}`,
    check: async () => {
      if (program === undefined)
        throw new Error('--exec needs a program after --, which reads the secret from its input.');
    },
    put: async (secret) => {
      const { code } = await runProgram(program!, args, { input: secret, isForeground: true });
      if (code !== 0) throw new Error(`${program} exited with ${code}.`);
    },
  };
}
