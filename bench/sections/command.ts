import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from '../ask.ts';
import { median } from '../rounds.ts';
import type { Bench, Finding, Outcome, Section } from '../section.ts';
import { ROOT, commandOn, startServer } from '../start-server.ts';
import { ms } from '../tables.ts';
import { makeCallers, makeKey } from '../world.ts';
import { tenants } from '../tenants.ts';

const PROGRAM = 'packages/latchkey/dist/latchkey.js';
const AUDIENCE = 'https://keys.bench.example/ci/';
const HELP_MS = 80;
const LIST_MS = 150;
const EXCHANGE_MS = 10;
const LISTED_KEYS = 20;

/** Measures the command as it is published, from its start to its end, and what an exchange costs over a create. */
export const command: Section = {
  name: 'command',
  title: 'The command latchkey, and exchanges of CI jobs',
  needsPostgres: false,
  run: runCommand,
};

type Times = Record<'node' | 'help' | 'list' | 'create' | 'exchange', number[]>;

async function runCommand({ world, lifetime, length }: Bench): Promise<Outcome> {
  execFileSync(process.execPath, [join(ROOT, 'scripts/build-client.ts')], { cwd: ROOT, stdio: 'ignore' });
  const { url: workosUrl } = await world.workos();
  // Its own database: only the embedded start takes the CI issuers of a local WorkOS.
  const { DATABASE_URL: _, ...env } = await world.environment();
  const { url } = await startServer(lifetime, 'bench/servers/embedded-service.ts', 'measured', {
    ...env,
    BENCH_LOCAL_ISSUERS: workosUrl,
  });
  const { tokens } = await makeCallers(url, workosUrl);
  const token = tokens[0]!;
  for (let i = 0; i < LISTED_KEYS; i++) await makeKey(url, token);
  const { id: policy } = (await ask(url, 'POST', '/v1/ci/policies', token, POLICY)) as { id: string };
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  lifetime.onEnd(() => Promise.resolve(rmSync(folder, { recursive: true, force: true })));
  const latchkey = (...args: string[]) => runs(folder, { LATCHKEY_URL: url, LATCHKEY_TOKEN: token }, args);
  const exchange = await makeExchange({ url, workosUrl, policy });
  const all: Times = { node: [], help: [], list: [], create: [], exchange: [] };
  // The first of each fills the compile cache and the pools.
  for (let round = -1; round < length.rounds * (length.short ? 3 : 5); round++) {
    const once = {
      node: elapsed(() => execFileSync(...nodeAlone())),
      help: elapsed(() => latchkey('--help')),
      list: elapsed(() => latchkey('keys', 'list')),
      create: await elapsedAsync(() => makeKey(url, token)),
      exchange: await exchange(),
    };
    if (round >= 0) for (const [name, value] of Object.entries(once)) all[name as keyof Times].push(value);
  }
  return outcome(all);
}

const POLICY = {
  name: 'bench',
  issuer: 'github',
  permission_sets: ['read_only'],
  max_active_keys: 1_000,
  when: { repository_id: '987' },
};

function runs(folder: string, env: Record<string, string>, args: readonly string[]): string {
  const [program, ...rest] = commandOn('measured', PROGRAM);
  const { PATH = '' } = process.env;
  const options = { env: { PATH, HOME: folder, ...env }, encoding: 'utf8' } as const;
  return execFileSync(program, [...rest, ...args], options);
}

/** Node without a program: what no command can be faster than. */
function nodeAlone(): [string, string[]] {
  const [program, ...rest] = commandOn('measured', PROGRAM);
  return [program, [...rest.slice(0, -1), '-e', '0']];
}

type At = { url: string; workosUrl: string; policy: string };

/** Each exchange has a token of its own, which is got before the time is taken. */
async function makeExchange({ url, workosUrl, policy }: At): Promise<() => Promise<number>> {
  const audience = `${AUDIENCE}${tenants[0]!.organizationId}`;
  const tokenUrl = `${workosUrl}/_ci/github/token?audience=${encodeURIComponent(audience)}`;
  return async () => {
    const answer = await fetch(tokenUrl, { headers: { authorization: 'bearer runner' } });
    const { value } = (await answer.json()) as { value: string };
    return elapsedAsync(async () => {
      const response = await fetch(`${url}/v1/ci/exchange`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: value,
          subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          policy,
        }),
      });
      if (!response.ok) throw new Error(`POST /v1/ci/exchange: ${response.status} ${await response.text()}`);
      await response.json();
    });
  };
}

function elapsed(work: () => unknown): number {
  const begun = performance.now();
  work();
  return performance.now() - begun;
}

async function elapsedAsync(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

function outcome(all: Times): Outcome {
  const [node, help, list] = [median(all.node), median(all.help), median(all.list)];
  const more = median(all.exchange.map((value, round) => value - all.create[round]!));
  return {
    findings: [
      finding('`latchkey --help`, from start to end', HELP_MS, help, `; Node alone takes ${ms(node)} ms`),
      finding('`latchkey keys list` with the service beside it, from start to end', LIST_MS, list),
      finding('an exchange of a CI job over a create, one at a time', EXCHANGE_MS, more),
    ],
    raw: `Medians of ${all.help.length} runs: Node alone ${ms(node)} ms, \`latchkey --help\` ${ms(help)} ms, \`latchkey keys list\` of ${LISTED_KEYS} keys
${ms(list)} ms; a create ${ms(median(all.create))} ms, an exchange ${ms(median(all.exchange))} ms, both on the embedded database.
`,
  };
}

function finding(measure: string, most: number, reached: number, note = ''): Finding {
  return {
    measure,
    mustReach: `at most ${most} ms`,
    reached: `${ms(reached)} ms${note}`,
    ok: reached <= most,
  };
}
