import { writeFileSync } from 'node:fs';
import { readConfig } from '../app/read-config.ts';
import { readArguments, runCommand, toStderr, toStdout } from './command.ts';
import { usageOf } from './commands.ts';
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

const PROBLEM = 2;

async function run(): Promise<number> {
  const given = readOptions();
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
    signal: interruption(),
    onStep: (step) => toStdout(`${summarize(step)}\n`),
  });
  writeFileSync(given.report, writeReport(examination, VERSION), { mode: 0o600 });
  toStdout(`Wrote the report to ${given.report}.\n`);
  for (const line of examination.left) toStderr(`Left behind: ${line}\n`);
  return exitCodeOf(examination);
}

type Given = ReturnType<typeof readOptions>;

/** @throws StartError with the usage */
function readOptions() {
  const { values } = readArguments('doctor', false);
  if (!values.workos) throw new StartError(usageOf('doctor'));
  if (values.patience !== undefined) toStderr('--patience is now called --timeout.\n');
  return values;
}

function optionsOf(given: Given) {
  const [timeout, port] = [Number(given.timeout ?? given.patience ?? 30), Number(given['webhook-port'])];
  if (!(timeout >= 1 && timeout <= 600)) throw new StartError('--timeout must be 1 to 600 seconds.');
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new StartError('--webhook-port must be a port number.');
  const url = given['webhook-url'];
  if (url !== undefined && !URL.canParse(url)) throw new StartError('--webhook-url must be a URL.');
  return {
    emailDomain: given['email-domain'],
    webhook: url === undefined ? undefined : { url, port },
    waitMs: timeout * 1_000,
    pauseMs: 1_000,
  };
}

/** Aborts with the first signal of the operating system; the examination then cleans up. */
function interruption(): AbortSignal {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      toStderr('Interrupted; cleaning up.\n');
      end.abort();
    });
  return end.signal;
}

await runCommand(run, { failed: 'The examination failed', exitCode: PROBLEM });
