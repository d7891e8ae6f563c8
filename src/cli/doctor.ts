import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readConfig } from '../config/config.ts';
import { makeJudge } from '../app/readers.ts';
import { askPerson } from '../doctor/ask-person.ts';
import { examine, exitCodeOf } from '../doctor/doctor.ts';
import { summarize, writeReport } from '../doctor/report.ts';
import { DoctorVariables } from '../doctor/variables.ts';
import { StartError } from '../errors.ts';
import { packageFile } from '../config/package-file.ts';
import { readProduct } from '../product/read-product.ts';
import { makeLogger } from '../telemetry/logger.ts';
import { VERSION } from '../config/version.ts';

const USAGE = `Usage: npm run doctor -- --workos [--report FILE] [--patience SECONDS] [--email-domain DOMAIN]
  [--webhook-url URL --webhook-port PORT] [--interactive [--redirect-uri URI]] [--burst]`;
const PROBLEM = 2;
const OPTIONS = {
  workos: { type: 'boolean', default: false },
  report: { type: 'string', default: 'latchkey-doctor.md' },
  patience: { type: 'string', default: '30' },
  'email-domain': { type: 'string' },
  'webhook-url': { type: 'string' },
  'webhook-port': { type: 'string', default: '8089' },
  interactive: { type: 'boolean', default: false },
  'redirect-uri': { type: 'string' },
  burst: { type: 'boolean', default: false },
} as const;

/**
 * `npm run doctor -- --workos`: tries against the configured WorkOS whatever Latchkey relies on, with a throwaway
 * organization, and undoes it. Exit code 0: all is as assumed, or Latchkey copes; 1: something will not work; 2: the
 * examination is incomplete or left something behind.
 */
async function run(): Promise<number> {
  const given = readArguments();
  const config = readConfig(process.env);
  const product = readProduct(config.productFile ?? packageFile('config/evershell.yaml'));
  const log = makeLogger({ level: 'silent', pretty: false });
  const { workos } = config;
  const { LATCHKEY_DOCTOR_COOKIE, LATCHKEY_DOCTOR_BURST_KEY } = DoctorVariables.parse(process.env);
  const cookie = LATCHKEY_DOCTOR_COOKIE || undefined;
  const burstKey = given.burst ? LATCHKEY_DOCTOR_BURST_KEY || undefined : undefined;
  const person = given.interactive ? askPerson({ ...workos, redirectUri: given['redirect-uri'] }) : {};
  const examination = await examine({
    target: workos,
    product,
    judge: makeJudge({ config, product, log }),
    options: { ...person, cookie, burstKey, ...optionsOf(given) },
    timeoutMs: workos.timeoutMs,
    secrets: [workos.apiKey, workos.cookiePassword, workos.webhookSecret, config.secret, burstKey, cookie],
    signal: endOfPatience(),
    onStep: (step) => void process.stdout.write(`${summarize(step)}\n`),
  });
  writeFileSync(given.report, writeReport(examination, VERSION), { mode: 0o600 });
  process.stdout.write(`The report is ${given.report}.\n`);
  for (const line of examination.left) process.stderr.write(`Left behind: ${line}\n`);
  return exitCodeOf(examination);
}

type Given = ReturnType<typeof readArguments>;

/** @throws StartError that says how the command is used */
function readArguments() {
  try {
    const { values } = parseArgs({ options: OPTIONS, strict: true });
    if (values.workos) return values;
  } catch (error) {
    throw new StartError(USAGE, { cause: error });
  }
  throw new StartError(USAGE);
}

function optionsOf(given: Given) {
  const [patience, port] = [Number(given.patience), Number(given['webhook-port'])];
  if (!(patience >= 1 && patience <= 600)) throw new StartError('--patience needs 1 to 600 seconds.');
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new StartError('--webhook-port needs a port.');
  const url = given['webhook-url'];
  if (url !== undefined && !URL.canParse(url)) throw new StartError('--webhook-url needs an address.');
  return {
    emailDomain: given['email-domain'],
    webhook: url === undefined ? undefined : { url, port },
    patienceMs: patience * 1_000,
    pauseMs: 1_000,
  };
}

/** Ends with the first signal; what was made is undone before the process goes. */
function endOfPatience(): AbortSignal {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      process.stderr.write('Interrupted; cleaning up.\n');
      end.abort();
    });
  return end.signal;
}

try {
  process.exitCode = await run();
} catch (error) {
  const reason = error instanceof StartError ? error.message : `The examination failed: ${(error as Error).message}`;
  process.stderr.write(`${reason}\n`);
  process.exitCode = PROBLEM;
}
