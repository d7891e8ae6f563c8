import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import { check } from '../run.ts';
import type { ExitCode, Outcome } from '../run.ts';

/** Has product files checked by the service's own package: there is one judge of them. */
export const lintConfig = check(
  async (context: Context, { json }: { json?: boolean }, ...files: string[]): Promise<Outcome> => {
    const code = await context.runServer(['config', 'lint', ...(json ? ['--json'] : []), '--', ...files]);
    if (code === undefined)
      throw new CommandFailure(
        EXIT.usage,
        'The package latchkey-server, whose schema judges product files, is not installed here. Run npm install latchkey-server.',
      );
    return code as ExitCode;
  },
);
