import type { Environment } from '../../api-keys/key.ts';
import { DRIFT_KINDS } from './compare.ts';
import { totalOf } from './reconcile.ts';
import type { Counts, FindingOf, Outcome, Progress } from './reconcile.ts';

type Write = (text: string) => void;

export type Report = { finding(finding: FindingOf): void; end(outcome: Outcome): void };

const WIDTHS = { environment: 11, kind: 21, organization: 32, key: 36, repaired: 8, count: 7 };
// Names are typed by people at WorkOS: control characters could move a terminal's cursor.
const CONTROL = /\p{C}/gu;
/** The variable that configures each environment. */
const NEEDED: Record<Environment, string> = { live: 'WORKOS_API_KEY', test: 'WORKOS_API_KEY_TEST' };

/** Writes a line for each difference as it is found, and a table of counts per kind at the end. */
export function makeTable(write: Write): Report {
  let isFirst = true;
  function line(cells: Record<Exclude<keyof typeof WIDTHS, 'count'>, string>, what: string): void {
    const { environment, kind, organization, key, repaired } = cells;
    const padded = [
      environment.padEnd(WIDTHS.environment),
      kind.padEnd(WIDTHS.kind),
      organization.padEnd(WIDTHS.organization),
      key.padEnd(WIDTHS.key),
      repaired.padEnd(WIDTHS.repaired),
    ];
    write(`${padded.join(' ')} ${what.replaceAll(CONTROL, '?')}\n`);
  }
  const titles = {
    environment: 'environment',
    kind: 'kind',
    organization: 'organization',
    key: 'key',
    repaired: 'repaired',
  };
  return {
    finding({ environment, kind, organizationId, keyId, repaired, here, there }) {
      if (isFirst) line(titles, 'here → at WorkOS');
      isFirst = false;
      const cells = { environment, kind, organization: organizationId, key: keyId, repaired: repaired ? 'yes' : 'no' };
      line(cells, `${here} → ${there}`);
    },
    end({ compared, leftOut }) {
      if (!isFirst) write('\n');
      const row = (title: string, counts: readonly (string | number)[]) =>
        write(
          `${title.padEnd(WIDTHS.kind)} ${counts.map((one) => String(one).padEnd(WIDTHS.count)).join(' ')}`.trimEnd() +
            '\n',
        );
      row(
        '',
        compared.map(({ environment }) => environment),
      );
      for (const kind of DRIFT_KINDS)
        row(
          kind,
          compared.map(({ found }) => found[kind]),
        );
      for (const progress of compared) write(summaryOf(progress));
      for (const environment of leftOut) write(`${environment}: left out: ${NEEDED[environment]} is not set.\n`);
    },
  };
}

function summaryOf({ environment, organizations, keys, failures, repaired }: Progress): string {
  const failed = failures > 0 ? `; ${failures} could not be read and were left as they are` : '';
  return `${environment}: ${keys} keys of ${organizations} organizations compared, ${repaired} differences repaired${failed}.\n`;
}

/** Writes one JSON document, each difference as it is found. */
export function makeJson(write: Write): Report {
  let isFirst = true;
  write('{"drift":[');
  return {
    finding({ environment, kind, organizationId, keyId, here, there, repaired }) {
      const key = { organization_id: organizationId, key_id: keyId };
      const drift = { environment, kind, ...key, here, there, mended: repaired };
      write(`${isFirst ? '' : ','}\n${JSON.stringify(drift)}`);
      isFirst = false;
    },
    end({ compared, leftOut }) {
      const environments = compared.map((progress) => [progress.environment, countsOf(progress)]);
      const numbers = { ...countsOf(totalOf(compared)), environments: Object.fromEntries(environments) };
      write(`${isFirst ? '' : '\n'}],${JSON.stringify({ ...numbers, left_out: leftOut }).slice(1)}\n`);
    },
  };
}

function countsOf({ found, repaired, organizations, keys, failures }: Counts) {
  return { counts: found, mended: repaired, organizations, keys, failures };
}

const PROGRESS_EVERY_MS = 2_000;

/** Creates a listener that writes a line of progress every few seconds. */
export function makeProgressLine(write: Write): (progress: Progress) => void {
  let writtenAt = performance.now();
  return ({ environment, organizations, keys, found }) => {
    if (performance.now() - writtenAt < PROGRESS_EVERY_MS) return;
    writtenAt = performance.now();
    const differences = Object.values(found).reduce((sum, count) => sum + count, 0);
    write(
      `reconcile: ${environment}: ${organizations} organizations, ${keys} keys compared, ${differences} differences\n`,
    );
  };
}
