import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { emptyDatabase } from '../database.ts';
import type { Target } from '../load.ts';
import { interleave, ratio } from '../rounds.ts';
import type { Rounds } from '../rounds.ts';
import type { Bench, Outcome, Section } from '../section.ts';
import { ROOT, startServer } from '../start-server.ts';
import { times } from '../tables.ts';
import { CONNECTIONS, isValid, verifyTarget } from '../targets.ts';

const PEERS = join(ROOT, 'bench/peers');

/** Compares with the API-key plugin of Better Auth, by default and in its fastest setting. */
export const betterAuth: Section = {
  name: 'better-auth',
  title: "Better Auth's API-key plugin",
  needsPostgres: true,
  run: runBetterAuth,
};

async function runBetterAuth({ world, lifetime, length }: Bench): Promise<Outcome> {
  installPeers();
  const { keys } = await world.callers();
  const url = await emptyDatabase(lifetime, world.serverUrl!, { schema: false });
  const start = async (storage: string) => {
    const env = { STORAGE: storage, KEYS: `${keys.length}`, DATABASE_URL: url };
    return peerTarget((await startServer(lifetime, 'bench/peers/better-auth-server.mjs', 'measured', env)).url);
  };
  const targets = {
    latchkey: verifyTarget((await world.latchkey()).url, keys),
    database: await start('database'),
    memory: await start('memory'),
  };
  return outcome(await interleave(targets, length));
}

/** Installs the peers from their own package file and lock, without install scripts. */
function installPeers(): void {
  if (existsSync(join(PEERS, 'node_modules/better-auth/package.json'))) return;
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: PEERS, stdio: 'ignore' });
}

async function peerTarget(url: string): Promise<Target> {
  const keys = (await (await fetch(`${url}/keys`)).json()) as string[];
  const requests = keys.map((key) => ({ headers: {}, body: { key } }));
  return { url, method: 'POST', path: '/verify', connections: CONNECTIONS, requests, accepts: isValid };
}

function outcome({ latchkey, database, memory }: Record<'latchkey' | 'database' | 'memory', Rounds>): Outcome {
  const toDatabase = ratio(latchkey, database, 'requestsPerSecond');
  const toMemory = ratio(latchkey, memory, 'requestsPerSecond');
  return {
    findings: [
      {
        measure: "verify, compared with Better Auth's API-key plugin, its keys in the same PostgreSQL",
        mustReach: 'at least 12× the requests/s',
        reached: times(toDatabase),
        ok: toDatabase >= 12,
      },
      {
        measure: 'the same, compared with its fastest setting, keys in memory',
        mustReach: 'at least 4×',
        reached: times(toMemory),
        ok: toMemory >= 4,
      },
    ],
    rounds: {
      '`POST /v1/api-keys/verify`': latchkey,
      'Better Auth, keys in PostgreSQL': database,
      'Better Auth, keys in memory': memory,
    },
    raw: `Better Auth answers \`auth.api.verifyApiKey\` over plain \`node:http\`, without a framework or a log. Its rate limiting is off (by
default it writes a counter for each verification), and so are telemetry and its own log; with the database, a pool of 10
connections as Latchkey has; in memory, \`storage: 'secondary-storage'\` over a \`Map\` and \`deferUpdates\`, so that nothing waits for the last use.
`,
  };
}
