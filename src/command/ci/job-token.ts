import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';

const TRIES = 4;
const PAUSE_MS = 500;
const TIMEOUT_MS = 10_000;
/** They are in a token only when they are asked for, and policies must pin them. */
const BUILDKITE_IDS = 'organization_id,pipeline_id';

type Source = { name: string; isHere: boolean; ask: (audience: string) => Promise<string> };

/** Returns the OIDC token of the CI job that this runs in. @throws CommandFailure where there is none, with what to set */
export async function readJobToken(context: Context, audience: string | undefined): Promise<string> {
  const given = context.env['LATCHKEY_ID_TOKEN'];
  if (given) return given;
  const source = sourcesOf(context).find(({ isHere }) => isHere);
  if (!source) throw new CommandFailure(EXIT.usage, NO_TOKEN);
  if (audience === undefined)
    throw new CommandFailure(EXIT.usage, `${source.name} needs --audience: what the CI policy shows as its audience.`);
  return (await source.ask(audience)).trim();
}

const NO_TOKEN =
  'There is no OIDC token. On GitHub give the job the permission id-token: write; on GitLab set LATCHKEY_ID_TOKEN in id_tokens; elsewhere set LATCHKEY_ID_TOKEN.';

function sourcesOf(context: Context): readonly Source[] {
  const { env } = context;
  return [
    { name: 'GitHub', isHere: Boolean(env['ACTIONS_ID_TOKEN_REQUEST_URL']), ask: async (to) => askGithub(context, to) },
    {
      name: 'Buildkite',
      isHere: env['BUILDKITE'] === 'true',
      ask: async (to) =>
        outputOf(context, 'buildkite-agent', 'oidc', 'request-token', '--audience', to, '--claims', BUILDKITE_IDS),
    },
    {
      name: 'CircleCI',
      isHere: env['CIRCLECI'] === 'true',
      ask: async (to) => outputOf(context, 'circleci', 'run', 'oidc', 'get', '--claims', JSON.stringify({ aud: to })),
    },
  ];
}

async function outputOf({ runProgram }: Context, program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args);
  if (code !== 0) throw new CommandFailure(EXIT.failed, `${program} gave no token: ${stderr.trim()}`);
  return stdout;
}

/** Asks GitHub's runner, which fails now and then. Its address has a query already. */
async function askGithub(context: Context, audience: string): Promise<string> {
  const { env, sleep } = context;
  const url = new URL(env['ACTIONS_ID_TOKEN_REQUEST_URL']!);
  url.searchParams.set('audience', audience);
  let reason = '';
  for (let i = 0; i < TRIES; i++) {
    if (i > 0) await sleep(PAUSE_MS * 2 ** i);
    const asked = await tokenFrom(context, url, env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] ?? '');
    if ('value' in asked) return asked.value;
    reason = asked.reason;
  }
  throw new CommandFailure(EXIT.failed, `GitHub gave no token (${reason}).`);
}

async function tokenFrom(
  { fetch, signal }: Context,
  url: URL,
  bearer: string,
): Promise<{ value: string } | { reason: string }> {
  try {
    const response = await fetch(url.href, {
      headers: { authorization: `Bearer ${bearer}` },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const { value } = JSON.parse(await response.text()) as { value?: unknown };
    return response.ok && typeof value === 'string' ? { value } : { reason: `status ${response.status}` };
  } catch (error) {
    signal.throwIfAborted();
    return { reason: (error as Error).message };
  }
}
