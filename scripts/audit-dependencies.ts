import { spawnSync } from 'node:child_process';

// `npm run check:dependencies`: fails when what ships has a known vulnerability of high severity or worse.
//
// npm exits with 1 both for a finding and for a registry without audits, as mirrors often are. Its output distinguishes
// them. A registry without audits (404, 405, 501) is reported loudly and is no failure: every run on such a machine
// would fail whatever the dependencies are. Anything else (no answer, a 5xx, unreadable output) fails, so that an outage
// never passes for a clean result.
const NO_AUDIT_HERE = new Set([404, 405, 501]);
const NO_AUDIT_LINE = 'dependencies NOT audited: this registry has no audit endpoint';

type Output = {
  statusCode?: number;
  message?: string;
  metadata?: { vulnerabilities?: Record<string, number> };
  vulnerabilities?: Record<string, { name: string; severity: string }>;
};

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--audit-level=high', '--json'], {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'ignore'],
  maxBuffer: 64 * 1024 * 1024,
});
const output = read(stdout);
const counts = output.metadata?.vulnerabilities;

if (counts) judge(counts, output);
else if (output.statusCode !== undefined && NO_AUDIT_HERE.has(output.statusCode)) say(NO_AUDIT_LINE);
else fail(`the audit could not be done: ${output.message ?? 'npm printed no report'}`);

function judge(counts: Record<string, number>, { vulnerabilities = {} }: Output): void {
  const bad = (counts['high'] ?? 0) + (counts['critical'] ?? 0);
  const names = Object.values(vulnerabilities)
    .filter(({ severity }) => severity === 'high' || severity === 'critical')
    .map(({ name, severity }) => `${name} (${severity})`);
  if (bad > 0) fail(`what ships has ${bad} vulnerabilities of high severity or worse: ${names.join(', ')}`);
  else say('dependencies audited: nothing of high severity in what ships');
}

function read(text: string): Output {
  try {
    return JSON.parse(text) as Output;
  } catch {
    return {};
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(line: string): void {
  process.stderr.write(`${line}\n`);
  process.exitCode = 1;
}
