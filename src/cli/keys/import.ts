import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { readArguments, runCommand, toStderr, toStdout } from '../command.ts';
import { usageOf } from '../commands.ts';
import { importedFormsOf } from '../../app/api-keys/imported-forms.ts';
import { makeImportParts } from '../../app/api-keys/imports.ts';
import type { ImportParts } from '../../app/api-keys/imports.ts';
import { readConfig } from '../../app/read-config.ts';
import type { Config } from '../../config/config.ts';
import { readImportSecrets } from '../../config/import-variables.ts';
import { packageFile } from '../../config/package-file.ts';
import { assertReachable, connectDatabase } from '../../db/connect.ts';
import { assertMigrated } from '../../db/migrations.ts';
import { StartError } from '../../errors.ts';
import type { Judged } from '../../imports/category.ts';
import { makeHashRow } from '../../imports/hash-rows.ts';
import { parseMapping } from '../../imports/mapping.ts';
import type { Mapping } from '../../imports/mapping.ts';
import { makeImportReport } from '../../imports/report.ts';
import { digestSource } from '../../imports/sources/digest-source.ts';
import { readRows } from '../../imports/sources/read-rows.ts';
import { readTable } from '../../imports/sources/read-table.ts';
import type { SourceRow } from '../../imports/sources/source-row.ts';
import { statusLines, statusOf } from '../../imports/status.ts';
import { makeCatalogue } from '../../permissions/catalogue.ts';
import { isSlow } from '../../product/imports/import-rules.ts';
import type { ImportRule } from '../../product/imports/import-rules.ts';
import type { Product } from '../../product/product.ts';
import { readProduct } from '../../product/read-product.ts';
import { makeLogger } from '../../telemetry/logger.ts';

const DONE = 0;
const FAILED = 1;
const SOME_REFUSED = 2;
const STOPPED = 3;

const POOL = 4;
const PROGRESS_MS = 200;
const CLEAR = '\r\u001b[2K';

type Service = { config: Config; product: Product };
/** `path` undefined: rows are read from the database of LATCHKEY_IMPORT_DATABASE_URL. */
type Reading = {
  name: string;
  path: string | undefined;
  mappingPath: string;
  report: string | undefined;
  json: boolean;
};
/** The rows of a source; `digest` is undefined for one that cannot be compared with that of an earlier run. */
type Source = { rows: AsyncIterable<SourceRow>; digest: Buffer | undefined };

/** `npm run import`: results go to standard output, progress to standard error where it is a terminal. */
async function run(): Promise<number> {
  const { values, positionals } = readArguments('import');
  const [verb, name, source, ...more] = positionals;
  const { mapping: mappingPath, report, json } = values;
  if (
    more.length === 0 &&
    name !== undefined &&
    mappingPath !== undefined &&
    (source === undefined) === values.database
  ) {
    const reading = { name, path: source, mappingPath, report, json };
    if (verb === 'plan' || verb === 'apply') {
      const service = readService();
      return withParts(service, (parts) => readSource(service, parts, reading, verb));
    }
    if (verb === 'hash' && source !== undefined) return hashRows(reading, source);
  }
  if (source === undefined && verb === 'status')
    return withParts(readService(), (parts) => showStatus(parts, name, values.json));
  if (source === undefined && verb === 'undo' && name !== undefined)
    return withParts(readService(), (parts) => undo(parts, name));
  throw new StartError(usageOf('import'));
}

// Of WorkOS an import asks what scopes require, who is a member, and nothing else.
const WITHOUT_WORKOS = {
  WORKOS_API_KEY: 'sk_not_asked',
  WORKOS_CLIENT_ID: 'client_not_asked',
  WORKOS_COOKIE_PASSWORD: 'no cookie is unsealed by a command',
};

/** Reads the environment, without that of WorkOS where no scope requires something and no person has keys. */
function readService(): Service {
  const product = readProductFile();
  const hasRequirements = product.scopes.some(({ scopes }) => scopes.some(({ requires }) => requires !== undefined));
  const asksWorkos = hasRequirements || product.api_keys.owners.includes('user');
  return { config: readConfig({ ...process.env, ...(!asksWorkos && WITHOUT_WORKOS) }), product };
}

function readProductFile(): Product {
  return readProduct(process.env['LATCHKEY_CONFIG'] || packageFile('config/evershell.yaml'));
}

async function withParts({ config, product }: Service, work: (parts: ImportParts) => Promise<number>): Promise<number> {
  const log = makeLogger({ level: config.logLevel, pretty: false, destination: { write: toStderr } });
  await assertReachable(config.databaseUrl);
  const db = connectDatabase({ url: config.databaseUrl, poolMax: POOL, log });
  try {
    await assertMigrated(db);
    return await work(makeImportParts({ config, product, db, log }));
  } finally {
    await db.destroy();
  }
}

async function readSource(
  service: Service,
  parts: ImportParts,
  reading: Reading,
  verb: 'plan' | 'apply',
): Promise<number> {
  const rule = ruleOf(service.product, reading.name);
  assertOpen(rule);
  const { text, mapping } = readMapping(service, reading);
  const refused = openReport(reading.report);
  const report = makeImportReport(refused.write);
  const progress = makeProgress();
  const judgeRow = parts.judgeRowOf(rule, mapping);
  const onBatch = (judged: readonly Judged[]) => {
    report.add(judged);
    progress.add(judged.length);
  };
  const signal = abortOnSignal();
  const shared = { judgeRow, onBatch, signal };
  const { overQuota, isWhole } = await withSource(
    service,
    reading,
    { text, mapping, rule },
    async ({ rows, digest }) => {
      if (verb === 'plan') {
        const over = await parts.plan({ ...shared, rule, rows });
        return { overQuota: over ?? [], isWhole: over !== undefined };
      }
      const onResumed = progress.resume;
      return { overQuota: [], isWhole: await parts.apply({ ...shared, rows, rule, sourceDigest: digest, onResumed }) };
    },
  );
  progress.clear();
  await refused.close();
  toStdout(`${reading.json ? report.json(overQuota) : report.text(overQuota)}\n`);
  if (!isWhole) return STOPPED;
  return report.isClean() ? DONE : SOME_REFUSED;
}

type Rules = { text: string; mapping: Mapping; rule: ImportRule };

/** Opens the source of rows while `work` reads it. */
async function withSource<T>(
  { config }: Service,
  { path }: Reading,
  { text, mapping, rule }: Rules,
  work: (source: Source) => Promise<T>,
): Promise<T> {
  if (path !== undefined)
    return work({
      rows: readRows(path, formatOf(path)),
      digest: await digestSource(path, [text, JSON.stringify(rule)]),
    });
  const url = config.importDatabaseUrl;
  if (url === undefined) throw new StartError('Set LATCHKEY_IMPORT_DATABASE_URL to read rows from a database.');
  await assertReachable(url);
  const theirs = connectDatabase({ url, poolMax: 1 });
  try {
    const [id = 'id'] = mapping.fields.id ?? [];
    return await work({ rows: readTable(theirs, { table: mapping.table, id }), digest: undefined });
  } finally {
    await theirs.destroy();
  }
}

async function undo(parts: ImportParts, name: string): Promise<number> {
  const progress = makeProgress();
  let removed = 0;
  const onBatch = (keys: number) => {
    removed += keys;
    progress.add(keys);
  };
  const outcome = await parts.undo({ name, onBatch, signal: abortOnSignal() });
  progress.clear();
  if (outcome === 'unknown') throw new StartError(`No import '${name}' was applied.`);
  const left = await parts.countOf(name);
  toStdout(`${removed} keys removed, which were never used; ${left.keys} stay.\n`);
  return outcome === 'stopped' ? STOPPED : DONE;
}

async function showStatus(parts: ImportParts, name: string | undefined, json: boolean): Promise<number> {
  const runs = (await parts.runs.list()).filter((each) => name === undefined || each.name === name);
  if (name !== undefined && runs.length === 0) throw new StartError(`No import '${name}' was applied.`);
  for (const each of runs) {
    const counts = await parts.countOf(each.name);
    toStdout(json ? `${JSON.stringify(statusOf(each, counts))}\n` : statusLines(each, counts));
  }
  if (runs.length === 0 && !json) toStdout('No import was applied.\n');
  return DONE;
}

/** Needs the product file alone: it runs where the other system's secrets are. */
async function hashRows(reading: Reading, path: string): Promise<number> {
  const product = readProductFile();
  const rule = ruleOf(product, reading.name);
  if (isSlow(rule))
    throw new StartError(`The import '${rule.name}' has a hash with a salt; hash secrets that you have with sha256.`);
  const form = importedFormsOf({ importSecrets: readImportSecrets(process.env) }, { imports: [rule] })[0]!;
  const hashRow = makeHashRow(form, rule, readMapping({ product }, reading).mapping);
  let faults = 0;
  for await (const source of readRows(path, formatOf(path))) {
    const hashed = hashRow(source);
    if ('row' in hashed) {
      if (!process.stdout.write(`${JSON.stringify(hashed.row)}\n`)) await once(process.stdout, 'drain');
      continue;
    }
    faults += 1;
    toStderr(`line ${hashed.line}: ${hashed.fault}\n`);
  }
  return faults > 0 ? SOME_REFUSED : DONE;
}

function ruleOf({ imports }: Pick<Product, 'imports'>, name: string): ImportRule {
  const rule = imports.find((each) => each.name === name);
  if (rule) return rule;
  const names = imports.map((each) => each.name).join(', ') || 'none';
  throw new StartError(`The product file has no import '${name}'. It has: ${names}.`);
}

function assertOpen({ name, until }: ImportRule): void {
  if (until !== undefined && Date.parse(until) <= Date.now())
    throw new StartError(`The import '${name}' ended at ${until}: set a later \`until\`.`);
}

function readMapping(
  { product }: Pick<Service, 'product'>,
  { mappingPath }: Reading,
): { text: string; mapping: Mapping } {
  const text = readFileSync(mappingPath, 'utf8');
  return { text, mapping: parseMapping(text, mappingPath, makeCatalogue(product)) };
}

function formatOf(path: string): 'csv' | 'ndjson' {
  return path.toLowerCase().endsWith('.csv') ? 'csv' : 'ndjson';
}

/** Opens the file of refused rows, which only its owner may read. */
function openReport(path: string | undefined) {
  const stream = path === undefined ? undefined : createWriteStream(path, { mode: 0o600 });
  const failed = stream && once(stream, 'error').then(([error]: unknown[]) => Promise.reject(error as Error));
  failed?.catch(() => undefined);
  return {
    write: (text: string) => void stream?.write(text),
    async close() {
      stream?.end();
      if (stream) await Promise.race([once(stream, 'finish'), failed]);
    },
  };
}

/** The first signal stops the run behind its batch. */
function abortOnSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  return stopping.signal;
}

function makeProgress() {
  let [rows, shownAtMs] = [0, 0];
  const show = () => {
    if (!process.stderr.isTTY || performance.now() - shownAtMs < PROGRESS_MS) return;
    shownAtMs = performance.now();
    toStderr(`${CLEAR}${rows.toLocaleString('en')} rows`);
  };
  return {
    resume(taken: number): void {
      if (taken > 0) toStderr(`Going on behind row ${taken.toLocaleString('en')}.\n`);
      rows = taken;
    },
    add(more: number): void {
      rows += more;
      show();
    },
    clear: () => void (process.stderr.isTTY && toStderr(CLEAR)),
  };
}

await runCommand(run, { failed: 'The import failed', exitCode: FAILED });
