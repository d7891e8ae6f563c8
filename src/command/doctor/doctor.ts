import { connect, serviceUrl } from '../connection.ts';
import { toStdout } from '../context.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT, failureOf } from '../failure.ts';
import type { ConnectionFlags } from '../flags.ts';
import { endOf } from '../login/workos.ts';
import { printJson } from '../output/print.ts';
import { readObject } from '../read-object.ts';
import { check } from '../run.ts';
import type { Outcome } from '../run.ts';

/** A token is refused by a service whose clock differs by more. */
const MOST_SKEW_SECONDS = 30;
const TIMEOUT_MS = 10_000;

type Finding = { check: string; ok: boolean; says: string };
export type DoctorFlags = ConnectionFlags & { json?: boolean };

/** Looks for what would keep commands and CI jobs from working: service, clock, WorkOS, credential, and the job's own token. */
export const doctor = check(async (context: Context, flags: DoctorFlags): Promise<Outcome> => {
  const url = await serviceUrl(context, flags);
  const findings = [...(await ofService(context, url)), await ofCredential(context, flags), ...ofJob(context)];
  if (flags.json) printJson(context, { data: findings });
  else
    for (const { check: name, ok, says } of findings)
      toStdout(context, `${ok ? 'ok     ' : 'problem'}  ${name}: ${says}\n`);
  return findings.every(({ ok }) => ok) ? EXIT.done : EXIT.failed;
});

async function ofService(context: Context, url: string): Promise<Finding[]> {
  const { fetch, signal, now } = context;
  const begun = now().getTime();
  const response = await fetch(`${url}/readyz`, {
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  }).catch((cause: unknown) => {
    if (signal.aborted) throw cause;
    throw new CommandFailure(EXIT.failed, `${url} does not answer. Check the URL and the network.`, { cause });
  });
  const skew = clockSkew(response.headers.get('date'), begun, now().getTime());
  const state = (await readObject(response)) as { status?: string; workos?: string; workos_events?: string };
  const { workos = 'unknown', workos_events: events = 'unknown' } = state;
  return [
    {
      check: 'service',
      ok: state.status === 'ready',
      says: state.status === 'ready' ? `${url} is ready` : `${url} is not ready (status ${response.status})`,
    },
    {
      check: 'clock',
      ok: Math.abs(skew) <= MOST_SKEW_SECONDS,
      says: `differs from the service by ${Math.round(Math.abs(skew))} s; tokens allow ${MOST_SKEW_SECONDS} s`,
    },
    { check: 'WorkOS', ok: workos !== 'down', says: `${workos} for the service` },
    { check: 'events of WorkOS', ok: events !== 'degraded', says: events },
  ];
}

/** How many seconds this clock is ahead of the service's, which says whole seconds; 0 where it says none. */
function clockSkew(date: string | null, begun: number, ended: number): number {
  const said = Date.parse(date ?? '');
  if (Number.isNaN(said)) return 0;
  const middle = (begun + ended) / 2;
  return Math.sign(middle - said) * Math.max(0, (Math.abs(middle - said) - (ended - begun) / 2) / 1_000 - 1);
}

async function ofCredential(context: Context, flags: ConnectionFlags): Promise<Finding> {
  try {
    const client = await connect(context, flags);
    const session = await client.session.get({ signal: context.signal });
    const scopes = session.permissions.filter((name) => name.startsWith('apikeys:'));
    return {
      check: 'credential',
      ok: scopes.length > 0,
      says: `${session.kind} of ${session.organization_id}, ${scopes.length > 0 ? scopes.join(' ') : 'without apikeys:read, which lists keys'}`,
    };
  } catch (error) {
    context.signal.throwIfAborted();
    const { message } = failureOf(error);
    // A service token belongs to no organization, and its routes are others.
    const isService = message.includes('permission_denied');
    return { check: 'credential', ok: isService, says: isService ? 'a service token' : message };
  }
}

/** In a CI job: whether it may ask for a token, and when one that it has ends. */
function ofJob({ env, now }: Context): Finding[] {
  if (env['CI'] !== 'true') return [];
  const token = env['LATCHKEY_ID_TOKEN'];
  if (token) {
    const seconds = Math.round((endOf(token) - now().getTime()) / 1_000);
    return [{ check: 'token of the job', ok: seconds > 0, says: seconds > 0 ? `ends in ${seconds} s` : 'has ended' }];
  }
  if (env['GITHUB_ACTIONS'] !== 'true') return [];
  const may = Boolean(env['ACTIONS_ID_TOKEN_REQUEST_URL']);
  return [
    {
      check: 'token of the job',
      ok: may,
      says: may ? 'GitHub gives one' : 'the job needs the permission id-token: write',
    },
  ];
}
