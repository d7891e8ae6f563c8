import { execFileSync } from 'node:child_process';
import type { Bench, Outcome, Section } from '../section.ts';
import { ROOT, commandOn } from '../start-server.ts';
import { count } from '../tables.ts';

/** What `bench/middleware.ts` prints. */
type Checks = { keys: number; perSecond: number; ratesOfRounds: number[]; p99Microseconds: number };

/** Measures checks in the consumer's own process. */
export const middleware: Section = {
  name: 'middleware',
  title: '`requireApiKey` in the process of its service, from memory',
  needsPostgres: false,
  run: runMiddleware,
};

async function runMiddleware({ length }: Bench): Promise<Outcome> {
  const [program, ...args] = commandOn('measured', 'bench/middleware.ts');
  const rounds = ['--rounds', `${length.rounds}`];
  const text = execFileSync(program, [...args, ...rounds], { cwd: ROOT, encoding: 'utf8' });
  const checks = JSON.parse(text) as Checks;
  const { keys, perSecond, ratesOfRounds, p99Microseconds } = checks;
  return {
    findings: [
      {
        measure: "`requireApiKey` in the consumer's process, from memory, on one core",
        mustReach: 'at least 300,000 checks/s, p99 under 20 µs',
        reached: `${count(perSecond)}/s, p99 ${p99Microseconds.toFixed(1)} µs`,
        ok: perSecond >= 300_000 && p99Microseconds < 20,
      },
    ],
    figures: { checks: { perSecond: Math.round(perSecond), p99Microseconds } },
    raw: `${keys} keys; checks/s of each round: ${ratesOfRounds.map(count).join(' · ')}.\n`,
  };
}
