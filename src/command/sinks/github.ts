import { randomBytes } from 'node:crypto';
import { access, appendFile, constants } from 'node:fs/promises';
import { toStdout } from '../context.ts';
import type { Context } from '../context.ts';
import type { Sink } from './sink.ts';

type Command = { flag: string; variable: 'GITHUB_OUTPUT' | 'GITHUB_ENV' };
export const OUTPUT: Command = { flag: '--github-output', variable: 'GITHUB_OUTPUT' };
export const ENVIRONMENT: Command = { flag: '--github-env', variable: 'GITHUB_ENV' };

const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** An output or a variable of a job of GitHub Actions. The secret is masked in its log first. */
export function githubSink(context: Context, { flag, variable }: Command, name: string): Sink {
  const file = context.env[variable];
  return {
    name: `${name} of the job's ${variable}`,
    check: async () => {
      if (!NAME.test(name)) throw new Error(`${flag} needs a name of letters, digits, _ and -.`);
      if (!file) throw new Error(`${flag} works in a job of GitHub Actions: ${variable} is not set.`);
      await access(file, constants.W_OK);
    },
    put: async (secret) => {
      mask(context, secret);
      // The value ends with a random line, which it cannot contain itself.
      const end = `end_${randomBytes(16).toString('hex')}`;
      await appendFile(file!, `${name}<<${end}\n${secret}\n${end}\n`);
    },
  };
}

/** Keeps a secret, and its base64, out of the log of the job; elsewhere it prints nothing. */
export function maskOnGithub(context: Context, secret: string): void {
  if (context.env['GITHUB_ACTIONS'] === 'true') mask(context, secret);
}

function mask(context: Context, secret: string): void {
  for (const form of [secret, Buffer.from(secret).toString('base64')]) toStdout(context, `::add-mask::${form}\n`);
}

/** A secret of a repository, by GitHub's own command, which is signed in there. */
export function repositorySecretSink({ runProgram }: Context, name: string): Sink {
  return {
    name: `the repository's secret ${name}`,
    check: async () => {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error('--gh-secret needs a name of letters, digits and _.');
      const { code, stderr } = await runProgram('gh', ['auth', 'status']);
      if (code !== 0) throw new Error(`gh is not signed in: ${stderr.trim()}`);
    },
    put: async (secret) => {
      const { code, stderr } = await runProgram('gh', ['secret', 'set', name], { input: secret });
      if (code !== 0) throw new Error(`gh secret set failed: ${stderr.trim()}`);
    },
  };
}
