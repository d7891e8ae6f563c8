import type { ExplainedCiToken } from '../../client/client.ts';
import { LatchkeyError } from '../../client/latchkey-error.ts';
import { connectOpenly } from '../connection.ts';
import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import type { CallFlags } from '../flags.ts';
import { column, printList } from '../output/print.ts';
import { check } from '../run.ts';
import type { Outcome } from '../run.ts';
import { readJobToken } from './job-token.ts';

export type ExplainFlags = CallFlags & { policy: string; audience?: string };

type Claim = { claim: string; value: string; condition: string };

const COLUMNS = [column('CLAIM', 'claim'), column('VALUE', 'value'), column('CONDITION', 'condition')];
/** Addresses of people stay out of the logs of jobs. */
const PRIVATE = /email/i;

/** Shows what the token of this job says, and which conditions of a policy it fulfils. The token itself is not shown. */
export const explain = check(async (context: Context, flags: ExplainFlags): Promise<Outcome> => {
  const token = await readJobToken(context, flags.audience);
  const claims = claimsOf(token);
  const explained = await ask(context, flags, token);
  const rows = rowsOf(claims, explained);
  printList(context, flags, { claims, explained: explained ?? null }, { columns: COLUMNS, rows });
  if (explained?.admitted) return EXIT.done;
  toStderr(context, `${reasonOf(explained)}\n`);
  return EXIT.failed;
});

/** Returns undefined where the service says nothing about the token. */
async function ask(context: Context, flags: ExplainFlags, token: string): Promise<ExplainedCiToken | undefined> {
  const { client } = connectOpenly(context, flags);
  try {
    return await client.ci.explain({ policy: flags.policy, token }, { signal: context.signal });
  } catch (error) {
    if (error instanceof LatchkeyError && error.code === 'credential_invalid') return undefined;
    throw error;
  }
}

function reasonOf(explained: ExplainedCiToken | undefined): string {
  if (!explained)
    return 'The policy does not know this token. Compare iss, aud and the ids with those of the policy, and the id of the policy.';
  if (!explained.policy.enabled) return `The CI policy ${explained.policy.name} is disabled.`;
  const failed = explained.conditions.filter(({ holds }) => !holds).map(({ claim }) => claim);
  return `The CI policy ${explained.policy.name} refuses this job: ${failed.join(', ')}.`;
}

function rowsOf(claims: Readonly<Record<string, unknown>>, explained: ExplainedCiToken | undefined): Claim[] {
  const judged = new Map(explained?.conditions.map((one) => [one.claim, one.holds ? 'holds' : 'fails']));
  const absent = [...judged.keys()].filter((claim) => !Object.hasOwn(claims, claim));
  return [
    ...Object.entries(claims).map(([claim, value]) => ({
      claim,
      value: typeof value === 'string' ? value : JSON.stringify(value),
      condition: judged.get(claim) ?? '',
    })),
    ...absent.map((claim) => ({ claim, value: '-', condition: judged.get(claim)! })),
  ];
}

function claimsOf(token: string): Record<string, unknown> {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    if (typeof payload !== 'object' || payload === null) throw new TypeError('no object');
    return Object.fromEntries(Object.entries(payload).filter(([name]) => !PRIVATE.test(name)));
  } catch (error) {
    throw new CommandFailure(EXIT.usage, 'The OIDC token cannot be read: it is no JWT.', { cause: error });
  }
}
